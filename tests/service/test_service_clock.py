"""Does the mailer's clock go on evenly, and does the queue follow when somebody sets the machine's?"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mailer import timers
from mailer.clock import SteadyClock
from mailer.schedule.item import ItemState
from mailer.schedule.queued import QueuedItem
from mailer.service import broadcast, queue
from mailer.service.office import Office
from mailer.store.writer import Writer
from tests.conftest import FakeClock, Register

JUMPS = [timedelta(hours=1), timedelta(hours=-3), timedelta(days=400), timedelta(days=-400)]


class Machine:
    """A machine whose clock can be set, and whose seconds go by."""

    def __init__(self, wall: FakeClock) -> None:
        self.wall = wall
        self.seconds = 100.0

    def pass_(self, seconds: float) -> None:
        """Let time go by."""
        self.seconds += seconds
        self.wall.advance(seconds=seconds)

    def steady(self) -> SteadyClock:
        """Return a clock on this machine."""
        return SteadyClock(self.wall, lambda: self.seconds)


@pytest.fixture
def machine(clock: FakeClock) -> Machine:
    """A machine with the office's clock."""
    return Machine(clock)


async def one_tick(office: Office, clock: SteadyClock) -> None:
    """Let the mailer look at the time once."""
    writer = Writer()
    await timers.tick(replace(office, clock=clock), writer, clock)
    await asyncio.to_thread(writer.close)


def send(office: Office, at: datetime | None = None) -> str:
    """Send an urgent broadcast."""
    asked = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, True, "tester", at, None)
    return broadcast.send(office, asked).id


def only_item(announcement: str) -> QueuedItem:
    """Return the one item of an announcement."""
    chosen = queue.Selection(announcement_id=announcement, states=frozenset(ItemState))
    (found,) = queue.list_(chosen)
    return found


def test_a_steady_clock_goes_on_when_the_machines_is_set(machine: Machine) -> None:
    steady, began = machine.steady(), machine.wall()
    machine.pass_(2)
    machine.wall.advance(days=400)
    assert steady() == began + timedelta(seconds=2)
    assert steady.set_by() == timedelta(days=400)
    steady.follow()
    machine.pass_(1)
    assert steady() == began + timedelta(days=400, seconds=3)
    assert steady.set_by() == timedelta(0)


@pytest.mark.parametrize("jump", JUMPS)
async def test_an_item_keeps_the_time_it_was_given(
    office: Office, machine: Machine, register: Register, jump: timedelta
) -> None:
    register("t-daiichi", "a@docomo.ne.jp")
    steady, sent = machine.steady(), send(office)
    before = only_item(sent)
    machine.wall.now += jump
    await one_tick(office, steady)
    after = only_item(sent)
    assert after.state is ItemState.WAITING
    assert after.expires_at - steady() == before.expires_at - (steady() - jump)
    assert after.next_attempt_at <= steady()


@pytest.mark.parametrize("jump", JUMPS)
async def test_what_is_announced_by_the_new_time_and_what_waits_for_an_hour_stay_as_they_are(
    office: Office, machine: Machine, register: Register, jump: timedelta
) -> None:
    register("t-daiichi", "a@docomo.ne.jp")
    steady = machine.steady()
    planned = send(office, at=machine.wall() + timedelta(days=500))
    machine.wall.now += jump
    new = send(office)
    before = [only_item(sent) for sent in (planned, new)]
    await one_tick(office, steady)
    assert [only_item(sent) for sent in (planned, new)] == before


async def test_the_small_corrections_of_a_clock_move_nothing(
    office: Office, machine: Machine, register: Register
) -> None:
    register("t-daiichi", "a@docomo.ne.jp")
    steady, sent = machine.steady(), send(office)
    before = only_item(sent)
    machine.wall.advance(seconds=4)
    await one_tick(office, steady)
    assert only_item(sent) == before
    assert steady() == machine.wall()
