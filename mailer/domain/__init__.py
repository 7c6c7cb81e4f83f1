"""What do the town's words mean? Pure: values and rules, no store, no network."""
