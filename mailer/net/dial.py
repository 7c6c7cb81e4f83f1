"""How does one come to a greeted session with one of a domain's hosts?

Hosts are tried in their order, at most two of them beyond the TCP connection (Postfix's smtp_mx_session_limit); an
address that just failed is passed over while there is another. TLS is opportunistic (RFC 7435): where the handshake
fails the same address is dialled once more without it, and that is remembered for a while. One deadline stands over
all of it, so that hosts which keep silent one after the other hold no more than a single one.

Raises `NotGreeted` with the last host's answer.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from mailer.net.recollection import Recollection
from mailer.net.routes import Route
from mailer.net.transport import Owner, Peer, Session
from mailer.smtp.client import Client
from mailer.smtp.envelope import Fact, Transaction
from mailer.smtp.reply import Reply, Stage

CONNECT_SECONDS = 30.0
DIAL_SECONDS = 300.0  # as long as RFC 5321 §4.5.3.2.1 has us wait for a greeting, for all that comes before a mail
REST_SECONDS = 60.0
PLAIN_SECONDS = 600.0
MOST_GREETINGS = 2
TLS_FAILURES = frozenset({"starttls_refused", "starttls_injected", "tls_failed"})


class NotGreeted(Exception):
    """No host of the route could be spoken to; says what the last one did."""

    def __init__(
        self, peer: str, stage: Stage, failure: str, reply: Reply | None, session: Session | None = None
    ) -> None:
        super().__init__(f"{peer}: {failure or reply}")
        self.peer = peer
        self.stage = stage
        self.failure = failure
        self.reply = reply
        self.session = session


@dataclass(slots=True)
class Dialler:
    """What dialling needs, and what it remembers of addresses; `monotonic` gives seconds."""

    hostname: str
    port: int
    starttls: bool
    source_addresses: tuple[str, ...]
    monotonic: Callable[[], float]
    context: ssl.SSLContext = field(default_factory=lambda: opportunistic_context())
    _resting: Recollection = field(init=False)
    _plain: Recollection = field(init=False)

    def __post_init__(self) -> None:
        self._resting = Recollection(self.monotonic)
        self._plain = Recollection(self.monotonic)

    async def dial(self, route: Route, owner: Owner) -> Session:
        """Return a session that is greeted and belongs to `owner`; raise NotGreeted."""
        last: NotGreeted | None = None
        greetings = 0
        until = _now() + DIAL_SECONDS
        for peer in self._peers(route):
            try:
                return await self._greeted(peer, owner, until)
            except NotGreeted as failed:
                last = failed
                self._resting.note(peer.address, REST_SECONDS)
                greetings += failed.stage is not Stage.CONNECT or failed.reply is not None
                if greetings >= MOST_GREETINGS or _is_over(until):
                    break
        assert last is not None, "a route has at least one address"
        raise last

    def forget(self) -> None:
        """Forget which addresses failed."""
        self._resting.clear()

    def _peers(self, route: Route) -> Iterator[Peer]:
        peers = [Peer(host.name, address, self.port) for host in route.hosts for address in host.addresses]
        rested = [peer for peer in peers if peer.address not in self._resting]
        return iter(rested or peers)

    async def _greeted(self, peer: Peer, owner: Owner, until: float) -> Session:
        if not self.starttls or peer.address in self._plain:
            return await self._open(peer, owner, until, starttls=False)
        try:
            return await self._open(peer, owner, until, starttls=True)
        except NotGreeted as failed:
            if failed.failure not in TLS_FAILURES and failed.stage is not Stage.STARTTLS:
                raise
            self._plain.note(peer.address, PLAIN_SECONDS)
            if _is_over(until):
                raise
        return await self._open(peer, owner, until, starttls=False)

    async def _open(self, peer: Peer, owner: Owner, until: float, *, starttls: bool) -> Session:
        greeting = _Greeting()
        session = Session(Client(self.hostname, starttls=starttls), peer, greeting, self.context)
        await self._connect(session, peer, until)
        bell = asyncio.get_running_loop().call_at(until, session.abort, "timeout")
        try:
            await greeting.answered
        except asyncio.CancelledError:
            session.abort("cancelled")
            raise
        finally:
            bell.cancel()
        if session.is_closed:
            raise NotGreeted(str(peer), session.stage, "closed", None, session)
        session.owner = owner
        self._resting.drop(peer.address)
        return session

    async def _connect(self, session: Session, peer: Peer, until: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(min(_now() + CONNECT_SECONDS, until)):
                await loop.create_connection(
                    lambda: session, peer.address, peer.port, local_addr=self._source(peer.address)
                )
        except TimeoutError:
            raise NotGreeted(str(peer), Stage.CONNECT, "timeout", None, session) from None
        except OSError as error:
            raise NotGreeted(str(peer), Stage.CONNECT, _word(error), None, session) from error

    def _source(self, address: str) -> tuple[str, int] | None:
        for source in self.source_addresses:
            if (":" in source) == (":" in address):
                return source, 0
        return None


def opportunistic_context() -> ssl.SSLContext:
    """Return the TLS settings for port 25: any certificate (RFC 7435 §3), but no version below 1.2 (RFC 8996)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _now() -> float:
    """Return the loop's time, by which timers ring; `Dialler.monotonic` only tells how old a memory is."""
    return asyncio.get_running_loop().time()


def _is_over(until: float) -> bool:
    """A timer may ring a little early; what is left then is too little to begin anything."""
    return until - _now() < 0.01


def _word(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return (error.strerror or type(error).__name__).lower()


class _Greeting:
    """The owner of a session until it is greeted."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ready(self, session: Session) -> None:
        if not self.answered.done():
            self.answered.set_result(None)

    def next_transaction(self, session: Session) -> Transaction | None:
        return None

    def settled(self, session: Session, transaction: Transaction, facts: Sequence[Fact]) -> None:
        raise AssertionError("a session that is not greeted has no transaction")

    def closed(self, session: Session, failure: str, reply: Reply | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(NotGreeted(str(session.peer), session.stage, failure, reply, session))
