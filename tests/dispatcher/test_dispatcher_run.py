"""Does every item of a broadcast come to its right end, whatever mood the receiver is in?"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast
from unittest.mock import Mock

import pytest

from config import CredentialError
from mailer.carrier.group import Carriers, Manners
from mailer.clock import system_clock
from mailer.dispatcher import lookout
from mailer.dispatcher.order import Order, share_out
from mailer.dispatcher.site import Site
from mailer.dispatcher.ways import Way
from mailer.domain.alarm import Kind
from mailer.net.sts import Sts
from mailer.rehearsal.dns import DnsMood, Records
from mailer.rehearsal.moods import Fault, Forms, Greeting, Mood, Trouble
from mailer.schedule.queued import Selection
from mailer.service import alarm, broadcast, dispatch, lease, queue
from mailer.service.office import Office
from mailer.store import site_memory
from mailer.store.database import transaction
from tests.carrier.replies import shipped
from tests.dispatcher import town as towns
from tests.dispatcher.town import FREE, Town, town, until

WELL = Mood()


@pytest.fixture
def office(office: Office) -> Office:
    """The common office on the real clock: here things really happen."""
    return replace(office, clock=system_clock)


def addresses(number: int, *domains: str) -> list[str]:
    return [f"guardian{n}@{domains[n % len(domains)]}" for n in range(number)]


def settled(here: Town, announcement: str) -> bool:
    shown = here.show(announcement)
    return bool(shown["waiting"] + shown["deferred"] == 0)


def words(here: Town, announcement: str) -> dict[str, int]:
    shown = here.show(announcement)
    return {word: shown[word] for word in ("accepted", "refused", "deferred", "waiting", "held") if shown[word]}


async def test_every_recipient_gets_one_mail(office: Office) -> None:
    async with town(office, {"a.example": WELL, "b.example": WELL}) as here:
        here.register(addresses(300, "a.example", "b.example"))
        sent = here.send()
        await here.run_until(lambda: settled(here, sent))
        assert words(here, sent) == {"accepted": 300}
        assert sorted(here.received()) == sorted(addresses(300, "a.example", "b.example"))
        assert broadcast.verify(office, sent) == []


@pytest.mark.parametrize(
    "missing", [(), ("CHUNKING",), ("CHUNKING", "PIPELINING"), ("CHUNKING", "8BITMIME", "SIZE 20971520")]
)
async def test_whatever_the_server_offers(office: Office, missing: tuple[str, ...]) -> None:
    mood = replace(WELL, capabilities=tuple(one for one in WELL.capabilities if one not in missing))
    async with town(office, {"a.example": mood}) as here:
        here.register(addresses(60, "a.example"))
        sent = here.send()
        await here.run_until(lambda: settled(here, sent))
        assert words(here, sent) == {"accepted": 60}
        assert len(here.received()) == 60


async def test_unknown_users_are_refused_with_the_reply(office: Office) -> None:
    async with town(office, {"a.example": WELL}) as here:
        here.register(["unknown-1@a.example", "good@a.example", "filtered-1@a.example"])
        sent = here.send()
        await here.run_until(lambda: settled(here, sent))
        told = {one["address"]: one for one in broadcast.recipients(sent)}
        assert told["good@a.example"]["state"] == "accepted"
        assert told["unknown-1@a.example"]["state"] == "refused"
        assert told["unknown-1@a.example"]["evidence"]["stage"] == "rcpt"
        assert told["unknown-1@a.example"]["evidence"]["code"] == 550
        assert told["filtered-1@a.example"]["evidence"]["stage"] == "eod"


async def test_greylisting_is_waited_for(office: Office) -> None:
    mood = replace(WELL, shares=((Trouble(Fault("greylist")), 1.0),), greylist_seconds=1.0)
    async with town(office, {"a.example": mood}) as here:
        here.register(addresses(5, "a.example"))
        sent = here.send()
        async with here.dispatching(), asyncio.timeout(20):
            await until(lambda: words(here, sent) == {"deferred": 5})
            await asyncio.sleep(1.1)
            queue.flush(office, Selection(announcement_id=sent), "test")
            await until(lambda: settled(here, sent))
        assert words(here, sent) == {"accepted": 5}


@pytest.mark.parametrize(
    "reply",
    [
        "450 4.2.0 <{address}>: Greylisted",
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly.",
    ],
)
async def test_what_is_said_of_one_reader_slows_nobody_else(office: Office, reply: str) -> None:
    mood = replace(WELL, wording=replace(WELL.wording, greylist=reply), greylist_seconds=60.0)
    async with town(office, {"a.example": mood}, groups=Carriers((), shipped().rules, FREE)) as here:
        here.register(["greylist-1@a.example", *addresses(60, "a.example")])
        sent = here.send()
        await here.run_until(lambda: words(here, sent) == {"accepted": 60, "deferred": 1})
        assert lease.board(office, "w1", 0.0).states == []


async def test_a_throttling_receiver_gets_everything_in_its_own_way(office: Office) -> None:
    mood = replace(WELL, connections=2, messages_per_session=5)
    async with town(office, {"a.example": mood}) as here:
        here.register(addresses(60, "a.example"))
        sent = here.send()
        await here.run_until(lambda: settled(here, sent))
        assert words(here, sent) == {"accepted": 60}
        assert here.ledger("a.example").counters.throttled < 25


async def test_silence_after_the_mail_marks_a_possible_duplicate(office: Office) -> None:
    async with town(office, {"a.example": WELL, "b.example": WELL}) as here:
        here.register(["lostreply-1-x@a.example", "good@b.example"])
        sent = here.send()
        async with here.dispatching(), asyncio.timeout(20):
            await until(lambda: words(here, sent) == {"accepted": 1, "deferred": 1})
        told = {one["address"]: one["possible_duplicate"] for one in broadcast.recipients(sent)}
        assert told == {"lostreply-1-x@a.example": True, "good@b.example": False}


async def test_a_receiver_that_takes_every_mail_and_never_answers_calls_somebody(office: Office) -> None:
    def flushed_until(attempts: int) -> bool:
        queue.flush(office, Selection(announcement_id=sent), "test")
        return all(one.attempts == attempts for one in queue.list_(Selection(announcement_id=sent)))

    async with town(office, {"a.example": WELL}) as here:
        here.register([f"lostreply-9-{number}@a.example" for number in range(6)])
        sent = here.send()
        async with here.dispatching(), asyncio.timeout(30):
            await until(lambda: flushed_until(3) and words(here, sent) == {"held": 6})
        assert [(one.kind, one.subject, one.count) for one in alarm.list_()] == [(Kind.HELD, sent, 6)]


async def test_a_dead_receiver_delays_nobody_else(office: Office) -> None:
    async with town(office, {"dead.example": replace(WELL, greeting=Greeting("silent")), "b.example": WELL}) as here:
        here.register(addresses(200, "dead.example", "b.example"))
        sent = here.send()
        await here.run_until(lambda: here.show(sent)["accepted"] == 100, 10.0)


async def test_an_irregular_address_is_tried_quoted_and_then_bare(office: Office) -> None:
    bare, quoted = replace(WELL, forms=Forms.BARE), replace(WELL, forms=Forms.QUOTED)
    async with town(office, {"bare.example": bare, "quoted.example": quoted}) as here:
        here.register(["a..b@bare.example", ".abc@bare.example", "a..b@quoted.example", "abc.@quoted.example"])
        sent = here.send()
        await here.run_until(lambda: settled(here, sent))
        assert words(here, sent) == {"accepted": 4}


async def test_a_domain_that_does_not_exist_is_refused_and_one_without_dns_waits(office: Office) -> None:
    async with town(office, {"a.example": WELL}) as here:
        here.dns.answers.put("sick.example", Records(mood=DnsMood.SERVFAIL))
        here.register(["x@gone.example", "x@sick.example", "x@a.example"])
        sent = here.send()
        await here.run_until(lambda: here.show(sent)["waiting"] == 0)
        told = {one["address"]: one for one in broadcast.recipients(sent)}
        assert told["x@gone.example"]["state"] == "refused"
        assert told["x@gone.example"]["evidence"]["reason"] == "domain_unknown"
        assert told["x@sick.example"]["state"] == "deferred"
        assert told["x@a.example"]["state"] == "accepted"


async def test_urgent_mail_overtakes(office: Office) -> None:
    async with town(office, {"a.example": WELL}, manners=Manners(1, 100, 20.0, 100.0, 300)) as here:
        here.register(addresses(60, "a.example"))
        ordinary = here.send(urgent=False)
        async with here.dispatching(), asyncio.timeout(20):
            await until(lambda: here.show(ordinary)["accepted"] >= 22)
            urgent = here.send(urgent=True)
            await until(lambda: settled(here, urgent))
            assert here.show(ordinary)["accepted"] < 60


async def test_stopping_leaves_nothing_claimed(office: Office) -> None:
    async with town(office, {"a.example": WELL}, manners=Manners(2, 100, 50.0, 50.0, 300)) as here:
        here.register(addresses(200, "a.example"))
        sent = here.send()
        await here.run_until(lambda: here.show(sent)["accepted"] >= 10)
        shown = here.show(sent)
        assert shown["accepted"] + shown["waiting"] == 200
        assert len(here.received()) == shown["accepted"]
        await here.run_until(lambda: settled(here, sent))
        assert len(here.received()) == 200
        assert not any(one["possible_duplicate"] for one in broadcast.recipients(sent))


async def test_what_was_claimed_and_is_over_before_its_turn_never_leaves(office: Office) -> None:
    async with town(office, {"a.example": WELL}, manners=Manners(1, 100, 10.0, 10.0, 300)) as here:
        here.register(addresses(60, "a.example"))
        sent = here.send(expires=timedelta(seconds=1))

        def over() -> bool:
            with transaction():
                dispatch.expire(office, office.clock())
            return settled(here, sent)

        await here.run_until(over)
        shown = here.show(sent)
        assert len(here.received()) == shown["accepted"]
        assert shown["expired"] == 60 - shown["accepted"] > 0


def test_the_doors_of_a_site_share_its_room() -> None:
    def order(site: object) -> Order:
        return Order(Way(0.0, cast(Site, site)), 80)

    google, other = object(), object()
    orders = share_out([*(order(google) for _ in range(20)), order(other), Order(Way(0.0), 500)])
    assert [one.limit for one in orders] == [4] * 20 + [80, 500]


async def test_scheduled_mail_waits_for_its_time(office: Office) -> None:
    async with town(office, {"a.example": WELL}) as here:
        here.register(addresses(3, "a.example"))
        at = system_clock() + timedelta(seconds=1)
        request = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, True, "test", at, None, ("rsa",))
        sent = broadcast.send(office, request).id
        await here.run_until(lambda: settled(here, sent))
        assert all(mail.at >= at.timestamp() for mail in here.ledger("a.example").received)


async def test_a_broadcast_is_seen_before_the_next_look(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "LOOK_SECONDS", 60.0)
    async with town(office, {"a.example": WELL}) as here:
        here.register(addresses(3, "a.example"))
        async with here.dispatching(), asyncio.timeout(8):
            await asyncio.sleep(0.2)
            sent = here.send()
            await until(lambda: settled(here, sent))


@pytest.mark.parametrize("more", [(), ("CHUNKING",)])
async def test_a_session_whose_last_answer_comes_after_its_last_mail_is_settled_takes_the_next(
    office: Office, more: tuple[str, ...]
) -> None:
    slow = replace(WELL, capabilities=("PIPELINING", "8BITMIME", *more), reply_seconds=0.05)
    async with town(office, {"a.example": slow}, manners=replace(FREE, connections=1)) as here:
        here.register(["good-1@a.example", "good-2@a.example", "unknown-1@a.example"])
        async with here.dispatching():
            first = here.send()
            await until(lambda: settled(here, first))
            await asyncio.sleep(0.3)
            second = here.send()
            await until(lambda: settled(here, second), 3)


async def test_a_flush_wakes_a_resting_receiver(office: Office) -> None:
    async with town(office, {"a.example": replace(WELL, greeting=Greeting.THROTTLE)}) as here:
        here.register(addresses(3, "a.example"))
        sent = here.send(urgent=False)
        async with here.dispatching(), asyncio.timeout(8):
            await until(lambda: words(here, sent) == {"deferred": 3})
            await until(lambda: bool(site_memory.states(office.clock() - timedelta(hours=1))))
            here.receivers["a.example"].desk.mood = WELL
            queue.flush(office, Selection(announcement_id=sent), "test")
            await until(lambda: settled(here, sent))
        assert words(here, sent) == {"accepted": 3}
    (state,) = site_memory.states(office.clock() - timedelta(hours=1))
    assert state.reason.startswith("refused: 421 4.")  # what the receiver said is told, too


async def test_a_flush_asks_the_dns_anew_for_what_did_not_work(office: Office) -> None:
    async with town(office, {"new.example": WELL}) as here:
        here.dns.answers.put("old.moved.example", Records(a=("127.0.60.99",)))
        here.dns.answers.put("moved.example", Records(mx=((10, "old.moved.example"),)))
        here.register(addresses(3, "moved.example"))
        sent = here.send(urgent=False)
        async with here.dispatching(), asyncio.timeout(8):
            await until(lambda: words(here, sent) == {"deferred": 3})
            here.dns.answers.put("moved.example", Records(mx=((10, "mx.new.example"),)))
            queue.flush(office, Selection(domains=frozenset({"moved.example"})), "test")
            await until(lambda: words(here, sent) == {"accepted": 3})


async def test_a_flush_looks_anew_for_a_policy_that_could_not_be_had(office: Office) -> None:
    async with town(office, {"a.example": WELL}) as here, here.dispatching() as dispatcher:
        sts, means = Mock(spec=Sts), dispatcher._means
        dispatcher._means = replace(means, routing=replace(means.routing, sts=sts))
        dispatcher._hurry(["a.example"])
        sts.forget.assert_called_once_with("a.example")
        dispatcher._means = means


async def test_a_flush_wakes_no_receiver_that_it_does_not_name(office: Office) -> None:
    shut = replace(WELL, greeting=Greeting.THROTTLE)
    async with town(office, {"a.example": shut, "b.example": shut}) as here:
        here.register(addresses(6, "a.example", "b.example"))
        sent = here.send(urgent=False)
        async with here.dispatching() as dispatcher, asyncio.timeout(8):
            await until(lambda: words(here, sent) == {"deferred": 6})
            for receiver in here.receivers.values():
                receiver.desk.mood = WELL
            queue.flush(office, Selection(domains=frozenset({"a.example"})), "test")
            await until(lambda: words(here, sent) == {"accepted": 3, "deferred": 3})
            door = {name: next(iter(site.doors.values())) for name, site in dispatcher._ways.sites.items()}
            assert not door["mx.a.example"].has_failed
            assert door["mx.b.example"].has_failed


async def test_without_the_rsa_key_mail_waits_and_says_so_and_goes_when_the_key_is_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(selector: str) -> bytes:
        if selector == "rsa":
            raise CredentialError([])
        return there(selector)

    async with town(office, {"a.example": WELL}) as here:
        there = towns._pem
        monkeypatch.setattr(towns, "_pem", read)
        here.register(addresses(3, "a.example"))
        sent = here.send(urgent=False)
        async with here.dispatching():
            await until(lambda: words(here, sent) == {"deferred": 3})
        (why,) = {item.evidence for item in queue.list_(Selection())}
        assert (why.stage, why.reason) == ("compose", "not_made")
        assert "no private key rsa" in why.text
        (told,) = (one for one in alarm.list_() if one.kind is Kind.NOT_MADE)
        assert (told.subject, told.count, told.words) == (sent, 3, why.text)
        assert here.received() == []
        urgent = here.send()  # children's safety does not wait for a key
        await here.run_until(lambda: settled(here, urgent))
        assert words(here, urgent) == {"accepted": 3}
        monkeypatch.setattr(towns, "_pem", there)
        queue.flush(office, Selection(announcement_id=sent), "test")
        await here.run_until(lambda: settled(here, sent))
        assert words(here, sent) == {"accepted": 3}
