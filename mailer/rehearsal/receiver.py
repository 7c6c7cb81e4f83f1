"""How does a simulated receiver stand on the network?

One `Receiver` per carrier, listening on its own loopback addresses; each connection is an asyncio protocol
that feeds a `Session` and writes its steps, at once or after the mood's pauses. `received` lines of the
journal are flushed before a batch of replies is written, `answered` lines at most 50 ms after it.
"""

import asyncio
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from mailer.clock import Clock
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.ledger import Mail
from mailer.rehearsal.ports import PortTaken
from mailer.rehearsal.session import Session, Step
from mailer.rehearsal.transaction import End

BACKLOG = 1024
NO_LINGER = struct.pack("ii", 1, 0)
FLUSH_SECONDS = 0.05
OnKept = Callable[[Mail, bytes], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a receiver is given: the time, its TLS context, and who wants to hear of each accepted mail."""

    clock: Clock
    tls: ssl.SSLContext | None = None
    on_kept: tuple[OnKept, ...] = ()


class Receiver:
    """A simulated carrier. `desk` holds its mood and its ledger."""

    def __init__(self, desk: Desk, surroundings: Surroundings) -> None:
        self.desk = desk
        self.surroundings = surroundings
        self.connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._flush: asyncio.TimerHandle | None = None

    async def listen(self, addresses: Sequence[str], port: int) -> int:
        """Listen on all addresses with one port (0: the system chooses); return it. Raises PortTaken."""
        loop = asyncio.get_running_loop()
        for address in addresses:
            try:
                server = await loop.create_server(lambda: Connection(self), address, port, backlog=BACKLOG)
            except OSError as error:
                raise PortTaken(f"{address}:{port}: {error}") from error
            self._servers.append(server)
            port = int(server.sockets[0].getsockname()[1])
        return port

    def accepted(self, mails: Sequence[tuple[Mail, bytes]]) -> None:
        """Note that the 250 of these mails was written, and tell those who want to hear of it."""
        self.desk.ledger.answer([mail for mail, _ in mails], self.surroundings.clock().timestamp())
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush_journal)
        for told in self.surroundings.on_kept:
            for mail, content in mails:
                told(mail, content)

    def _flush_journal(self) -> None:
        self._flush = None
        self.desk.ledger.journal.flush()

    async def stop(self) -> None:
        """Listen no more and break off what still stands."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush_journal()
        for server in self._servers:
            server.close()
        self._servers.clear()
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)


class Connection(asyncio.Protocol):
    """One connection to a receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._desk = receiver.desk
        self._clock = receiver.surroundings.clock
        self._session = Session(self._desk, 0)
        self._waiting: deque[Step] = deque()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False
        self._early: list[bytes] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or send away."""
        self._transport = cast(asyncio.Transport, transport)
        self._receiver.connections.add(self)
        welcome = self._desk.enter()
        self._session = Session(self._desk, self._desk.ledger.counters.sessions)
        self._take(self._session.greet(welcome=welcome))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; replies that wait for their time are never sent."""
        self._ended = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._receiver.connections.discard(self)
        self._desk.leave()

    def data_received(self, data: bytes) -> None:
        """Hear the client out and answer; what comes before the upgraded transport is in hand waits for it."""
        if self._early is not None:
            self._early.append(data)
        elif not self._ended:
            self._take(self._session.receive(data, self._clock().timestamp()))

    def abort(self) -> None:
        """Break off without a word."""
        self._ended = True
        self._transport.abort()

    def _take(self, steps: list[Step]) -> None:
        """Write steps now, or in their order when their time comes."""
        if steps[-1].end is not End.OPEN:
            self._ended = True
        self._desk.ledger.journal.flush()
        delay = self._desk.mood.round_trip_seconds
        if len(steps) == 1 and not delay and not self._waiting:
            self._write(steps[0])
            return
        steps[0].pause += delay
        self._queue(steps, pipelined=bool(delay))

    def _queue(self, steps: list[Step], *, pipelined: bool) -> None:
        """Date the steps: a pause counts from the step before, the round trip from now, so that flights overlap."""
        due = asyncio.get_running_loop().time()
        if not pipelined:
            due = max(due, self._due)
        for step in steps:
            due += step.pause
            step.pause = self._due = max(due, self._due)
            self._waiting.append(step)
        self._arm()

    def _arm(self) -> None:
        if self._timer is None and self._waiting:
            self._timer = asyncio.get_running_loop().call_at(self._waiting[0].pause, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._waiting and self._waiting[0].pause <= now:
            self._write(self._waiting.popleft())
        self._arm()

    def _write(self, step: Step) -> None:
        if self._transport.is_closing():
            return
        if step.end is End.TLS:
            self._transport.pause_reading()
        words = b"".join(step.words)
        if words and step.end is not End.RESET:
            self._transport.write(words)
        if step.mails:
            self._receiver.accepted(step.mails)
        if step.end is not End.OPEN:
            self._finish(step.end)

    def _finish(self, end: End) -> None:
        if end is End.CLOSE:
            self._transport.close()
        elif end is End.RESET:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            self._transport.abort()
        elif end is End.TLS:
            task = asyncio.get_running_loop().create_task(self._start_tls())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _start_tls(self) -> None:
        context = self._receiver.surroundings.tls
        assert context is not None
        loop = asyncio.get_running_loop()
        self._early = []
        try:
            transport = await loop.start_tls(self._transport, self, context, server_side=True)
        except OSError:
            self._transport.abort()
            return
        assert transport is not None
        self._transport = transport
        self._session.started_tls()
        self._desk.ledger.counters.tls_sessions += 1
        self._ended = False
        early, self._early = b"".join(self._early), None
        if early:
            self.data_received(early)
