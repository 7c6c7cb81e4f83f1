"""How are mails handed to a mail server as fast as it takes them?

Several SMTP sessions at a time on loopback, each with PIPELINING (RFC 2920): the next envelope rides behind the content
before it. Every mail is made beforehand. Raises AssertionError with the reply that was not as it should be.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

HELLO = b"EHLO injector.example\r\n"


@dataclass(frozen=True, slots=True)
class Ready:
    """A mail with its envelope; `content` is dot-stuffed and ends with the final dot."""

    reverse_path: str
    forward_path: str
    content: bytes

    @property
    def envelope(self) -> bytes:
        """Return the commands before the content."""
        return f"MAIL FROM:<{self.reverse_path}>\r\nRCPT TO:<{self.forward_path}>\r\nDATA\r\n".encode()


def inject(mails: Sequence[Ready], port: int, sessions: int) -> float:
    """Hand all mails over; return when the first envelope left (seconds since 1970). Fails if one is not taken."""
    return asyncio.run(_inject(iter(mails), port, sessions))


async def _inject(mails: Iterator[Ready], port: int, sessions: int) -> float:
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(sessions)]
    began = time.time()
    await asyncio.gather(*(loop.create_connection(partial(_Session, mails, end), "127.0.0.1", port) for end in ends))
    await asyncio.gather(*ends)
    return began


class _Session(asyncio.Protocol):
    """One session; all take from the same mails."""

    def __init__(self, mails: Iterator[Ready], end: "asyncio.Future[None]") -> None:
        self._mails = mails
        self._end = end
        self._rest = b""
        self._mail: Ready | None = None
        self._expected: list[bytes] = [b"220"]
        self._offers_known = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            if line[3:4] != b"-":
                self._take(line)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end.done():
            return
        if self._expected:
            self._end.set_exception(AssertionError(f"the connection was lost: {exc}"))
        else:
            self._end.set_result(None)

    def _take(self, line: bytes) -> None:
        code = self._expected.pop(0)
        if not line.startswith(code):
            if not self._end.done():
                self._end.set_exception(AssertionError(f"{line.decode()} instead of {code.decode()}"))
            self._transport.abort()
        elif code == b"220":
            self._transport.write(HELLO)
            self._expected = [b"250"]
        elif not self._offers_known:  # nothing may ride behind EHLO (RFC 2920 §3.1)
            self._offers_known = True
            self._expected = self._next(b"")
        elif code == b"354" and self._mail is not None:
            content = self._mail.content
            self._expected += [b"250", *self._next(content)]
        elif code == b"221":
            self._transport.close()

    def _next(self, before: bytes) -> list[bytes]:
        """Write what comes before, then the next envelope or QUIT; return the codes that answer the latter."""
        self._mail = next(self._mails, None)
        if self._mail is None:
            self._transport.write(before + b"QUIT\r\n")
            return [b"221"]
        self._transport.write(before + self._mail.envelope)
        return [b"250", b"250", b"354"]
