"""Do several workers on one queue send each mail once, and keep a receiver's limits together?"""

import asyncio
import re
from dataclasses import replace

import pytest

from mailer.carrier.group import Carrier, Carriers, Manners
from mailer.carrier.reason import Reason
from mailer.carrier.rule import Rule
from mailer.clock import system_clock
from mailer.rehearsal.moods import Mood
from mailer.schedule.queued import Selection
from mailer.schedule.site import SiteState
from mailer.service import broadcast, dispatch, lease, queue
from mailer.service.office import Office
from mailer.store.database import transaction
from tests.dispatcher.town import Town, town, until

WELL = Mood()


@pytest.fixture
def office(office: Office) -> Office:
    """The common office on the real clock: here things really happen."""
    return replace(office, clock=system_clock)


def accepted(here: Town, announcement: str) -> int:
    return int(here.show(announcement)["accepted"])


async def test_together_they_open_no_more_connections_than_a_site_likes(office: Office) -> None:
    async with town(office, {"a.example": WELL}, manners=Manners(5, 100, None, None, 300)) as here:
        here.register([f"guardian{n}@a.example" for n in range(300)])
        sent = here.send()
        async with here.dispatching("w1", 2), here.dispatching("w2", 2), asyncio.timeout(30):
            await until(lambda: accepted(here, sent) == 300)
        assert here.ledger("a.example").counters.most_connections <= 5
        assert len(here.received()) == len(set(here.received())) == 300
        assert broadcast.verify(office, sent) == []


async def test_together_they_keep_the_pace(office: Office) -> None:
    async with town(office, {"a.example": WELL}, manners=Manners(4, 100, 20.0, 20.0, 300)) as here:
        here.register([f"guardian{n}@a.example" for n in range(60)])
        sent = here.send()
        async with here.dispatching("w1", 2), here.dispatching("w2", 2), asyncio.timeout(30):
            await until(lambda: accepted(here, sent) == 60)
        times = sorted(mail.at for mail in here.ledger("a.example").received)
        assert times[-1] - times[0] >= (60 - 20) / 20.0 * 0.9


async def test_what_one_worker_learns_the_other_heeds_and_the_next_start_too(office: Office) -> None:
    async with town(office, {"a.example": WELL}) as here:
        here.register(["guardian@a.example"])
        with transaction():
            state = SiteState("mx.a.example", 2, 7, None, "421", system_clock())
            lease.remember(office, state)
        sent = here.send()
        async with here.dispatching("w1", 2) as dispatcher, asyncio.timeout(20):
            await until(lambda: accepted(here, sent) == 1)
            (site,) = dispatcher._ways.sites.values()
            assert (site.limits.connections, site.limits.messages_per_session) == (1, 7)
            with transaction():
                lease.remember(office, replace(state, connections=10, since=system_clock()))
            await until(lambda: site.limits.connections == 5)


async def test_a_site_that_blocks_us_is_left_alone_until_an_operator_says_otherwise(office: Office) -> None:
    async with town(office, {"a.example": WELL}) as here:
        here.register([f"guardian{n}@a.example" for n in range(4)])
        now = system_clock()
        with transaction():
            until_later = now.replace(year=now.year + 1)
            lease.remember(office, SiteState("mx.a.example", 20, 100, until_later, "blocked", now))
        sent = here.send(urgent=False)
        async with here.dispatching() as dispatcher, asyncio.timeout(20):
            await until(lambda: bool(dispatcher._ways.sites))
            await asyncio.sleep(0.5)
            assert accepted(here, sent) == 0
            queue.flush(office, Selection(announcement_id=sent), "test")
            await until(lambda: accepted(here, sent) == 4)


async def test_a_flush_of_one_receiver_leaves_another_that_blocks_us_alone(office: Office) -> None:
    names = ["a.example", "b.example"]
    async with town(office, dict.fromkeys(names, WELL)) as here:
        here.register([f"guardian{n}@{name}" for n in range(4) for name in names])
        now = system_clock()
        rest = now.replace(year=now.year + 1)
        with transaction():
            for name in names:
                lease.remember(office, SiteState(f"mx.{name}", 20, 100, rest, "blocked", now))
        sent = here.send(urgent=False)
        async with here.dispatching("w1", 2) as one, here.dispatching("w2", 2) as two, asyncio.timeout(20):
            await until(lambda: len(dispatch.sites()) == len(one._ways.sites) == len(two._ways.sites) == 2)
            queue.flush(office, Selection(domains=frozenset({"a.example"})), "test")
            await until(lambda: accepted(here, sent) == 4)
            later = asyncio.get_running_loop().time()
            rests = {
                site.name: site.limits.lesson(later).rest > 0 for at in (one, two) for site in at._ways.sites.values()
            }
            assert rests == {"mx.a.example": False, "mx.b.example": True}
        assert len(here.ledger("b.example").received) == 0
        assert {state.site: state.paused_until is None for state in lease.board(office, "w1", 0.0).states} == {
            "mx.a.example": True,
            "mx.b.example": False,
        }


async def test_a_receiver_that_takes_only_one_workers_connections_is_left_to_that_one(office: Office) -> None:
    manners = Manners(6, 100, None, None, 300)
    throttled = Rule(Reason.RATE_LIMITED, "soft", "defer", "test", code=re.compile("421"), pause=True)
    carrier = Carrier("a", "a", frozenset({"a.example"}), (), manners, (throttled,))
    busy = replace(WELL, connections=2, round_trip_seconds=0.02)
    async with town(office, {"a.example": busy}, groups=Carriers((carrier,), (), manners)) as here:
        here.register([f"guardian{n}@a.example" for n in range(300)])
        sent = here.send()
        async with here.dispatching("w1", 2), here.dispatching("w2", 2), asyncio.timeout(40):
            await until(lambda: accepted(here, sent) == 300, 40)
        assert [state.paused_until for state in lease.board(office, "w1", 0.0).states] in ([], [None])
        assert broadcast.verify(office, sent) == []


async def test_a_domain_is_remembered_by_where_its_mail_goes(office: Office) -> None:
    async with town(office, {"a.example": WELL}) as here:
        here.register(["guardian@a.example"])
        sent = here.send()
        await here.run_until(lambda: accepted(here, sent) == 1)
        assert dispatch.sites() == {"a.example": "mx.a.example"}
