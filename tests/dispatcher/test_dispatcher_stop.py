"""Does what a person stops stay here, although this process has claimed it already?"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from mailer.carrier.group import Manners
from mailer.clock import system_clock
from mailer.net.routes import Route
from mailer.net.transport import Owner, Session
from mailer.rehearsal.moods import Mood
from mailer.schedule.queued import Selection
from mailer.service import broadcast, queue, stops
from mailer.service.office import Office
from mailer.service.stops import Part
from mailer.store.database import select
from tests.dispatcher.town import Town, town, until

CONNECTIONS = 8
#: A session has one mail with the receiver, and the next one rides behind it.
UNDER_WAY = 2 * CONNECTIONS
SLOW = Mood(reply_seconds=0.15)
MANNERS = Manners(CONNECTIONS, 100, None, None, 300)
RECIPIENTS = 100
DOMAINS = ("a.example", "b.example", "c.example")

Deed = Callable[[Office, str], object]
DEEDS: list[tuple[str, Deed, str]] = [
    ("cancel", lambda office, name: broadcast.cancel(office, name, "test"), "cancelled"),
    ("hold", lambda office, name: queue.hold(office, Selection(announcement_id=name), "test"), "held"),
    ("remove", lambda office, name: queue.remove(office, Selection(announcement_id=name), "test"), "cancelled"),
    ("suspend school", lambda office, name: stops.suspend(office, Part(school="t-daiichi"), "test"), "waiting"),
    ("suspend broadcast", lambda office, name: stops.suspend(office, Part(announcement_id=name), "test"), "waiting"),
]
every_deed = pytest.mark.parametrize(("deed", "state"), [pytest.param(*one, id=name) for name, *one in DEEDS])


@pytest.fixture
def office(office: Office) -> Office:
    """The common office on the real clock: here things really happen."""
    return replace(office, clock=system_clock)


def register(here: Town, *domains: str) -> None:
    here.register([f"guardian{n}@{domain}" for domain in domains for n in range(RECIPIENTS)])


def states() -> dict[str, int]:
    return dict(select("SELECT state, COUNT(*) FROM queue_item GROUP BY state"))


@every_deed
async def test_what_waits_for_a_session_does_not_leave_any_more(office: Office, deed: Deed, state: str) -> None:
    async with town(office, {"a.example": SLOW}, manners=MANNERS) as here:
        register(here, "a.example")
        async with here.dispatching():
            sent = here.send(urgent=False)
            await until(lambda: bool(here.received()) and states()["sending"] > 2 * UNDER_WAY)
            deed(office, sent)
            before = len(here.received())
            await until(lambda: "sending" not in states())
        assert len(here.received()) <= before + UNDER_WAY + CONNECTIONS
        assert states() == {"accepted": len(here.received()), state: RECIPIENTS - len(here.received())}


@every_deed
async def test_what_waits_for_a_greeting_is_given_back(office: Office, deed: Deed, state: str) -> None:
    async with town(office, {"a.example": Mood()}, manners=MANNERS) as here:
        register(here, "a.example")
        async with here.dispatching() as dispatcher:
            real, greeted = dispatcher._means.dialler.dial, asyncio.Event()

            async def dial(route: Route, owner: Owner) -> Session:
                await greeted.wait()
                return await real(route, owner)

            dispatcher.dial = dial  # type: ignore[method-assign]  # a receiver that greets late
            sent = here.send(urgent=False)
            await until(lambda: any(site.connections for site in dispatcher._ways.sites.values()))
            deed(office, sent)
            try:
                await until(lambda: states() == {state: RECIPIENTS}, 3.0)
            finally:
                greeted.set()
        assert here.received() == []


@every_deed
async def test_what_is_not_written_yet_is_given_back(
    office: Office, monkeypatch: pytest.MonkeyPatch, deed: Deed, state: str
) -> None:
    async with town(office, {domain: Mood() for domain in DOMAINS}) as here:
        register(here, *DOMAINS)
        async with here.dispatching() as dispatcher:
            real, ready = dispatcher._signing._signatory.sign, asyncio.Event()

            async def sign(selectors: Sequence[str], digests: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
                await ready.wait()
                return await real(selectors, digests)

            monkeypatch.setattr(dispatcher._signing._signatory, "sign", sign)
            sent = here.send(urgent=False)
            await until(lambda: len(dispatcher._signing._waiting) > 0)
            deed(office, sent)
            try:
                await until(lambda: len(dispatcher._signing._waiting) == 0, 3.0)
            finally:
                ready.set()
            await until(lambda: states() == {state: len(DOMAINS) * RECIPIENTS}, 3.0)
        assert here.received() == []


async def test_mail_to_others_goes_on(office: Office) -> None:
    async with town(office, {"a.example": SLOW, "b.example": Mood()}, manners=MANNERS) as here:
        register(here, "a.example", "b.example")
        async with here.dispatching():
            here.send(urgent=False)
            await until(lambda: len(here.ledger("a.example").received) > 0)
            stops.suspend(office, Part(domain="a.example"), "test")
            before = len(here.ledger("a.example").received)
            await until(lambda: len(here.ledger("b.example").received) == RECIPIENTS)
        assert len(here.ledger("a.example").received) <= before + UNDER_WAY + CONNECTIONS


async def test_what_was_suspended_in_hand_leaves_once_it_is_resumed(office: Office) -> None:
    async with town(office, {"a.example": SLOW}, manners=MANNERS) as here:
        register(here, "a.example")
        async with here.dispatching():
            sent = here.send(urgent=False)
            await until(lambda: len(here.received()) > 0)
            part = Part(announcement_id=sent)
            stops.suspend(office, part, "test")
            await until(lambda: "sending" not in states())
            assert len(here.received()) < RECIPIENTS
            stops.resume(office, part, "test")
            await until(lambda: states() == {"accepted": RECIPIENTS})
        assert len(here.received()) == len(set(here.received()))
