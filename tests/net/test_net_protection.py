"""Does a connection come about only as it was demanded, and is it told how that went?"""

import asyncio
import hashlib
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from mailer.clock import system_clock
from mailer.net.demand import Demand, Rung, by_dane, by_sts, opportunistic
from mailer.net.dial import Dialler, NotGreeted
from mailer.net.handshake import Contexts
from mailer.net.routes import Host, Route
from mailer.net.tls_memory import TlsMemory
from mailer.net.transport import Peer, Session
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.ledger import Ledger
from mailer.rehearsal.moods import CAPABILITIES, Greeting, Mood
from mailer.rehearsal.receiver import Receiver, Surroundings
from mailer.smtp.address import parse_address
from mailer.smtp.envelope import Envelope, Fact, ForwardPath, ReversePath, Transaction
from mailer.smtp.reply import Reply
from mailer.smtp.sts import read_policy
from mailer.smtp.tls_result import TlsResult
from tests.dispatcher.town import until
from tests.smtp.certificates import DAY, Made, make

NOW = system_clock()
DOMAIN, HOST = "town.example", "mx.town.example"
TLS = Mood(starttls=True)
ROOT = make("root", authority=True, now=NOW)
MIDDLE = make("middle", ROOT, authority=True, now=NOW)
GOOD = make(HOST, MIDDLE, names=(HOST,), now=NOW)
OTHER = make("mx.other.example", MIDDLE, names=("mx.other.example",), now=NOW)
OLD = make(HOST, MIDDLE, names=(HOST,), until=-DAY, now=NOW)
STRANGER = make(HOST, names=(HOST,), now=NOW)


class Owner:
    """Has perhaps one mail to send, and hears what came of it."""

    def __init__(self, *mails: Transaction) -> None:
        self.mails = list(mails)
        self.facts: list[Fact] = []
        self.ended: list[str] = []

    def ready(self, session: Session) -> None: ...

    def next_transaction(self, session: Session) -> Transaction | None:
        return self.mails.pop() if self.mails else None

    def settled(self, session: Session, transaction: Transaction, facts: Sequence[Fact]) -> None:
        self.facts += facts

    def closed(self, session: Session, failure: str, reply: Reply | None) -> None:
        self.ended.append(failure)


def mail(*, require_tls: bool) -> Transaction:
    path = ForwardPath(parse_address(f"taro@{DOMAIN}"))
    return Transaction(Envelope(ReversePath(None), (path,), require_tls), b"Subject: x\r\n\r\nx\r\n")


@dataclass
class Place:
    """One receiver and the dialler that speaks to it; `told` is what the observer heard."""

    receiver: Receiver
    dialler: Dialler
    told: list[TlsResult] = field(default_factory=list)

    @property
    def sessions(self) -> int:
        return self.receiver.desk.ledger.counters.sessions

    async def dial(self, demand: Demand, owner: Owner | None = None, address: str = "127.0.78.1") -> Session:
        host = Host(HOST, (address,), demand)
        return await self.dialler.dial(Route(DOMAIN, (host,), 60.0, HOST), owner or Owner())

    async def greeted(self, demand: Demand) -> str:
        """Dial, say QUIT, and return how TLS was spoken."""
        session = await self.dial(demand)
        session.quit()
        await until(lambda: session.is_closed, 5.0)
        return session.tls

    async def refused(self, demand: Demand) -> str:
        """Dial in vain and return why."""
        with pytest.raises(NotGreeted) as caught:
            await self.dial(demand)
        return caught.value.failure

    def words(self) -> list[str]:
        return [result.failure for result in self.told]


