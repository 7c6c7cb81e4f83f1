"""How does one come to a greeted session with one of a domain's hosts?

Hosts are tried in their order, all of them where REQUIRETLS is asked for, else at most two of them beyond the TCP
connection (Postfix's smtp_mx_session_limit); an
address that just failed is passed over while there is another. How a connection is protected goes down the rungs of
the host's demand: where the handshake fails the same address is dialled once more on the next rung, and that is
remembered for a while; below the last rung nothing is sent. That a server does not know the CHUNKING that it offers is
remembered, too. One deadline stands over all of it, so that hosts which keep silent one after the other hold no more
than a single one. How each attempt at TLS ended is told to the observer.

Raises `NotGreeted` with the last host's answer.
"""

import asyncio
import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from mailer.net.demand import NONE_USABLE, TLSA_INVALID, Demand, Observe, Rung, unobserved
from mailer.net.handshake import Contexts, Failed
from mailer.net.recollection import Recollection
from mailer.net.routes import Route
from mailer.net.tls_memory import TlsMemory
from mailer.net.transport import Owner, Peer, Session
from mailer.smtp.client import Client
from mailer.smtp.envelope import Fact, Transaction
from mailer.smtp.reply import Reply, Stage, what_came
from mailer.smtp.tls_result import TlsResult

CONNECT_SECONDS = 30.0
DIAL_SECONDS = 300.0  # as long as RFC 5321 §4.5.3.2.1 has us wait for a greeting, for all that comes before a mail
REST_SECONDS = 60.0
LOWER_SECONDS = 600.0
WITHOUT_BDAT_SECONDS = 6 * 3600.0
MOST_GREETINGS = 2
NO_STARTTLS = "starttls-not-supported"

#: How a connection that could not be made is called; the rules of carriers.toml know these words and no others.
#: Linux says ENETUNREACH where it has no way to anybody, EHOSTUNREACH where a router, or the next one's silence, did.
UNCONNECTED: Mapping[int, str] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EHOSTUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETUNREACH: "no_network",
    errno.ENETDOWN: "no_network",
}
#: Everything else is our own system's; what it says follows behind a colon.
NOT_CONNECTED = "not_connected"


class NotGreeted(Exception):
    """No host of the route could be spoken to; says what the last one did.

    `tls` is what was wrong with TLS where that was the reason, `source` our own address.
    """

    def __init__(
        self,
        peer: str,
        stage: Stage,
        failure: str,
        reply: Reply | None,
        session: Session | None = None,
        tls: Failed | None = None,
    ) -> None:
        super().__init__(f"{peer}: {what_came(failure, reply)}")
        self.peer = peer
        self.stage = stage
        self.failure = failure
        self.reply = reply
        self.session = session
        self.tls = tls
        self.source = "" if session is None else session.source


