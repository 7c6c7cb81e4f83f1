"""Does what mail to the schools led to reach whom it is for, whatever happens on the way, and never in a crowd?

Real DNS, real receivers, a real store; only time and the far servers' moods are made up.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import dkim
import pytest

from mailer import replying
from mailer.bounce.event import ReadMail
from mailer.domain.answering import Replies, ReplyPolicy
from mailer.domain.school import Schools
from mailer.keyring import Keyring
from mailer.message.keys import public_value
from mailer.mime.correspondence import read_correspondence
from mailer.mime.entity import read_mail
from mailer.rehearsal.moods import Fault, Mood, Trouble
from mailer.replying import Means, Replying
from mailer.report_ways import own_signatures
from mailer.service import keys, replies, singles
from mailer.service.office import Office
from mailer.service.replies import Single
from mailer.service.singles import Ended
from mailer.standing.key import KeyState
from mailer.store import inbound
from mailer.store.database import transaction
from mailer.store.reader import Reader
from mailer.store.writer import Writer
from tests.conftest import FakeClock
from tests.dispatcher.town import KEYS, until
from tests.replying.world import CITY, PHONES, World, world

PEM = (KEYS / "rsa2048.pem").read_bytes()
PHONE = f"hanako@{PHONES}"
SCHOOL = "t-daiichi@mail.mimamori-iwamizawa.jp"


@dataclass
class Sending:
    """An office whose `Replying` runs, and where it sends."""

    office: Office
    writer: Writer
    means: Means
    world: World

    def state(self, number: int) -> str:
        """Return where a single mail stands."""
        return replies.get(number).state

    async def ends(self, number: int, state: str) -> Single:
        """Wait until a single mail is in a state."""
        await until(lambda: self.state(number) == state)
        return replies.get(number)


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits five seconds."""
    monkeypatch.setattr(replying, "LOOK_SECONDS", 0.02)


@asynccontextmanager
async def sending(office: Office, mood: Mood | None = None, *, running: bool = True) -> AsyncIterator[Sending]:
    keys.register(office, "rsa1", "rsa", public_value(PEM), KeyState.ACTIVE, "test")
    writer, reader = Writer(), Reader()
    async with world(mood) as there:
        means = Means(reader, there.messenger(), own_signatures(Keyring(lambda _: PEM)), frozenset())
        work = asyncio.create_task(Replying(office, writer, means).keep()) if running else None
        try:
            yield Sending(office, writer, means, there)
        finally:
            if work is not None:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
            await asyncio.to_thread(reader.close)
            await asyncio.to_thread(writer.close)


def forwarding(office: Office, mailbox: str) -> Office:
    policy = Replies(ReplyPolicy.FORWARD, mailbox)
    return replace(office, schools=Schools({one.code: replace(one, replies=policy) for one in office.schools}))


def content_from(sender: str) -> bytes:
    trace = f"Return-Path: <{sender}>\r\nReceived: from x ([192.0.2.1])\r\n\tby y with ESMTP;\r\n\tnow\r\n"
    return f"{trace}From: {sender}\r\nTo: {SCHOOL}\r\nMessage-ID: <1@x.example>\r\n\r\n了解 \xff\r\n".encode()


def arrive(office: Office, sender: str = PHONE) -> int:
    """Let a mail come to a school; return the number of what it led to."""
    content = content_from(sender)
    mail = inbound.Arrived(office.clock(), sender, SCHOOL, "192.0.2.1", b"", inbound.pack(content), None, "mail")
    with transaction():
        number = inbound.add(mail)
        replies.learn(office, number, read_correspondence(read_mail(content)), ReadMail(()))
    (single,) = replies.list_("", 1, unsent=False)
    return single.id


async def test_a_notice_reaches_who_wrote_signed_and_without_a_reverse_path(office: Office) -> None:
    async with sending(office) as there:
        single = await there.ends(arrive(office), "accepted")
    (notice,) = there.world.got(PHONE)
    assert there.world.reverse_paths(PHONE) == [""]
    assert dkim.DKIM(notice).verify(dnsfunc=lambda name, timeout=5: public_value(PEM).encode())
    assert b"\r\nAuto-Submitted: auto-replied\r\n" in notice
    assert (single.attempts, single.possible_copies) == (1, 0)
    assert single.host.startswith(f"mx.{PHONES}[127.0.77.1]:")
    assert single.reply.startswith("250")


async def test_a_copy_reaches_the_mailbox_as_it_came(office: Office) -> None:
    mailbox = f"office@{CITY}"
    async with sending(forwarding(office, mailbox)) as there:
        number = arrive(there.office)
        await there.ends(number, "accepted")
    expected = f"Delivered-To: {SCHOOL}\r\n".encode() + content_from(PHONE).partition(b"\r\n")[2]
    assert there.world.got(mailbox) == [expected]
    (back,) = there.world.reverse_paths(mailbox)
    assert office.verp.of_singles().read(back.partition("@")[0]) == number


