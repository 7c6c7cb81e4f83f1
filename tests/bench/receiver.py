"""How can receivers take mail for so little CPU time that they do not count in a benchmark?

They speak what the simulated receivers of the rehearsal speak to a sender that makes no mistakes (PIPELINING, CHUNKING,
a round trip's delay), and look at no content: they count its octets. One line of the journal for each mail: its
recipient, its reverse-path, when its RCPT came and when its 250 was written; handed to the system every tenth of a
second. At the end one line for each receiver counts its mails, connections and rounds.

A round is a flight of the sender that came after a reply to the one before was written; flights that carry no mail
(EHLO, QUIT) do not count, nor does what a sender writes while it waits for nothing. So rounds by mails is what a mail
on a reused connection costs in round trips, at most.
"""

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import Any, cast

from mailer.rehearsal.ports import PortTaken

BACKLOG = 1024
WRITE_SECONDS = 0.1
#: Timers ring at whole milliseconds, the next one: so much too late on the average.
HALF_A_TICK = 0.0005
END = b"\r\n.\r\n"
OFFERED = b"250-PIPELINING\r\n250-SIZE 20971520\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
REPLIES = {
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
#: What a flight without a mail begins with.
OPENING_OR_END = (b"EHLO", b"HELO", b"QUIT")
UNKNOWN = b"500 5.5.2 Error: command not recognized\r\n"
TAKEN = b"250 2.0.0 Ok: queued as 4F1A2B3C\r\n"
#: Recipient, reverse-path and time of the RCPT of what came in whole, one for each recipient.
Mail = tuple[bytes, bytes, float]


class Book:
    """The journal of all receivers of a process: lines gathered in memory, written ten times a second."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def answered(self, mails: Sequence[Mail]) -> None:
        """Note that the 250 of these mails was written now."""
        now = time.time()
        for address, path, asked in mails:
            self._lines.append(
                f'{{"kind":"answered","address":{quoted(address.decode())},"path":{quoted(path.decode())},'
                f'"rcpt":{asked:.4f},"at":{now:.4f}}}\n'
            )
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_SECONDS, self._write)

    def count(self, **values: Any) -> None:
        """Note what a receiver counted."""
        self._lines.append(json.dumps({"kind": "counted", **values}) + "\n")

    def close(self) -> None:
        """Write what is left."""
        if self._timer is not None:
            self._timer.cancel()
        self._write()

    def _write(self) -> None:
        self._timer = None
        if self._file is not None:
            os.write(self._file, "".join(self._lines).encode())
        self._lines.clear()


class Distance:
    """The way to all receivers: what is written arrives a round trip later, in order. One timer for all of them.

    What is due at the nearest millisecond goes, so that the round trip is right on the average.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._under_way: deque[tuple[float, Conversation, bytes, list[Mail]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def send(self, to: "Conversation", words: bytes, mails: list[Mail]) -> None:
        """Write the words now, or when their time has come."""
        if not self.seconds:
            to.write(words, mails)
            return
        loop = asyncio.get_running_loop()
        self._under_way.append((loop.time() + self.seconds, to, words, mails))
        if self._timer is None:
            self._timer = loop.call_at(self._under_way[0][0] - HALF_A_TICK, self._arrive)

    def _arrive(self) -> None:
        loop = asyncio.get_running_loop()
        while self._under_way and self._under_way[0][0] - HALF_A_TICK <= loop.time():
            _, to, words, mails = self._under_way.popleft()
            to.write(words, mails)
        self._timer = loop.call_at(self._under_way[0][0] - HALF_A_TICK, self._arrive) if self._under_way else None


class LeanReceiver:
    """One receiver that takes everything."""

    def __init__(self, name: str, book: Book, distance: Distance, *, chunking: bool) -> None:
        self.name = name
        self.book = book
        self.distance = distance
        self.offer = b"250-%b\r\n%b%b250 SMTPUTF8\r\n" % (
            name.encode(),
            OFFERED,
            b"250-CHUNKING\r\n" if chunking else b"",
        )
        self.standing: set[Conversation] = set()
        self.mails = self.octets = self.rounds = self.connections = self.most_connections = 0
        self._servers: list[asyncio.Server] = []

    async def listen(self, addresses: Sequence[str], port: int) -> int:
        """Listen on all addresses with one port (0: the system chooses); return it. Raises PortTaken."""
        loop = asyncio.get_running_loop()
        for address in addresses:
            try:
                server = await loop.create_server(lambda: Conversation(self), address, port, backlog=BACKLOG)
            except OSError as error:
                raise PortTaken(f"{address}:{port}: {error}") from error
            self._servers.append(server)
            port = int(server.sockets[0].getsockname()[1])
        return port

    async def stop(self) -> None:
        """Listen no more, break off what still stands, and note what was counted."""
        for server in self._servers:
            server.close()
        for one in list(self.standing):
            one.transport.abort()
        counted = ("mails", "octets", "rounds", "connections", "most_connections")
        self.book.count(carrier=self.name, **{word: getattr(self, word) for word in counted})


class Conversation(asyncio.Protocol):
    """One connection."""

    def __init__(self, receiver: LeanReceiver) -> None:
        self._receiver = receiver
        self._rest = b""
        self._content = False
        self._answered = True
        self._path = b""
        self._recipients: list[Mail] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.transport = cast(asyncio.Transport, transport)
        receiver = self._receiver
        receiver.standing.add(self)
        receiver.connections += 1
        receiver.most_connections = max(receiver.most_connections, len(receiver.standing))
        receiver.distance.send(self, b"220 %b ESMTP\r\n" % receiver.name.encode(), [])

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._receiver.standing.discard(self)

    def write(self, words: bytes, mails: list[Mail]) -> None:
        """Write replies, and the mails that they accept into the book."""
        if self.transport.is_closing():
            return
        self.transport.write(words)
        self._answered = True
        if mails:
            self._receiver.book.answered(mails)
        if words.endswith(REPLIES[b"QUIT"]):
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Answer every command and content that is in; keep what is not whole."""
        if self._rest:
            data = self._rest + data
        if self._answered and (self._content or not data.startswith(OPENING_OR_END)):
            self._receiver.rounds += 1
            self._answered = False
        replies: list[bytes] = []
        mails: list[Mail] = []
        at, end = 0, -1
        while at < len(data) and end != at:
            end, at = at, (self._content_end if self._content else self._command_end)(data, at, replies, mails)
        self._rest = data[at:]
        if replies:
            self._receiver.distance.send(self, b"".join(replies), mails)

    def _content_end(self, data: bytes, at: int, replies: list[bytes], mails: list[Mail]) -> int:
        """Return where the content that begins at `at` ends; `at` itself if its end is not in."""
        end = data.find(END, at)
        if end < 0:
            return at
        self._content = False
        self._keep(end + 2 - at, replies, mails)
        return end + len(END)

    def _command_end(self, data: bytes, at: int, replies: list[bytes], mails: list[Mail]) -> int:
        """Obey the command that begins at `at` and return where it (with its chunk) ends; `at` if that is not in."""
        end = data.find(b"\r\n", at) + 2
        if end < 2:
            return at
        verb = data[at : at + 4]
        if verb == b"BDAT":
            return self._chunk_end(data, at, end, replies, mails)
        if verb == b"MAIL":
            self._path = data[data.find(b"<", at) + 1 : data.find(b">", at)]
        elif verb == b"RCPT":
            address = data[data.find(b"<", at) + 1 : data.rfind(b">", at, end)]
            self._recipients.append((address, self._path, time.time()))
        elif verb == b"DATA":
            self._content = True
        replies.append(self._receiver.offer if verb == b"EHLO" else REPLIES.get(verb, UNKNOWN))
        return end

    def _chunk_end(self, data: bytes, at: int, begin: int, replies: list[bytes], mails: list[Mail]) -> int:
        _, size, *last = data[at:begin].split()
        end = begin + int(size)
        if end > len(data):
            return at
        if last:
            self._keep(int(size), replies, mails)
        else:
            replies.append(REPLIES[b"NOOP"])
        return end

    def _keep(self, octets: int, replies: list[bytes], mails: list[Mail]) -> None:
        self._receiver.mails += 1
        self._receiver.octets += octets
        mails += self._recipients
        self._recipients.clear()
        replies.append(TAKEN)
