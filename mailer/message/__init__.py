"""Which bytes does the guardian get? Pure: text, composition, signature."""