async def test_who_is_not_there_yet_is_tried_again(office: Office, clock: FakeClock) -> None:
    mailbox = f"tempfail-1-office@{CITY}"
    async with sending(forwarding(office, mailbox)) as there:
        number = arrive(there.office)
        await until(lambda: replies.get(number).reply != "" and there.state(number) == "waiting")
        waiting = replies.get(number)
        assert waiting.reply.startswith("4")
        assert waiting.next_at > clock.now
        clock.now = waiting.next_at
        assert (await there.ends(number, "accepted")).attempts == 2
    assert len(there.world.got(mailbox)) == 1


@pytest.mark.parametrize(
    ("mailbox", "said"),
    [
        (f"unknown-office@{CITY}", "550"),
        (f"filtered-office@{CITY}", "550"),
        ("office@nowhere.example", "nowhere.example"),
    ],
)
async def test_what_nobody_takes_is_kept_for_a_person(office: Office, mailbox: str, said: str) -> None:
    async with sending(forwarding(office, mailbox)) as there:
        single = await there.ends(arrive(there.office), "refused")
    assert said in single.reply
    assert single.settled_at is not None
    assert [one.id for one in replies.list_("", 10, unsent=True)] == [single.id]
    assert replies.content(single) == content_from(PHONE)


async def test_what_may_have_arrived_is_counted_as_a_possible_copy(office: Office, clock: FakeClock) -> None:
    mailbox = f"lostreply-1-office@{CITY}"
    async with sending(forwarding(office, mailbox)) as there:
        number = arrive(there.office)
        await until(lambda: replies.get(number).possible_copies == 1)
        clock.now = replies.get(number).next_at
        single = await there.ends(number, "accepted")
    assert (single.attempts, single.possible_copies) == (2, 1)
    first, second = there.world.got(mailbox)
    assert first == second


async def test_what_was_cut_off_is_found_by_the_next_and_counted(office: Office) -> None:
    mailbox = f"silent-1-office@{CITY}"
    async with sending(forwarding(office, mailbox), running=False) as there:
        number = arrive(there.office)
        for state in ("sending", "accepted"):
            work = asyncio.create_task(Replying(there.office, there.writer, there.means).keep())
            await there.ends(number, state)
            await until(lambda: len(there.world.got(mailbox)) > 0)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await asyncio.sleep(0)  # what it had under way is cancelled with it
        single = replies.get(number)
    assert (single.attempts, single.possible_copies) == (2, 1)
    assert len(there.world.got(mailbox)) == 2


async def test_two_at_a_time_and_one_to_each_domain(office: Office) -> None:
    slow = Mood(shares=((Trouble(Fault.SLOW), 1.0),), slow_seconds=0.05)
    async with sending(office, slow) as there:
        numbers = [arrive(office, f"a{number}@{domain}") for number in range(3) for domain in (PHONES, CITY)]
        await until(lambda: all(there.state(number) == "accepted" for number in numbers))
        counters = [there.world.receivers[domain].desk.ledger.counters for domain in (PHONES, CITY)]
        assert [one.most_connections for one in counters] == [1, 1]


async def test_one_mute_mailbox_delays_no_notice(office: Office) -> None:
    async with sending(office) as there:
        mute = arrive(forwarding(office, f"silent-office@{CITY}"))
        await there.ends(mute, "sending")
        numbers = [arrive(office, f"a{number}@{PHONES}") for number in range(3)]
        await until(lambda: all(there.state(number) == "accepted" for number in numbers))
        assert there.state(mute) == "sending"


async def test_unsigned_no_notice_leaves_and_it_waits(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    async with sending(office, running=False) as there:
        means = replace(there.means, sign=own_signatures(Keyring(lambda _: b"no key")))
        work = asyncio.create_task(Replying(office, there.writer, means).keep())
        number = arrive(office)
        await until(lambda: replies.get(number).reply != "")
        work.cancel()
        assert (there.state(number), there.world.arrived()) == ("waiting", [])
        assert "no private key" in replies.get(number).reply


async def test_an_end_that_the_store_does_not_take_is_written_later(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settle, failures = singles.settle, iter([True, True])

    def fail(office: Office, single: Single, ended: Ended) -> bool:
        if next(failures, False):
            raise OSError("no room")
        return settle(office, single, ended)

    monkeypatch.setattr(singles, "settle", fail)
    async with sending(office) as there:
        with caplog.at_level(logging.CRITICAL):
            single = await there.ends(arrive(office), "accepted")
    assert (single.attempts, single.possible_copies, len(there.world.got(PHONE))) == (1, 0, 1)
