"""How does one speak to an MX? Pure: bytes in, bytes out; no socket, no clock."""
