"""What do receivers do differently? Pure: groups, readings of replies, pace."""
