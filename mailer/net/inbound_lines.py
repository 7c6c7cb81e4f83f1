"""What has the peer said so far: which command line is complete, and what follows it?

A sans-I/O buffer. Only CRLF ends a command line (RFC 5321 §2.3.8); a bare LF ends it too, but as a fault, so that
a peer who ends lines wrongly hears so at once instead of waiting. Memory is bounded by the limits whatever comes.

Raises `BadLine` for a line that is no command (the session may go on) and `EndlessLine` for one that never ends.
"""

LINE_BYTES = 1024
SKIPPED_BYTES = 64 * 1024
TLS_HANDSHAKE = b"\x16"


class BadLine(Exception):
    """One line was not a command line; the text says why and may be sent to the peer."""


class EndlessLine(BadLine):
    """A line went on far beyond every limit; the connection is of no use."""


class Incoming:
    """The bytes that came and were not yet used."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skipped = 0

    @property
    def pending(self) -> bool:
        """Whether bytes wait behind what was taken so far."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add what was read from the wire."""
        self._buffer += data

    def take(self) -> bytes:
        """Return everything that waits; the buffer is empty then."""
        taken = bytes(self._buffer)
        self._buffer.clear()
        return taken

    def line(self) -> bytes | None:
        """Return the next command line without its CRLF, or None while it is incomplete."""
        if self._buffer.startswith(TLS_HANDSHAKE):
            raise EndlessLine("This is SMTP without TLS")
        end = self._buffer.find(b"\n")
        if end < 0:
            self._skip_what_is_too_long()
            return None
        found = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return self._checked(found)

    def _checked(self, found: bytes) -> bytes:
        too_long = self._skipped + len(found) > LINE_BYTES
        self._skipped = 0
        if too_long:
            raise BadLine("Line too long")
        if not found.endswith(b"\r\n"):
            raise BadLine("End each line with CRLF")
        return found[:-2]

    def _skip_what_is_too_long(self) -> None:
        if self._skipped + len(self._buffer) <= LINE_BYTES:
            return
        self._skipped += len(self._buffer)
        self._buffer.clear()
        if self._skipped > SKIPPED_BYTES:
            raise EndlessLine("Line too long")
