"""Does the status count what is open, and stay quick however long the history is?"""

from datetime import timedelta
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING

from mailer.domain.announcement import Kind
from mailer.domain.household import Entry
from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState
from mailer.service import dispatch, maintenance, roster
from mailer.service.announce import NewAnnouncement, announce, audience
from mailer.service.office import Office
from mailer.service.status import queue, status
from mailer.store import bounce_events, figures
from mailer.store.database import select, transaction
from mailer.store.models import QueueItem

if TYPE_CHECKING:
    from tests.conftest import FakeClock

NOTHING = {"waiting": 0, "deferred": 0, "sending": 0, "held": 0}


def register(office: Office, count: int) -> None:
    entries = [
        Entry("t-daiichi", "3", "1組", "山田 太郎", "", f"y{number}", {1: f"a{number}@x.jp", 3: "same@x.jp"}, True)
        for number in range(count)
    ]
    roster.import_entries(office, list(enumerate(entries, 2)), "test")


def broadcast(office: Office, lane: Lane) -> str:
    new = NewAnnouncement(Kind.BROADCAST, lane, ("t-daiichi",), "件名", "本文", False, "test", ())
    return announce(office, new, audience(office, ("t-daiichi",))).id


def test_an_empty_appliance(office: Office, tmp_path: Path) -> None:
    found = status(office)
    assert (found.schools, found.households, found.addresses) == (3, 0, 0)
    assert found.queue == {"safety": NOTHING, "ordinary": NOTHING, "notice": NOTHING}
    assert (found.last, found.window) == (None, None)
    assert (found.resting, found.for_a_person) == (0, 0)
    assert found.store == tmp_path / "mimamori.db"
    assert found.store_octets > 4096
    assert 0 < found.free_octets < disk_usage(tmp_path).total


def test_a_busy_one(office: Office, clock: "FakeClock") -> None:
    register(office, 6)
    roster.deregister(office, 6, "test")
    broadcast(office, Lane.ORDINARY)
    QueueItem.update(state=ItemState.ACCEPTED.value, attempts=1).where(QueueItem.id == 1).execute()
    QueueItem.update(state=ItemState.HELD.value, attempts=1).where(QueueItem.id == 2).execute()
    QueueItem.update(attempts=2).where(QueueItem.id == 3).execute()
    clock.advance(minutes=1)
    last = broadcast(office, Lane.SAFETY)
    with transaction():
        dispatch.claim(office, ["x.jp"], 2, "w1")
    window = maintenance.plan(office, clock.now, clock.now + timedelta(hours=1), (), None, "test").window
    found = status(office)
    assert (found.households, found.addresses) == (5, 6)
    assert found.queue == {
        "safety": {"waiting": 3, "deferred": 0, "sending": 2, "held": 0},
        "ordinary": {"waiting": 2, "deferred": 1, "sending": 0, "held": 1},
        "notice": NOTHING,
    }
    assert found.last is not None
    assert found.last.id == last
    assert found.window == window


def test_settled_items_are_not_looked_at(office: Office) -> None:
    plan = str(select("EXPLAIN QUERY PLAN " + figures.OPEN))
    assert "queue_item_expiry" in plan
    assert "queue_item_claimed" in plan
    count = bounce_events.COUNT.format(bounce_events.FOR_A_PERSON)
    assert "SCAN" not in str(select("EXPLAIN QUERY PLAN " + count, (0,)))
    assert queue()["notice"] == NOTHING