def server(*chain: Made) -> ssl.SSLContext:
    """Return the settings of a server that shows these certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(chain[0].key_pem + b"".join(made.pem for made in chain))
        file.flush()
        context.load_cert_chain(file.name)
    return context


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    (tmp_path / "ca.pem").write_bytes(ROOT.pem)
    receiver = Receiver(Desk(HOST, TLS, Ledger(HOST)), Surroundings(system_clock, server(GOOD, MIDDLE)))
    port = await receiver.listen(["127.0.78.1"], 0)
    told: list[TlsResult] = []
    monotonic = asyncio.get_running_loop().time
    dialler = Dialler("mx.ours.example", port, True, (), monotonic, Contexts(tmp_path / "ca.pem"), told.append)
    yield Place(receiver, dialler, told)
    await receiver.stop()


def shows(place: Place, *chain: Made) -> None:
    place.receiver.surroundings = replace(place.receiver.surroundings, tls=server(*chain))


def breaks(place: Place) -> None:
    """Let every handshake fail: the server has no certificate."""
    place.receiver.surroundings = replace(place.receiver.surroundings, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


def offers(place: Place, mood: Mood) -> None:
    place.receiver.desk.mood = mood


def dane(usage: int, made: Made) -> Demand:
    return by_dane(HOST, DOMAIN, [f"{usage} 0 1 {hashlib.sha256(made.der).hexdigest()}"])


POLICY = "version: STSv1\nmode: {}\nmx: *.town.example\nmax_age: 86400\n"


def sts(mode: str = "enforce", mx: str = "*.town.example") -> Demand:
    demand = by_sts(HOST, DOMAIN, read_policy(POLICY.format(mode).replace("*.town.example", mx)))
    assert demand is not None
    return demand


# --- DANE


@pytest.mark.parametrize(("usage", "made"), [(3, GOOD), (2, MIDDLE)])
async def test_a_server_with_its_tlsa_record_is_spoken_to(place: Place, usage: int, made: Made) -> None:
    tls = await place.greeted(dane(usage, made))
    assert tls.startswith("TLSv1.")
    assert tls.endswith(" dane")
    assert place.words() == [""]
    assert (place.told[0].policy.kind, place.told[0].policy.domain) == ("tlsa", HOST)
    assert (place.told[0].mx_host, place.told[0].address, place.told[0].source) == (HOST, "127.0.78.1", "127.0.0.1")


async def test_a_certificate_may_be_for_the_name_behind_a_domain_that_is_an_alias(place: Place) -> None:
    shows(place, OTHER, MIDDLE)
    record = f"2 0 1 {hashlib.sha256(MIDDLE.der).hexdigest()}"
    assert await place.refused(by_dane(HOST, DOMAIN, [record])) == "certificate_refused: certificate-host-mismatch"
    assert (await place.greeted(by_dane(HOST, DOMAIN, [record], "mx.other.example"))).endswith(" dane")


@pytest.mark.parametrize(
    ("chain", "usage", "anchor", "word"),
    [
        ((STRANGER,), 3, GOOD, "certificate-not-trusted"),
        ((STRANGER,), 2, MIDDLE, "certificate-not-trusted"),
        ((OTHER, MIDDLE), 2, MIDDLE, "certificate-host-mismatch"),
        ((OLD, MIDDLE), 2, MIDDLE, "certificate-expired"),
        ((STRANGER, MIDDLE), 2, MIDDLE, "certificate-not-trusted"),
    ],
)
async def test_a_server_with_another_certificate_gets_nothing(
    place: Place, chain: tuple[Made, ...], usage: int, anchor: Made, word: str
) -> None:
    shows(place, *chain)
    assert await place.refused(dane(usage, anchor)) == f"certificate_refused: {word}"
    assert [(one.failure, one.source) for one in place.told] == [(word, "127.0.0.1")]
    assert place.sessions == 1, "and is not dialled again in plain"


async def test_where_dane_holds_a_server_without_tls_gets_nothing(place: Place) -> None:
    offers(place, Mood())
    assert await place.refused(dane(3, GOOD)) == "tls_not_offered"
    assert (place.words(), place.sessions) == (["starttls-not-supported"], 1)


async def test_where_dane_holds_a_broken_handshake_is_the_end(place: Place) -> None:
    breaks(place)
    assert await place.refused(dane(3, GOOD)) == "tls_failed"
    assert (place.words(), place.sessions) == (["validation-failure"], 1)


async def test_where_dane_holds_the_server_is_called_by_the_name_of_its_records(place: Place) -> None:
    asked: list[str | None] = []
    context = server(GOOD, MIDDLE)
    context.sni_callback = lambda tls, name, given: asked.append(name)
    place.receiver.surroundings = replace(place.receiver.surroundings, tls=context)
    record = f"3 0 1 {hashlib.sha256(GOOD.der).hexdigest()}"
    for demand in (by_dane("mx.behind.example", DOMAIN, [record]), sts()):
        assert await place.greeted(demand)
    assert asked == ["mx.behind.example", HOST]


class Interloper(asyncio.Protocol):
    """Somebody on the way who spoils STARTTLS: he says `answer` to it, or ends the connection if there is none."""

    def __init__(self, answer: bytes, greeted: list[bytes]) -> None:
        self.answer = answer
        greeted.append(answer)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"220 mx ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"EHLO"):
            self.transport.write(b"250-mx\r\n250 STARTTLS\r\n")
        elif self.answer:
            self.transport.write(self.answer)
        else:
            self.transport.close()


@pytest.mark.parametrize(
    "answer",
    [b"", b"454 4.7.0 later\r\n", b"yes\r\n", b"220 go\r\n250 injected\r\n", b"220 go\r\n\x00" * 9, b"421 bye\r\n"],
)
@pytest.mark.parametrize("demand", [lambda: dane(3, GOOD), lambda: sts()])
async def test_however_starttls_is_spoilt_nothing_goes_in_plain(
    place: Place, demand: Callable[[], Demand], answer: bytes
) -> None:
    greeted: list[bytes] = []
    loop, port = asyncio.get_running_loop(), place.dialler.port
    async with await loop.create_server(lambda: Interloper(answer, greeted), "127.0.78.3", port):
        with pytest.raises(NotGreeted):
            await place.dial(demand(), address="127.0.78.3")
    assert len(greeted) == 1
    assert place.words() == ["validation-failure"]


async def test_unusable_records_ask_for_any_tls_but_for_tls(place: Place) -> None:
    unusable = by_dane(HOST, DOMAIN, ["1 0 1 " + "ab" * 32, "nonsense"])
    shows(place, STRANGER)
    assert not (await place.greeted(unusable)).endswith("dane")
    offers(place, Mood())
    assert await place.refused(unusable) == "tls_not_offered"
    assert place.words() == ["tlsa-invalid", "tlsa-invalid"]


async def test_unusable_records_are_told_beside_the_policy_that_holds(place: Place) -> None:
    demand = replace(sts(), unusable=by_dane(HOST, DOMAIN, ["1 0 1 " + "ab" * 32]).policy)
    assert (await place.greeted(demand)).endswith(" sts")
    shows(place, STRANGER)
    assert await place.refused(demand) == "certificate_refused: certificate-not-trusted"
    assert [(one.policy.kind, one.failure) for one in place.told] == [
        ("sts", ""),
        ("tlsa", "tlsa-invalid"),
        ("sts", "certificate-not-trusted"),
        ("tlsa", "tlsa-invalid"),
    ]


async def test_the_next_host_is_tried_where_one_does_not_prove_itself(place: Place) -> None:
    second = Receiver(Desk("mx2", TLS, Ledger("mx2")), Surroundings(system_clock, server(STRANGER)))
    await second.listen(["127.0.78.2"], place.dialler.port)
    hosts = (Host("mx2", ("127.0.78.2",), dane(3, GOOD)), Host(HOST, ("127.0.78.1",), dane(3, GOOD)))
    session = await place.dialler.dial(Route(DOMAIN, hosts, 60.0, HOST), Owner())
    assert session.peer.host == HOST
    session.abort("stopped")
    await second.stop()


# --- MTA-STS


async def test_a_trusted_server_is_spoken_to(place: Place) -> None:
    assert (await place.greeted(sts())).endswith(" sts")
    assert place.words() == [""]
    assert place.told[0].policy.mx_patterns == ("*.town.example",)


@pytest.mark.parametrize(
    ("chain", "word"),
    [
        ((OTHER, MIDDLE), "certificate-host-mismatch"),
        ((OLD, MIDDLE), "certificate-expired"),
        ((STRANGER,), "certificate-not-trusted"),
        ((GOOD,), "certificate-not-trusted"),
        ((make(HOST, MIDDLE, now=NOW), MIDDLE), "certificate-host-mismatch"),
    ],
)
async def test_a_server_that_is_not_trusted_gets_nothing(place: Place, chain: tuple[Made, ...], word: str) -> None:
    shows(place, *chain)
    assert await place.refused(sts()) == f"certificate_refused: {word}"
    assert (place.words(), place.sessions) == ([word], 1)


async def test_where_a_policy_is_enforced_a_server_without_tls_gets_nothing(place: Place) -> None:
    offers(place, Mood())
    assert await place.refused(sts()) == "tls_not_offered"


async def test_a_policy_in_testing_only_tells(place: Place) -> None:
    assert (await place.greeted(sts("testing"))).endswith(" sts")
    shows(place, STRANGER)
    for _ in range(2):
        tls = await place.greeted(sts("testing"))
        assert tls.startswith("TLS")
        assert not tls.endswith("sts")
    assert place.words() == ["", "certificate-not-trusted", "certificate-not-trusted"]
    assert place.sessions == 1 + 2 + 1, "what does not hold is not tried each time"


async def test_what_failed_at_one_name_is_no_other_names_at_the_same_address(place: Place) -> None:
    other = by_sts("else.town.example", DOMAIN, read_policy(POLICY.format("testing")))
    assert other is not None
    host = Host("else.town.example", ("127.0.78.1",), other)
    session = await place.dialler.dial(Route(DOMAIN, (host,), 60.0, host.name), Owner())
    assert not session.tls.endswith("sts")
    assert (await place.greeted(sts("testing"))).endswith(" sts")
    assert place.words() == ["certificate-host-mismatch", ""]


async def test_a_policy_in_testing_that_does_not_name_the_host_only_tells(place: Place) -> None:
    assert not (await place.greeted(sts("testing", "mx.other.example"))).endswith("sts")
    assert place.words() == ["validation-failure"]


def test_a_policy_that_is_enforced_forbids_hosts_that_it_does_not_name() -> None:
    policy = read_policy("version: STSv1\nmode: enforce\nmx: mx.other.example\nmax_age: 86400\n")
    assert by_sts(HOST, DOMAIN, policy) is None


def test_connections_of_one_demand_are_told_apart_from_those_of_another() -> None:
    demands = [opportunistic(DOMAIN), dane(3, GOOD), dane(2, MIDDLE), sts(), sts("testing")]
    demands.append(by_dane(HOST, DOMAIN, ["0 0 1 " + "ab" * 32]))
    assert len({demand.key for demand in demands}) == len(demands)


# --- without a policy


async def test_without_a_policy_any_certificate_will_do(place: Place) -> None:
    shows(place, STRANGER)
    assert (await place.greeted(opportunistic(DOMAIN))).startswith("TLSv1.")
    assert (place.words(), place.told[0].policy.kind) == ([""], "no-policy-found")


async def test_an_offer_that_is_gone_is_noticed(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    assert await place.greeted(opportunistic(DOMAIN))
    offers(place, Mood())
    for _ in range(2):
        assert await place.greeted(opportunistic(DOMAIN)) == ""
    assert [(one.failure, one.reason) for one in place.told[1:]] == [("starttls-not-supported", "spoken before")] * 2
    assert [record.message for record in caplog.records] == [
        f"{HOST} spoke TLS before and does not now; its mail goes in plain text"
    ]


async def test_a_handshake_that_breaks_where_it_did_not_before_is_noticed(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    assert await place.greeted(opportunistic(DOMAIN))
    breaks(place)
    for _ in range(2):
        assert await place.greeted(opportunistic(DOMAIN)) == ""
    assert place.words() == ["", "validation-failure", "validation-failure"]
    assert [record.message for record in caplog.records] == [
        f"{HOST} spoke TLS before and does not now; its mail goes in plain text"
    ]


async def test_where_starttls_is_off_nobody_is_said_to_have_lost_it(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    assert await place.greeted(opportunistic(DOMAIN))
    place.dialler.starttls = False
    assert await place.greeted(opportunistic(DOMAIN)) == ""
    assert (place.words(), caplog.records) == ([""], [])


@pytest.mark.parametrize("demand", [lambda: opportunistic(DOMAIN), lambda: sts("testing")])
async def test_a_handshake_that_breaks_is_told_also_where_the_plain_attempt_is_reset(
    place: Place, demand: Callable[[], Demand], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, open_one = list[Rung](), Dialler._open

    async def then_reset(self: Dialler, peer: Peer, asked: Demand, rung: Rung, until: float) -> Session:
        opened.append(rung)
        if len(opened) > 1:
            offers(place, replace(TLS, greeting=Greeting.RESET))
        return await open_one(self, peer, asked, rung, until)

    breaks(place)
    monkeypatch.setattr(Dialler, "_open", then_reset)
    assert await place.refused(demand()) == "reset"
    assert [(one.failure, one.source) for one in place.told] == [("validation-failure", "127.0.0.1")]
    assert await place.refused(demand()) == "reset"
    assert len(place.told) == 1, "TLS was not spoken that time"


async def test_what_was_learned_of_hosts_is_passed_on_once_a_day_and_outlives_a_process() -> None:
    now, learned = 0.0, list[str]()
    memory = TlsMemory(lambda: now, (), learned.append)
    for _ in range(3):
        memory.spoken(HOST)
    now += 90_000.0
    memory.spoken(HOST)
    assert learned == [HOST, HOST]
    assert not TlsMemory(lambda: now).missing(HOST)
    assert TlsMemory(lambda: now, learned).missing(HOST)


async def test_a_host_that_cannot_be_reached_says_nothing_of_tls(place: Place) -> None:
    offers(place, replace(TLS, greeting=Greeting.RESET))
    for demand in (dane(3, GOOD), sts("testing"), opportunistic(DOMAIN)):
        assert await place.refused(demand)
    assert place.told == []


# --- REQUIRETLS


@pytest.mark.parametrize(
    ("demand", "offered", "expected"),
    [
        (lambda: dane(3, GOOD), ("REQUIRETLS",), ""),
        (lambda: sts(), ("REQUIRETLS",), ""),
        (lambda: dane(3, GOOD), (), "needs_requiretls"),
        (lambda: opportunistic(DOMAIN), ("REQUIRETLS",), "needs_proof"),
    ],
)
async def test_a_mail_that_requires_tls_goes_only_where_it_is_proved_and_promised(
    place: Place, demand: Callable[[], Demand], offered: tuple[str, ...], expected: str
) -> None:
    offers(place, replace(TLS, capabilities=(*CAPABILITIES, *offered)))
    owner = Owner(mail(require_tls=True))
    session = await place.dial(demand(), owner)
    session.pump()
    await until(lambda: bool(owner.facts), 5.0)
    assert (owner.facts[0].failure, owner.facts[0].accepted) == (expected, not expected)
    session.quit()
    await until(lambda: session.is_closed, 5.0)
    assert len(place.receiver.desk.ledger.received) == (0 if expected else 1)


PROMISING = replace(TLS, capabilities=(*CAPABILITIES, "REQUIRETLS"))


async def tried(place: Place, *ways: tuple[Mood, Demand]) -> tuple[list[int], Fact]:
    """Try hosts of a domain that requires TLS, one after the other; return how often each was greeted, and the fact."""
    receivers = [Receiver(Desk(HOST, mood, Ledger(HOST)), place.receiver.surroundings) for mood, _ in ways]
    addresses = [f"127.0.78.{number}" for number in range(11, 11 + len(ways))]
    for receiver, address in zip(receivers, addresses, strict=True):
        await receiver.listen([address], place.dialler.port)
    hosts = tuple(Host(HOST, (address,), demand) for address, (_, demand) in zip(addresses, ways, strict=True))
    owner = Owner(mail(require_tls=True))
    try:
        session = await place.dialler.dial(Route(DOMAIN, hosts, 60.0, HOST, requires_tls=True), owner)
        session.pump()
        await until(lambda: bool(owner.facts), 5.0)
        session.quit()
        await until(lambda: bool(owner.ended), 5.0)
    finally:
        for receiver in receivers:
            await receiver.stop()
    return [receiver.desk.ledger.counters.sessions for receiver in receivers], owner.facts[0]


async def test_where_one_host_does_not_promise_it_the_others_are_tried(place: Place) -> None:
    sessions, fact = await tried(place, (TLS, sts()), (TLS, dane(3, GOOD)), (PROMISING, sts()), (PROMISING, sts()))
    assert fact.accepted
    assert sessions == [1, 1, 1, 0]


async def test_where_none_promises_it_the_mail_hears_so(place: Place) -> None:
    sessions, fact = await tried(place, (TLS, sts()), (TLS, dane(3, GOOD)), (TLS, sts()))
    assert fact.failure == "needs_requiretls"
    assert sessions == [2, 1, 1]


async def test_one_that_is_not_proved_may_be_so_tomorrow(place: Place) -> None:
    sessions, fact = await tried(place, (TLS, sts()), (PROMISING, opportunistic(DOMAIN)))
    assert fact.failure == "needs_proof"
    assert sessions == [1, 2]


async def test_while_one_cannot_be_spoken_to_nobody_knows_what_it_promises(place: Place) -> None:
    with pytest.raises(NotGreeted):
        await tried(place, (replace(PROMISING, greeting=Greeting.RESET), sts()), (TLS, sts()))


def test_of_tlsa_records_the_domain_whose_mail_it_was_hears() -> None:
    policy = by_dane(HOST, DOMAIN, ["3 0 1 " + "ab" * 32]).policy
    assert (policy.domain, policy.reported) == (HOST, DOMAIN)
    assert opportunistic(DOMAIN).policy.reported == DOMAIN
