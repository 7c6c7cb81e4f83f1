"""What has the client sent so far: a command, a mail's content, a chunk?

Bytes in, pieces out; no socket. A line ends with CRLF and nothing else (RFC 5321 §2.3.8); content ends with
CRLF.CRLF and is handed out without its dot-stuffing (RFC 5321 §4.5.2). Raises `Overlong` when a piece
outgrows its limit.
"""

LONGEST_LINE = 4096
END = b"\r\n.\r\n"


class Overlong(Exception):
    """The client sends a line or a content without end."""


class Wire:
    """The bytes of one connection, taken apart on demand; nothing is looked at twice."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._data = b""
        self._at = 0
        self._looked = 0

    def feed(self, data: bytes) -> None:
        """Add what came in."""
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._looked -= self._at
        self._at = 0

    def clear(self) -> None:
        """Forget what was not taken yet (RFC 3207 §4.2: nothing said in the clear counts inside TLS)."""
        self._data, self._at, self._looked = b"", 0, 0

    @property
    def waiting(self) -> int:
        """How many bytes are in and not taken."""
        return len(self._data) - self._at

    def line(self) -> bytes | None:
        """Take the next command line, without its CRLF; None if it is not complete."""
        end = self._data.find(b"\r\n", self._at)
        if end < 0:
            self._refuse_beyond(LONGEST_LINE)
            return None
        line = self._data[self._at : end]
        self._at = self._looked = end + 2
        return line

    def content(self) -> bytes | None:
        """Take the content up to its final dot, unstuffed and ending with CRLF; None if the dot is not in."""
        if self._data.startswith(b".\r\n", self._at):
            self._at = self._looked = self._at + 3
            return b""
        end = self._data.find(END, max(self._at, self._looked - len(END)))
        if end < 0:
            self._looked = len(self._data)
            self._refuse_beyond(self._most)
            return None
        raw = self._data[self._at : end + 2]
        self._at = self._looked = end + len(END)
        return _unstuffed(raw)

    def chunk(self, size: int) -> bytes | None:
        """Take `size` bytes (RFC 3030 §2); None if they are not all in."""
        if self.waiting < size:
            self._refuse_beyond(self._most)
            return None
        chunk = self._data[self._at : self._at + size]
        self._at = self._looked = self._at + size
        return chunk

    def _refuse_beyond(self, most: int) -> None:
        if self.waiting > most:
            raise Overlong


def _unstuffed(raw: bytes) -> bytes:
    if raw.startswith(b"."):
        raw = raw[1:]
    return raw.replace(b"\r\n.", b"\r\n") if b"\r\n." in raw else raw
