"""Does dialling come to a greeted session whatever the hosts do?"""

import asyncio
import errno
import ssl
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from mailer.clock import system_clock
from mailer.net import dial
from mailer.net.dial import NOT_CONNECTED, UNCONNECTED, Dialler, NotGreeted
from mailer.net.recollection import Recollection
from mailer.net.routes import Host, Route
from mailer.net.transport import Session
from mailer.rehearsal import session as far
from mailer.rehearsal.certificate import server_context
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.ledger import Ledger
from mailer.rehearsal.moods import Greeting, Mood
from mailer.rehearsal.ports import on_one_port
from mailer.rehearsal.receiver import Receiver, Surroundings
from mailer.smtp.envelope import BDAT_REFUSED, FAILURES, Fact, Transaction
from mailer.smtp.reply import Reply, Stage
from tests.dispatcher.town import until
from tests.net.test_net_protection import mail

WELL = Mood()


class Nobody:
    """An owner with nothing to send."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def ready(self, session: Session) -> None: ...

    def next_transaction(self, session: Session) -> Transaction | None:
        return None

    def settled(self, session: Session, transaction: Transaction, facts: Sequence[Fact]) -> None: ...

    def closed(self, session: Session, failure: str, reply: Reply | None) -> None:
        self.ended.append(failure)


class Hosts:
    """Receivers with these moods, at 127.0.78.1 and on, and the route to them."""

    def __init__(self, *moods: Mood) -> None:
        self.addresses = [f"127.0.78.{n}" for n in range(1, len(moods) + 1)]
        self.receivers = [
            Receiver(
                Desk(address, mood, Ledger(address)),
                Surroundings(system_clock, server_context([address], system_clock())),
            )
            for address, mood in zip(self.addresses, moods, strict=True)
        ]
        self.port = 0

    async def __aenter__(self) -> "Hosts":
        async def listen(port: int) -> int:
            for receiver, address in zip(self.receivers, self.addresses, strict=True):
                port = await receiver.listen([address], port)
            return port

        self.port = await on_one_port(0, listen)
        return self

    async def __aexit__(self, *_: object) -> None:
        for receiver in self.receivers:
            await receiver.stop()

    def route(self, *more: str) -> Route:
        return Route("a.example", tuple(Host(f"mx-{one}", (one,)) for one in (*more, *self.addresses)), 60.0, "mx")

    def dialler(self, *, starttls: bool = True) -> Dialler:
        return Dialler("mx.ours.example", self.port, starttls, (), asyncio.get_running_loop().time)

    def sessions(self) -> list[int]:
        return [receiver.desk.ledger.counters.sessions for receiver in self.receivers]


async def quit_and_wait(session: Session) -> None:
    session.quit()
    await until(lambda: session.is_closed, 5.0)


async def test_the_next_host_is_tried() -> None:
    async with Hosts(replace(WELL, greeting=Greeting.THROTTLE), WELL) as hosts:
        owner = Nobody()
        session = await hosts.dialler().dial(hosts.route("127.0.78.99"), owner)
        assert session.peer.address == "127.0.78.2"
        await quit_and_wait(session)
        assert owner.ended == [""]


async def test_at_most_two_hosts_are_greeted() -> None:
    refusing = replace(WELL, greeting=Greeting.THROTTLE)
    async with Hosts(refusing, refusing, WELL) as hosts:
        with pytest.raises(NotGreeted) as caught:
            await hosts.dialler().dial(hosts.route(), Nobody())
        assert caught.value.reply is not None
        assert caught.value.reply.code == 421
        assert hosts.sessions() == [1, 1, 0]


async def test_an_address_that_failed_is_passed_over_for_a_while() -> None:
    async with Hosts(replace(WELL, greeting=Greeting.RESET), WELL) as hosts:
        dialler = hosts.dialler()
        for _ in range(3):
            await quit_and_wait(await dialler.dial(hosts.route(), Nobody()))
        assert hosts.sessions() == [1, 3]


async def test_silent_hosts_hold_a_dial_no_longer_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "DIAL_SECONDS", 0.2)
    silent = replace(WELL, greeting=Greeting.SILENT)
    async with Hosts(silent, silent) as hosts:
        with pytest.raises(NotGreeted) as caught:
            await hosts.dialler().dial(hosts.route(), Nobody())
        assert (caught.value.stage, caught.value.failure) == (Stage.CONNECT, "timeout")
        assert hosts.sessions() == [1, 0]


async def test_after_a_silence_at_starttls_the_next_dial_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "DIAL_SECONDS", 0.2)
    talks: list[MuteAtStarttls] = []

    def talk() -> MuteAtStarttls:
        talks.append(MuteAtStarttls())
        return talks[-1]

    server = await asyncio.get_running_loop().create_server(talk, "127.0.78.1", 0)
    port = server.sockets[0].getsockname()[1]
    dialler = Dialler("mx.ours.example", port, True, (), asyncio.get_running_loop().time)
    route = Route("a.example", (Host("mx", ("127.0.78.1",)),), 60.0, "mx")
    async with server:
        with pytest.raises(NotGreeted) as caught:
            await dialler.dial(route, Nobody())
        assert (caught.value.stage, caught.value.failure) == (Stage.STARTTLS, "starttls_refused")
        await quit_and_wait(await dialler.dial(route, Nobody()))
        await until(lambda: [talk.ended for talk in talks] == [True, True], 5.0)


class MuteAtStarttls(asyncio.Protocol):
    """One connection to a server that offers TLS and then says nothing when it is asked for."""

    ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"220 mx ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"EHLO"):
            self.transport.write(b"250-mx\r\n250 STARTTLS\r\n")
        elif data.startswith(b"QUIT"):
            self.transport.write(b"221 bye\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True


def test_what_is_over_is_forgotten() -> None:
    now = 1000.0
    resting: Recollection[str] = Recollection(lambda: now)
    resting.note("192.0.2.1", 60.0)
    assert "192.0.2.1" in resting
    now += 60.0
    assert "192.0.2.1" not in resting
    resting.note("192.0.2.2", 60.0)
    assert len(resting) == 1


class Sender(Nobody):
    """An owner with one mail to send."""

    def __init__(self) -> None:
        super().__init__()
        self.mails = [mail(require_tls=False)]

    def next_transaction(self, session: Session) -> Transaction | None:
        return self.mails.pop() if self.mails else None

    def settled(self, session: Session, transaction: Transaction, facts: Sequence[Fact]) -> None:
        if facts[0].accepted:
            session.quit()


async def one_mail(dialler: Dialler, route: Route) -> str:
    """Send one mail and return how the session ended."""
    owner = Sender()
    session = await dialler.dial(route, owner)
    session.pump()
    await until(lambda: session.is_closed, 5.0)
    return owner.ended[0]


async def test_a_server_that_does_not_know_its_chunking_is_spoken_to_without_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(far.Session, "_bdat", lambda self, _: self._say(b"502 5.5.1 not implemented\r\n"))
    ended = []
    async with Hosts(WELL) as hosts:
        dialler = Dialler("mx.ours.example", hosts.port, True, (), lambda: now)
        for seconds in (0.0, dial.WITHOUT_BDAT_SECONDS - 1, 1.0, 0.0):
            now += seconds
            ended.append(await one_mail(dialler, hosts.route()))
    assert ended == [BDAT_REFUSED, "", BDAT_REFUSED, ""]


async def test_nobody_there() -> None:
    async with Hosts(WELL) as hosts:
        with pytest.raises(NotGreeted) as caught:
            await hosts.dialler().dial(Route("a.example", (Host("mx", ("127.0.78.98",)),), 60.0, "mx"), Nobody())
        assert caught.value.failure == "refused"


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.ECONNRESET, "reset"),
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.ENETUNREACH, "no_network"),
        (errno.ETIMEDOUT, "timeout"),
        (errno.EMFILE, "not_connected: too many open files"),
        (None, "not_connected: connect call failed"),
    ],
)
async def test_a_failed_connection_has_one_of_our_words(
    number: int | None, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain asyncio and uvloop say different things of the same failure; its number is the same."""

    async def create_connection(*_: object, **__: object) -> None:
        raise OSError("connect call failed") if number is None else OSError(number, "Connect call failed ('::1', 25)")

    async with Hosts(WELL) as hosts:
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", create_connection)
        with pytest.raises(NotGreeted) as caught:
            await hosts.dialler().dial(hosts.route(), Nobody())
    assert caught.value.failure == word
    assert word.partition(":")[0] in {*FAILURES, *UNCONNECTED.values(), NOT_CONNECTED}


