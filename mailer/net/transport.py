"""Where do the bytes of an SMTP client meet a wire?

One `Session` is one connection: it moves bytes between the sans-I/O client and the socket, watches the clock of
the stage that the client waits in (RFC 5321 §4.5.3.2) and does the TLS handshake. It decides nothing: what to
send comes from its `Owner`, what came of it goes back there. Callbacks only, no stream, no task per message.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from mailer.net.handshake import Failed, Handshake, failed
from mailer.smtp.client import Client, Closed, Event, Ready, Settled, StartTls
from mailer.smtp.envelope import BDAT_REFUSED, Fact, Heard, Transaction
from mailer.smtp.reply import Reply, Stage
from mailer.smtp.timeouts import TIMEOUTS

#: Far less than for a reply: what hangs here is not the server's work but, as a rule, something in between.
TLS_SECONDS = 20.0
#: What TLS adds to a record at most, and how much one record holds.
RECORD_OCTETS, RECORD_HOLDS = 96, 16_384
#: So long a peer has to read our last words.
LINGER_SECONDS = 5.0


class Owner(Protocol):
    """Who gives a session its work and hears of it."""

    def ready(self, session: "Session") -> None:
        """The session is greeted and may take transactions."""

    def next_transaction(self, session: "Session") -> Transaction | None:
        """Return the next mail for this session, or None when there is nothing (now)."""

    def settled(self, session: "Session", transaction: Transaction, facts: Sequence[Fact]) -> None:
        """A transaction ended; one fact for each forward-path."""

    def closed(self, session: "Session", failure: str, reply: Reply | None) -> None:
        """The connection is gone; every transaction was settled before. Called exactly once."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a session leads: host name and address."""

    host: str
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}[{self.address}]:{self.port}"


def unremembered(peer: Peer) -> None:
    """Remember nothing of a peer."""


