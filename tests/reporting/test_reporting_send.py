"""Does a report reach the domain that wants it, is it tried again where it does not, and is every session counted?

Real DNS, real receivers of mail, a real store; only the far servers' moods are made up.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
import trustme

from mailer import tls_tally
from mailer.clock import system_clock
from mailer.keyring import Keyring
from mailer.net.dial import Dialler
from mailer.net.handshake import any_certificate
from mailer.net.post import Poster
from mailer.net.resolver import Resolver
from mailer.net.routes import Routing
from mailer.net.single import Messenger
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.dns import DnsMood, DnsServer, Records
from mailer.rehearsal.ledger import Ledger, Mail
from mailer.rehearsal.moods import Greeting, Mood
from mailer.rehearsal.receiver import Receiver, Surroundings
from mailer.report.tls import Counted
from mailer.report_ways import own_signatures
from mailer.reporting import Means, keep_reporting, send
from mailer.service import keys, tls_report
from mailer.service.office import Office
from mailer.service.tls_report import ReportState
from mailer.smtp.tls_result import TlsPolicy, TlsResult
from mailer.standing.key import KeyState
from mailer.store import tls_report as store
from mailer.store.database import transaction
from mailer.store.tls_report import TlsReport
from mailer.store.writer import Writer
from mailer.tls_tally import Tally
from tests.conftest import FakeClock
from tests.dispatcher.town import KEYS, until
from tests.report.samples import DAY, GOOD, WRONG

DOMAIN, DESK, OTHER = "town.example", "desk.example", "other.example"
ADDRESSES = {DESK: "127.0.76.1", OTHER: "127.0.76.2"}
WANTED = Records(txt=(f"v=TLSRPTv1; rua=mailto:tls@{DESK}",))


@dataclass
class World:
    """An office on the day after, whom it reports to, and what arrived there."""

    office: Office
    writer: Writer
    means: Means
    arrived: list[tuple[Mail, bytes]] = field(default_factory=list)

    async def send(self) -> ReportState | None:
        """Try once."""
        return await send(self.office, self.writer, self.means, DAY, DOMAIN)


@asynccontextmanager
async def world(office: Office, record: Records | None, mood: Mood | None = None) -> AsyncIterator[World]:
    """Build it: `record` stands at the domain's name for reports, `mood` is that of the desk's receiver."""
    zone = {domain: Records(mx=((10, f"mx.{domain}"),)) for domain in ADDRESSES}
    zone |= {f"mx.{domain}": Records(a=(address,)) for domain, address in ADDRESSES.items()}
    dns, loop, writer = (
        DnsServer(zone | ({} if record is None else {f"_smtp._tls.{DOMAIN}": record})),
        asyncio.get_running_loop(),
        Writer(),
    )
    await dns.start()
    arrived: list[tuple[Mail, bytes]] = []
    surroundings = Surroundings(system_clock, _broken(), (lambda mail, content: arrived.append((mail, content)),))
    receivers = {domain: Receiver(Desk(domain, mood or Mood(), Ledger(domain)), surroundings) for domain in ADDRESSES}
    receivers[OTHER].desk.mood = Mood()
    port = await receivers[DESK].listen([ADDRESSES[DESK]], 0)
    await receivers[OTHER].listen([ADDRESSES[OTHER]], port)
    resolver = Resolver([("127.0.0.1", dns.port)], timeout=1.0, lifetime=3.0, monotonic=loop.time)
    messenger = Messenger(
        resolver, Routing(frozenset(), 5, True), Dialler("mx.ours.example", port, True, (), loop.time)
    )
    poster = Poster(resolver, any_certificate(), lambda _: True)
    sign = own_signatures(Keyring(lambda selector: (KEYS / "rsa2048.pem").read_bytes()))
    keys.register(office, "rsa", "rsa", "v=DKIM1", KeyState.ACTIVE, "test")
    with transaction():
        tls_report.count(DAY, [Counted(GOOD, 5), Counted(WRONG, 1)])
        store.plan(DAY, DOMAIN, office.clock())
    try:
        yield World(office, writer, Means("desk@city.example.jp", True, resolver, messenger, poster, sign), arrived)
    finally:
        for receiver in receivers.values():
            await receiver.stop()
        await dns.stop()
        await asyncio.to_thread(writer.close)


def _broken() -> ssl.SSLContext:
    """Return TLS settings with which nobody can speak to us: a key, and no cipher in common."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.desk.example").configure_cert(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    return context


@pytest.fixture
def tomorrow(office: Office, clock: FakeClock) -> Office:
    """The office on the day after."""
    clock.advance(days=1)
    return office


def made() -> TlsReport:
    (one,) = store.reports(DAY)
    return one


async def test_a_report_comes_by_mail_whatever_is_wrong_with_tls(tomorrow: Office) -> None:
    async with world(tomorrow, WANTED) as there:
        assert await there.send() is ReportState.SENT
        ((mail, content),) = there.arrived
        assert await there.send() is None
    assert (mail.recipients, mail.reverse_path) == ((f"tls@{DESK}",), f"postmaster@{tomorrow.domain}")
    assert not mail.tls
    assert content.startswith(b"DKIM-Signature: v=1;")
    assert b"TLS-Report-Domain: town.example\r\n" in content
    assert (made().state, made().destination, made().attempts) == (ReportState.SENT, f"mailto:tls@{DESK}", 1)


@pytest.mark.parametrize("record", [None, Records(txt=("v=spf1 -all",))])
async def test_who_wants_none_gets_none(tomorrow: Office, record: Records | None) -> None:
    async with world(tomorrow, record) as there:
        assert await there.send() is ReportState.UNWANTED
        assert there.arrived == []


async def test_a_dns_that_fails_is_asked_again(tomorrow: Office) -> None:
    async with world(tomorrow, replace(WANTED, mood=DnsMood.SERVFAIL)) as there:
        assert await there.send() is ReportState.PENDING
    report = made()
    assert report.trouble.startswith(f"_smtp._tls.{DOMAIN} TXT")
    assert report.next_at is not None
    assert report.next_at > tomorrow.clock()


async def test_the_first_that_takes_it_is_enough(tomorrow: Office) -> None:
    both = Records(txt=(f"v=TLSRPTv1; rua=mailto:unknown-1@{DESK},mailto:tls@{OTHER},mailto:more@{OTHER}",))
    async with world(tomorrow, both) as there:
        assert await there.send() is ReportState.SENT
        assert [mail.recipients for mail, _ in there.arrived] == [(f"tls@{OTHER}",)]
    assert made().destination == f"mailto:tls@{OTHER}"


@pytest.mark.parametrize(
    ("rua", "mood", "said"),
    [
        (f"mailto:unknown-1@{DESK}", Mood(), f"mailto:unknown-1@{DESK}: rcpt: 550"),
        (f"mailto:tls@{DESK}", Mood(greeting=Greeting.RESET), "mx.desk.example"),
        ("mailto:tls@nowhere.example", Mood(), "nowhere.example"),
        ("https://nowhere.example/", Mood(), "the DNS gave no address"),
    ],
)
async def test_what_nobody_takes_is_tried_again(tomorrow: Office, rua: str, mood: Mood, said: str) -> None:
    async with world(tomorrow, Records(txt=(f"v=TLSRPTv1; rua={rua}",)), mood) as there:
        assert await there.send() is ReportState.PENDING
        assert there.arrived == []
    assert said in made().trouble


async def test_without_a_key_no_mail_leaves(tomorrow: Office) -> None:
    async with world(tomorrow, WANTED) as there:
        unsigned = replace(there.means, sign=own_signatures(Keyring(lambda _: b"no key")))
        assert await replace(there, means=unsigned).send() is ReportState.PENDING
        assert there.arrived == []
    assert "no private key" in made().trouble


async def test_what_is_due_leaves_by_itself(tomorrow: Office) -> None:
    async with world(tomorrow, WANTED) as there:
        keeping = asyncio.create_task(keep_reporting(tomorrow, there.writer, there.means))
        await until(lambda: made().state is ReportState.SENT)
        keeping.cancel()
        assert len(there.arrived) == 1


async def test_where_reports_are_switched_off_none_leaves(tomorrow: Office) -> None:
    async with world(tomorrow, WANTED) as there:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await keep_reporting(tomorrow, there.writer, replace(there.means, sends=False))
        assert (made().attempts, there.arrived) == (0, [])


async def test_sessions_are_counted_under_their_day(office: Office, clock: FakeClock) -> None:
    writer = Writer()
    tally = Tally(clock, writer)
    for result in (GOOD, GOOD, WRONG, replace(GOOD, policy=TlsPolicy("no-policy-found", "BAD NAME"))):
        tally.observe(result)
    clock.advance(days=1)
    tally.observe(GOOD)
    await tally.flush()
    tally.observe(GOOD)
    await tally.flush()
    await tally.flush()
    await asyncio.to_thread(writer.close)
    assert _counts(0) == {GOOD: 2, WRONG: 1}
    assert _counts(1) == {GOOD: 2}


async def test_what_the_store_does_not_take_is_written_later(
    office: Office, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer()
    tally = Tally(clock, writer)
    tally.observe(GOOD)
    with monkeypatch.context() as broken:
        broken.setattr(tls_report, "count", _fail)
        await tally.flush()
    tally.observe(GOOD)
    monkeypatch.setattr(tls_tally, "EVERY_SECONDS", 0.01)
    keeping = asyncio.create_task(tally.keep_counting())
    await until(lambda: _counts(0) == {GOOD: 2})
    keeping.cancel()
    await asyncio.to_thread(writer.close)


def _fail(*_: object) -> None:
    raise OSError("no room")


def _counts(days: int) -> dict[TlsResult, int]:
    return {one.result: one.sessions for one in store.counted(DAY.replace(day=DAY.day + days))}
