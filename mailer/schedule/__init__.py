"""What happens next to a queue item? Pure: states, outcomes, backoff, expiry."""
