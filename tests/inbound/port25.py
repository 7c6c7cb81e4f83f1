"""How does a test talk to port 25? A listener on loopback and a raw client that reads one reply at a time."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from mailer.message.verp import Verp
from mailer.net.inbound import Inbound
from mailer.net.inbound_doors import Limits
from mailer.net.inbound_policy import policy
from mailer.net.inbound_session import House, Mail, Take
from mailer.net.inbound_tls import Certificate

DOMAIN = "mail.mimamori-iwamizawa.jp"
ADDRESS = "mother@docomo.ne.jp"
VERP = Verp(bytes(range(32, 64)), DOMAIN)
AT = datetime(2026, 4, 10, 6, 0, tzinfo=UTC)


async def until(done: Callable[[], object]) -> None:
    """Wait until something holds, which another process or thread brings about."""
    for _ in range(3000):
        if done():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to be")


class Client:
    """A peer that says exactly what the test says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, *lines: str | bytes) -> None:
        """Send lines, each ended by CRLF, in one write."""
        await self.send(b"".join((line if isinstance(line, bytes) else line.encode()) + b"\r\n" for line in lines))

    async def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> str:
        """Return the next reply, its lines joined by a newline; empty when the connection is closed."""
        lines: list[str] = []
        async with asyncio.timeout(10):
            while True:
                line = (await self.reader.readline()).decode().rstrip("\r\n")
                lines.append(line)
                if line[3:4] != "-":
                    return "\n".join(lines)

    async def ask(self, *lines: str | bytes) -> str:
        """Send lines and return the first reply."""
        await self.say(*lines)
        return await self.reply()

    async def rest(self) -> bytes:
        """Return everything until the other side closes; a reset counts as closing."""
        try:
            async with asyncio.timeout(10):
                return await self.reader.read()
        except ConnectionResetError:
            return b""

    async def close(self) -> None:
        """Leave without a word."""
        self.writer.close()


class Port25:
    """A listener on loopback; `mails` is what it took, with its content."""

    def __init__(self, tmp_path: Path) -> None:
        self.mails: list[tuple[Mail, bytes]] = []
        self.take: Take = self._note
        self.port = 0
        self.certificate: Certificate | None = None
        self.has_room = True
        self._spool = str(tmp_path)
        self._clients: list[Client] = []

    async def _note(self, mail: Mail) -> str:
        self.mails.append((mail, mail.content()))
        return f"M{len(self.mails)}"

    def _tls(self) -> ssl.SSLContext | None:
        return None if self.certificate is None else self.certificate.context

    @asynccontextmanager
    async def open(self, limits: Limits, listener: socket.socket | None = None) -> AsyncIterator[Inbound]:
        """Listen until the block ends, on 127.0.0.1 or on the socket given."""

        async def take(mail: Mail) -> str:
            return await self.take(mail)

        home = policy(DOMAIN, ["t-daiichi", "t-kouryoj"], VERP.read)
        house = House(DOMAIN, home, take, lambda: AT, self._spool, self._tls, lambda: self.has_room)
        inbound = Inbound(house, limits)
        listener = listener or socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        await inbound.start([listener])
        try:
            yield inbound
        finally:
            for client in self._clients:
                await client.close()
            await inbound.close(1)

    async def connect(self, *, greeted: bool = True, source: str = "127.0.0.1") -> Client:
        """Return a new client, which has read the banner if `greeted`."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0)))
        self._clients.append(client)
        if greeted:
            assert (await client.reply()).startswith("220 ")
        return client

    async def hello(self) -> Client:
        """Return a new client that has said EHLO."""
        client = await self.connect()
        assert (await client.ask("EHLO peer.example")).startswith("250")
        return client