@dataclass(slots=True)
class Dialler:
    """What dialling needs, and what it remembers of addresses; `monotonic` gives seconds."""

    hostname: str
    port: int
    starttls: bool
    source_addresses: tuple[str, ...]
    monotonic: Callable[[], float]
    contexts: Contexts = field(default_factory=Contexts)
    observe: Observe = unobserved
    memory: TlsMemory | None = None
    _resting: Recollection[str] = field(init=False)
    _lowered: Recollection[tuple[str, str, Rung, str]] = field(init=False)
    _without_bdat: Recollection[str] = field(init=False)
    _hosts: TlsMemory = field(init=False)

    def __post_init__(self) -> None:
        self._resting = Recollection(self.monotonic)
        self._lowered = Recollection(self.monotonic)
        self._without_bdat = Recollection(self.monotonic)
        self._hosts = self.memory or TlsMemory(self.monotonic)

    async def dial(self, route: Route, owner: Owner) -> Session:
        """Return a session that is greeted and belongs to `owner`; raise NotGreeted."""
        session = await (self._promising(route) if route.requires_tls else self._first(route))
        session.owner = owner
        return session

    async def _promising(self, route: Route) -> Session:
        """Return a session with a host that promises REQUIRETLS: all are tried (RFC 8689), rested or not.

        While one cannot be spoken to nobody knows what it would promise. Where none promises it, the mail hears so from
        one that is not proved, if there is one: that may change.
        """
        until = _now() + DIAL_SECONDS
        last: NotGreeted | None = None
        unfit: list[tuple[bool, Peer, Demand]] = []
        for peer, demand in _all_peers(route, self.port):
            try:
                session = await self._greeted(peer, demand, until)
            except NotGreeted as failed:
                last = failed
                self._resting.note(peer.address, REST_SECONDS)
            else:
                if session.promises_tls:
                    return session
                unfit.append((session.is_proved, peer, demand))
                session.quit()
            if _is_over(until):
                break
        if last is not None:
            raise last
        _, peer, demand = min(unfit, key=itemgetter(0))
        return await self._greeted(peer, demand, until)

    async def _first(self, route: Route) -> Session:
        """Return a session with the first host that greets."""
        last: NotGreeted | None = None
        greetings = 0
        until = _now() + DIAL_SECONDS
        for peer, demand in self._peers(route):
            try:
                return await self._greeted(peer, demand, until)
            except NotGreeted as failed:
                last = failed
                self._resting.note(peer.address, REST_SECONDS)
                greetings += failed.stage is not Stage.CONNECT or failed.reply is not None
                if greetings >= MOST_GREETINGS or _is_over(until):
                    break
        assert last is not None, "a route has at least one address"
        raise last

    def forget(self, route: Route) -> None:
        """Forget which addresses of a route failed, and at which of them TLS did."""
        for peer, demand in _all_peers(route, self.port):
            self._resting.drop(peer.address)
            for rung in demand.rungs:
                self._lowered.drop(_footing(peer, demand, rung))

    def _peers(self, route: Route) -> Iterator[tuple[Peer, Demand]]:
        peers = _all_peers(route, self.port)
        rested = [(peer, demand) for peer, demand in peers if peer.address not in self._resting]
        return iter(rested or peers)

    async def _greeted(self, peer: Peer, demand: Demand, until: float) -> Session:
        """Go down the rungs to the first that works; what was wrong with the highest is what is told in the end."""
        rungs = demand.rungs if self.starttls else (Rung.PLAIN,)
        known, seen = self._known_to_be_wrong(peer, demand), None
        for rung in rungs:
            footing, is_last = _footing(peer, demand, rung), rung is rungs[-1]
            if footing in self._lowered and not is_last:
                continue
            try:
                session = await self._open(peer, demand, rung, until)
            except NotGreeted as failed:
                seen = seen or (failed if failed.tls is not None else None)
                if failed.tls is not None and not is_last:
                    self._lowered.note(footing, LOWER_SECONDS, failed.tls)
                if failed.tls is None or is_last or _is_over(until):
                    self._tell_failure(peer, demand, known, seen)
                    raise
            else:
                wrong = known or (None if seen is None else seen.tls)
                return self._told(session, demand, None if rung.proves else wrong)
        raise AssertionError("the last rung is always tried")

    def _known_to_be_wrong(self, peer: Peer, demand: Demand) -> Failed | None:
        """Return what is wrong with TLS at this address before it is tried."""
        if demand.flaw:
            return Failed(demand.flaw, demand.why)
        known = [self._lowered.what(_footing(peer, demand, rung)) for rung in demand.rungs]
        return next((what for what in known if isinstance(what, Failed)), None)

    def _told(self, session: Session, demand: Demand, wrong: Failed | None) -> Session:
        """Tell of a session that is greeted."""
        peer = session.peer
        if session.tls:
            self._hosts.spoken(peer.host)
        elif self.starttls:
            why = "spoken before" if self._hosts.missing(peer.host) else ""
            wrong = wrong or Failed(NO_STARTTLS, why)
        self._tell(peer, demand, wrong, session.source)
        return session

    def _tell_failure(self, peer: Peer, demand: Demand, known: Failed | None, seen: NotGreeted | None) -> None:
        """Tell of TLS that was seen to fail, whatever the attempts below it met with."""
        if seen is not None:
            self._tell(peer, demand, known or seen.tls, seen.source)

    def _tell(self, peer: Peer, demand: Demand, wrong: Failed | None, source: str) -> None:
        word, why = ("", "") if wrong is None else (wrong.word, wrong.why)
        if self.starttls:
            self.observe(TlsResult(demand.policy, peer.host, peer.address, source, word, why))
        if self.starttls and demand.unusable is not None:
            self.observe(TlsResult(demand.unusable, peer.host, peer.address, source, TLSA_INVALID, NONE_USABLE))

    async def _open(self, peer: Peer, demand: Demand, rung: Rung, until: float) -> Session:
        greeting = _Greeting()
        client = Client(
            self.hostname,
            starttls=rung is not Rung.PLAIN,
            demanded=rung.proves or demand.rungs == (rung,),
            chunking=peer.address not in self._without_bdat,
        )
        session = Session(client, peer, greeting, self.contexts.handshake(demand, rung), self._refused_bdat)
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
        self._resting.drop(peer.address)
        return session

    def _refused_bdat(self, peer: Peer) -> None:
        self._without_bdat.note(peer.address, WITHOUT_BDAT_SECONDS)

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


def _all_peers(route: Route, port: int) -> list[tuple[Peer, Demand]]:
    return [(Peer(host.name, address, port), host.demand) for host in route.hosts for address in host.addresses]


def _now() -> float:
    """Return the loop's time, by which timers ring; `Dialler.monotonic` only tells how old a memory is."""
    return asyncio.get_running_loop().time()


def _footing(peer: Peer, demand: Demand, rung: Rung) -> tuple[str, str, Rung, str]:
    """Return what a failure of TLS is remembered by: one address may be many hosts, each with its own certificate."""
    return peer.host, peer.address, rung, demand.key


def _is_over(until: float) -> bool:
    """A timer may ring a little early; what is left then is too little to begin anything."""
    return until - _now() < 0.01


def _word(error: OSError) -> str:
    """Return the word for a failure by its number: what is said of it differs from loop to loop."""
    number = error.errno or 0
    return UNCONNECTED.get(number) or f"{NOT_CONNECTED}: {os.strerror(number).lower() if number else error}"


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
            wrong = _wrong_with_tls(session, failure)
            if wrong is not None and wrong.is_certificate:
                failure = f"{failure}: {wrong.word}"
            self.answered.set_exception(NotGreeted(str(session.peer), session.stage, failure, reply, session, wrong))


def _wrong_with_tls(session: Session, failure: str) -> Failed | None:
    """Return how it is called if a session ended because of TLS."""
    if session.tls_failed is not None:
        return session.tls_failed
    if failure == "tls_not_offered":
        return Failed(NO_STARTTLS)
    return Failed("validation-failure", failure) if session.stage is Stage.STARTTLS else None
