"""What may a person or a timer ask for? One transaction each, plain functions."""
