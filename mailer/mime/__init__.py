"""What is inside a mail that a stranger wrote? Pure: bytes in, values out, whatever the bytes are."""