async def test_tls_is_used_where_it_is_offered() -> None:
    async with Hosts(replace(WELL, starttls=True)) as hosts:
        session = await hosts.dialler().dial(hosts.route(), Nobody())
        assert session.tls.startswith("TLSv1.")
        await quit_and_wait(session)
        assert hosts.receivers[0].desk.ledger.counters.tls_sessions == 1


async def test_a_broken_handshake_is_followed_by_one_plain_session() -> None:
    async with Hosts(replace(WELL, starttls=True)) as hosts:
        receiver = hosts.receivers[0]
        receiver.surroundings = replace(receiver.surroundings, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        dialler = hosts.dialler()
        session = await dialler.dial(hosts.route(), Nobody())
        assert session.tls == ""
        await quit_and_wait(session)
        again = await dialler.dial(hosts.route(), Nobody())
        await quit_and_wait(again)
        assert hosts.sessions() == [3]


async def test_a_flush_has_tls_tried_again_where_it_broke() -> None:
    async with Hosts(replace(WELL, starttls=True)) as hosts:
        receiver, dialler, spoken = hosts.receivers[0], hosts.dialler(), list[bool]()
        mended = receiver.surroundings
        receiver.surroundings = replace(mended, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        for _ in range(3):
            session = await dialler.dial(hosts.route(), Nobody())
            spoken.append(bool(session.tls))
            await quit_and_wait(session)
            receiver.surroundings = mended
            if len(spoken) == 2:
                dialler.forget(hosts.route())
        assert spoken == [False, False, True]
