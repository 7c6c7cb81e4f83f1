"""Where does the mail in a DATA stream end, and which bytes of it do we keep?

Only CRLF.CRLF ends it (RFC 5321 §4.1.1.4), so that no spelling of a false end smuggles a second mail in. The dot that
stuffs a line is taken off (RFC 5321 §4.5.2), and a bare CR or LF becomes CRLF: whatever reads the mail later sees the
same lines as we do. What is over the limit is counted but not kept.
"""

from collections.abc import Callable

END = b"\r\n.\r\n"


class Body:
    """The content of one mail while it arrives; `keep` is given its bytes piece by piece."""

    def __init__(self, keep: Callable[[bytes], object], limit: int) -> None:
        self.received = 0
        self._keep = keep
        self._limit = limit
        self._pending = b"\r\n"  # the end may be the very first line: pretend that a line ended before it
        self._before_first = 2

    @property
    def too_big(self) -> bool:
        """Whether more than the limit came."""
        return self.received > self._limit

    def feed(self, data: bytes) -> bytes | None:
        """Take what was read; return what follows the end of the mail, or None while the end has not come."""
        before = len(self._pending)
        pending = self._pending + data
        end = pending.find(END)
        if end < 0:
            self.received += len(data)
            kept_back = _kept_back(pending)
            self._pending = pending[len(pending) - kept_back :]
            self._pass_on(pending[: len(pending) - kept_back])
            return None
        self.received += max(0, end + 2 - before)
        self._pass_on(pending[: end + 2])
        return pending[end + len(END) :]

    def _pass_on(self, part: bytes) -> None:
        lines = part.replace(b"\r\n.", b"\r\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        plain = lines.replace(b"\n", b"\r\n")
        plain, self._before_first = plain[self._before_first :], max(0, self._before_first - len(plain))
        if plain and not self.too_big:
            self._keep(plain)


def _kept_back(pending: bytes) -> int:
    """Return how many bytes at the end may be the beginning of a line end, a stuffed dot or the end of the mail."""
    for length in range(len(END) - 1, 0, -1):
        if pending.endswith(END[:length]):
            return length
    return 0
