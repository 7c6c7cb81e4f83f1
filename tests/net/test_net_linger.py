"""Is a socket given back although the peer does not read our last words?"""

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from mailer.net import transport
from mailer.net.transport import Peer, Session
from mailer.smtp.client import Client
from mailer.smtp.envelope import Fact, Transaction
from mailer.smtp.reply import Reply, Stage
from mailer.smtp.timeouts import TIMEOUTS
from tests.dispatcher.town import until
from tests.net.test_net_protection import mail

BIG = 40_000_000


class Owner:
    """Has one mail; its last words are far more than what the system keeps for a peer that does not read."""

    def __init__(self) -> None:
        self.waiting = [mail(require_tls=False)]
        self.wire: asyncio.Transport | None = None
        self.ended = False

    def ready(self, session: Session) -> None:
        pass

    def next_transaction(self, session: Session) -> Transaction | None:
        return self.waiting.pop() if self.waiting else None

    def settled(self, session: Session, transaction: Transaction, facts: Sequence[Fact]) -> None:
        assert self.wire is not None
        self.wire.write(bytes(BIG))
        session.quit()

    def closed(self, session: Session, failure: str, reply: Reply | None) -> None:
        self.ended = True


async def deaf(over: asyncio.Event, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer to all that is said, and read no more once the mail is there."""
    writer.write(b"220 mx\r\n")
    await reader.readline()
    writer.write(b"250-mx\r\n250 PIPELINING\r\n")
    await reader.readuntil(b"DATA\r\n")
    writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n")
    await reader.readuntil(b"\r\n.\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport is one that reads
    writer.write(b"250 taken\r\n")
    await over.wait()
    writer.transport.abort()


async def test_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LINGER_SECONDS", 0.2)
    monkeypatch.setitem(TIMEOUTS, Stage.QUIT, 0.2)
    over = asyncio.Event()
    server = await asyncio.start_server(partial(deaf, over), "127.0.0.1", 0, limit=1024)
    port = server.sockets[0].getsockname()[1]
    owner = Owner()
    session = Session(Client("ours.example", starttls=False), Peer("mx", "127.0.0.1", port), owner, None)
    made, _ = await asyncio.get_running_loop().create_connection(lambda: session, "127.0.0.1", port)
    owner.wire = made
    await until(lambda: owner.ended, 10)
    socket = made.get_extra_info("socket")
    await until(lambda: socket.fileno() == -1, 5)
    over.set()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.1)