class Session(asyncio.Protocol):
    """One SMTP connection. `stage` is the last one waited in.

    `tls` is the TLS version and cipher and how the server was proved to be the right one, or empty; `tls_failed` what
    was wrong with the handshake; `source` is our own address.

    `is_proved` says that the server is the right one, `promises_tls` that it offers REQUIRETLS, too. `taken` counts the
    mails it took from its owner; `answered`, kept by the owner, those that a reply decided.
    All that is heard is told in milliseconds since `began` (by the loop's time), `connected` too. `record` is the
    owner's own. `refused_bdat` hears, before the owner does, that the server does not know what it offers.
    """

    def __init__(
        self,
        client: Client,
        peer: Peer,
        owner: Owner,
        handshake: Handshake | None,
        refused_bdat: Callable[[Peer], object] = unremembered,
    ) -> None:
        self.peer = peer
        self.tls = ""
        self.tls_failed: Failed | None = None
        self.source = ""
        self.taken = 0
        self.answered = 0
        self.is_proved = self.promises_tls = False
        self.is_ready = False
        self.is_closed = False
        self.quitting = False
        self.owner = owner
        self.record: object = None
        self.stage = Stage.CONNECT
        self._client = client
        self._shake = handshake
        self._refused_bdat = refused_bdat
        self._loop = asyncio.get_running_loop()
        self.began = self._loop.time()
        self.connected: int | None = None
        self._transport: asyncio.Transport | None = None
        self._below: asyncio.Transport | None = None  # what carries the TLS, once there is some
        self._records = 0
        self._handshake: asyncio.Task[None] | None = None
        self._serial = -1
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # --- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the greeting."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self.connected = self._now()
        self.source = str(transport.get_extra_info("sockname")[0])
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Hand what came to the client and do what follows."""
        self._handle(self._client.receive(data, self._now(), self._kept_back()))

    def eof_received(self) -> bool:
        """The peer ended its side; so do we."""
        self._handle(self._client.eof())
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; tell the client in case it did not know."""
        if isinstance(exc, ConnectionResetError):
            self._handle(self._client.fail("reset"))
        else:
            self._handle(self._client.eof())
        self._end("closed", None)

    # --- what the owner calls

    @property
    def age(self) -> float:
        """Return for how many seconds there has been the session."""
        return self._loop.time() - self.began

    @property
    def hostname(self) -> str:
        """Return the name that we give."""
        return self._client.hostname

    @property
    def heard(self) -> Sequence[Heard]:
        """What the server said outside of transactions."""
        return self._client.heard

    @property
    def idle(self) -> bool:
        """True when the session is ready and has no mail under way."""
        return self.is_ready and not self.is_closed and not self.quitting and self._client.waiting is None

    def pump(self) -> None:
        """Take as many transactions from the owner as the client has room for, and write them."""
        if self.is_ready and not self.quitting:
            while self._client.room > 0 and (transaction := self.owner.next_transaction(self)) is not None:
                self.taken += 1
                self._tell(self._client.send(transaction))
        self._flush()

    def quit(self) -> None:
        """Say QUIT after what is under way; no further transaction is taken."""
        if not self.quitting and not self.is_closed:
            self.quitting = True
            self._client.quit()
            self._flush()

    def abort(self, failure: str) -> None:
        """Drop the connection now; what is under way is settled with this failure."""
        self._handle(self._client.fail(failure))

    # --- inside

    def _now(self) -> int:
        return int((self._loop.time() - self.began) * 1000)

    def _handle(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Settled):
                self._tell((event,))
            elif isinstance(event, Ready):
                self.is_ready = True
                self.is_proved = event.capabilities.proved
                self.promises_tls = self.is_proved and event.capabilities.requiretls
                self.owner.ready(self)
            elif isinstance(event, StartTls):
                self._flush()
                self._handshake = self._loop.create_task(self._start_tls())
                return
            elif isinstance(event, Closed):
                self._end(event.failure, event.reply)
                return
        self.pump()

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Settled):
                self.owner.settled(self, event.transaction, event.facts)

    def _flush(self) -> None:
        if self._transport is None or self.is_closed:
            return
        data = self._client.outgoing()
        if data:
            if self._below is not None:
                self._records = (self._records if self._waits() else 0) + 2 + len(data) // RECORD_HOLDS
            self._transport.write(data)
        self._watch()

    def _kept_back(self) -> int:
        """Return how many octets at least of what was written have not left this machine."""
        return max(0, self._waits() - RECORD_OCTETS * self._records)

    def _waits(self) -> int:
        """Return how many octets wait to be sent, as they are sent."""
        above, below = self._transport, self._below
        return sum(one.get_write_buffer_size() for one in (above, below) if one is not None)

    def _watch(self) -> None:
        """Set the deadline when another reply is awaited than before; a dripping peer does not push it back."""
        waiting = self._client.waiting
        serial = -1 if waiting is None else waiting.serial
        if serial == self._serial:
            return
        self._serial = serial
        if waiting is None:
            self._deadline = 0.0
            return
        self.stage = waiting.stage
        self._deadline = self._loop.time() + TIMEOUTS[waiting.stage]
        if self._timer is None or self._timer.when() > self._deadline:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        """One timer a connection, not one a command: when it rings early, it is set again for what is left."""
        self._timer = None
        if self.is_closed or self._deadline == 0.0:
            return
        if self._loop.time() >= self._deadline:
            self.abort("timeout")
        else:
            self._arm()

    async def _start_tls(self) -> None:
        assert self._transport is not None
        assert self._shake is not None
        assert self._shake.context is not None
        try:
            upgraded = await self._loop.start_tls(
                self._transport,
                self,
                self._shake.context,
                server_hostname=self._shake.server_name(self.peer.host),
                ssl_handshake_timeout=TLS_SECONDS,
            )
        except Exception as error:  # whatever it is: a session whose handshake ends nowhere would hold its place
            self._break_tls(failed(error))
            return
        if upgraded is None or self.is_closed:
            return
        self._below, self._transport = self._transport, upgraded
        wrong = self._shake.check(upgraded.get_extra_info("ssl_object"))
        if wrong is not None:
            self._break_tls(wrong)
            return
        proved = self._shake.rung.proves
        version, cipher = upgraded.get_extra_info("ssl_object").version(), upgraded.get_extra_info("cipher")[0]
        self.tls = f"{version} {cipher} {self._shake.rung if proved else ''}".rstrip()
        self._client.tls_established(authenticated=proved)
        self._flush()

    def _break_tls(self, wrong: Failed) -> None:
        self.tls_failed = wrong
        self._handle(self._client.fail("certificate_refused" if wrong.is_certificate else "tls_failed"))

    def _end(self, failure: str, reply: Reply | None) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            if failure:
                self._transport.abort()
            else:
                self._transport.close()
                # A peer that does not read what we wrote would keep the socket open for ever.
                self._loop.call_later(LINGER_SECONDS, self._transport.abort)
        if failure == BDAT_REFUSED:
            self._refused_bdat(self.peer)
        self.owner.closed(self, failure, reply)
