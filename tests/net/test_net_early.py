"""Does a server's word for content that is still on its way count for nothing, in plain and over TLS?"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from mailer.net.demand import Rung, opportunistic
from mailer.net.handshake import Contexts
from mailer.net.transport import Peer, Session
from mailer.smtp.client import Client
from mailer.smtp.envelope import Fact, Transaction
from mailer.smtp.reply import Reply, Stage
from tests.dispatcher.town import until
from tests.net.test_net_protection import GOOD, HOST, MIDDLE, mail, server

BIG = 40_000_000  # far more than what the system keeps for a peer that does not read


@dataclass
class Owner:
    """Has mails to send, and hears what came of them."""

    mails: list[Transaction]
    facts: list[Fact] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def ready(self, session: Session) -> None: ...

    def next_transaction(self, session: Session) -> Transaction | None:
        return self.mails.pop(0) if self.mails else None

    def settled(self, session: Session, transaction: Transaction, facts: Sequence[Fact]) -> None:
        self.facts += facts
        if not self.mails:
            session.quit()

    def closed(self, session: Session, failure: str, reply: Reply | None) -> None:
        self.ended.append(failure)


@dataclass(frozen=True)
class Sink:
    """A server that offers something, and answers a mail before or after it has read it."""

    offers: bytes
    early: bool
    tls: bool
    answer: bytes

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._speak(reader, writer)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        await reader.readline()
        if self.tls:
            writer.write(b"250-mx\r\n250 STARTTLS\r\n")
            await reader.readline()
            writer.write(b"220 go\r\n")
            await writer.drain()
            await writer.start_tls(server(GOOD, MIDDLE))
            await reader.readline()
        writer.write(b"250-mx\r\n" + self.offers + b"250 PIPELINING\r\n")
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._take(reader, writer)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chunking = b"CHUNKING" in self.offers
        await reader.readuntil(b"RCPT")
        writer.write(b"250 ok\r\n250 ok\r\n")
        await reader.readuntil(b"LAST\r\n" if chunking else b"DATA\r\n")
        writer.write(b"354 go\r\n" * (not chunking))
        if self.early:
            await reader.readexactly(100)
            writer.write(self.answer)
            await writer.drain()
            await asyncio.Event().wait()
        if chunking:
            await reader.readexactly(BIG)
        else:
            await reader.readuntil(b"\r\n.\r\n")
        writer.write(self.answer)
        await reader.readline()
        writer.write(b"221 bye\r\n")


def big() -> Transaction:
    return Transaction(mail(require_tls=False).envelope, b"Subject: x\r\n\r\n" + b"x" * (BIG - 16) + b"\r\n")


@contextlib.asynccontextmanager
async def served(sink: Sink) -> AsyncIterator[Owner]:
    """Hand a big mail to the sink; yield what came of it."""
    peers: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(asyncio.create_task(sink.serve(reader, writer)))

    loop = asyncio.get_running_loop()
    listening = await asyncio.start_server(accept, "127.0.0.1", 0, limit=2 * BIG if not sink.early else 1024)
    port = listening.sockets[0].getsockname()[1]
    owner = Owner([big()])
    shake = Contexts().handshake(opportunistic("x"), Rung.ANY_TLS)
    session = Session(Client("ours.example", starttls=sink.tls), Peer(HOST, "127.0.0.1", port), owner, shake)
    await loop.create_connection(lambda: session, "127.0.0.1", port)
    await until(lambda: bool(owner.ended), 20)
    yield owner
    for peer in peers:
        peer.cancel()
    await asyncio.gather(*peers, return_exceptions=True)
    listening.close()
    await listening.wait_closed()


OFFERS = pytest.mark.parametrize("offers", [b"", b"250-CHUNKING\r\n"], ids=["data", "bdat"])
TLS = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])


@OFFERS
@TLS
async def test_a_250_for_content_that_has_not_left_is_no_acceptance(offers: bytes, tls: bool) -> None:
    async with served(Sink(offers, True, tls, b"250 taken\r\n")) as owner:
        (fact,) = owner.facts
        assert (fact.stage, fact.failure, fact.accepted) == (Stage.EOD, "garbage", False)
        assert fact.kept_unknown, "something of it had left: the server may keep that"
        assert owner.ended == ["garbage"]


@OFFERS
@TLS
async def test_a_refusal_of_content_that_is_still_coming_counts_and_ends_the_session(offers: bytes, tls: bool) -> None:
    async with served(Sink(offers, True, tls, b"552 5.3.4 too big\r\n")) as owner:
        (fact,) = owner.facts
        assert fact.reply is not None
        assert (fact.stage, fact.failure, fact.reply.code) == (Stage.EOD, "", 552)
        assert owner.ended == ["garbage"]


@OFFERS
@TLS
async def test_a_250_for_all_of_it_is(offers: bytes, tls: bool) -> None:
    async with served(Sink(offers, False, tls, b"250 taken\r\n")) as owner:
        (fact,) = owner.facts
        assert fact.accepted
        assert owner.ended == [""]
