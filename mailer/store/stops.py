"""Which stops of the queue stand, and how does one begin and end?

What a stop of a school or broadcast keeps is put aside: it is due in a time that never comes, so that a hundred
thousand items cost nothing while the stop stands. That is done when the stop begins, and to what is due later by the
dispatcher when it meets it. When any stop ends, all that was put aside is due again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from peewee import fn

from mailer.schedule.item import ItemState
from mailer.schedule.queued import Selection
from mailer.schedule.stop import ASIDE, Part, Placed, Stop, Stops
from mailer.store.database import change, executemany, rows, select
from mailer.store.domains import sites
from mailer.store.items import chosen
from mailer.store.models import Announcement, QueueItem, instant
from mailer.store.stop_models import QueueStop

PUT_ASIDE = "UPDATE queue_item SET next_attempt_at = ? WHERE id = ? AND state = 'waiting'"
PUT_ALL_ASIDE = """
UPDATE queue_item SET next_attempt_at = ?
WHERE state = 'waiting' AND next_attempt_at <= ? AND ? IN ('', school) AND ? IN ('', announcement_id)
"""
TAKE_UP = "UPDATE queue_item SET next_attempt_at = ? WHERE state IN ('waiting', 'held') AND next_attempt_at >= ?"
STANDS = "SELECT EXISTS (SELECT 1 FROM queue_stop)"
WAITING = """
SELECT domain, school, announcement_id, COUNT(*) FROM queue_item
WHERE state = 'waiting' AND ? IN ('', announcement_id) AND NOT (? AND canary) GROUP BY 1, 2, 3
"""
UNDER_WAY = """
SELECT domain, school, announcement_id, COUNT(*) FROM queue_item WHERE claimed_by IS NOT NULL GROUP BY 1, 2, 3
"""
SHIFT = "UPDATE queue_stop SET until = until + ?"
NONE = Stops((), {})


def standing() -> Stops:
    """Return the stops that stand; asked at every claim, so that it costs next to nothing while there is none."""
    if not next(rows(STANDS))[0]:
        return NONE
    return Stops([_stop(row) for row in QueueStop.select().order_by(QueueStop.id)], sites())


def begin(stop: Stop) -> Stop:
    """Write a stop and return it with its number; another one of the same part ends by it."""
    end([one for one in standing() if one.part == stop.part])
    part = stop.part
    if not part.names_receiver:
        change(PUT_ALL_ASIDE, (instant(ASIDE), instant(stop.since), part.school, part.announcement_id))
    number = QueueStop.insert(
        carrier=part.carrier,
        domains=" ".join(sorted(part.of_carrier)),
        site=part.site,
        domain=part.domain,
        school=part.school,
        announcement=part.announcement_id,
        since=stop.since,
        actor=stop.actor,
        why=stop.why,
        until=stop.until,
    ).execute()
    return replace(stop, id=number)


def end(stops: Sequence[Stop]) -> None:
    """Write that these stops stand no longer."""
    QueueStop.delete().where(QueueStop.id.in_([stop.id for stop in stops])).execute()


def put_aside(numbers: Sequence[int]) -> None:
    """Let waiting items be due in a time that never comes."""
    executemany(PUT_ASIDE, [(instant(ASIDE), number) for number in numbers])


def take_up(now: datetime) -> int:
    """Let everything that was put aside be due; return how many items."""
    return change(TAKE_UP, (instant(now), instant(ASIDE)))


def waiting(announcement_id: str = "", *, recipients: bool = False) -> list[tuple[Placed, int]]:
    """Return how many items wait, of one announcement if it is named, by their domain, school and announcement.

    With `recipients` without the canaries.
    """
    return [(_Group(*group), count) for *group, count in select(WAITING, (announcement_id, recipients))]


def waiting_now(selection: Selection, now: datetime) -> list[tuple[Placed, int]]:
    """Return how many of the selected items wait whose hour has come, by their domain, school and announcement."""
    begun = Announcement.select(Announcement.id).where(Announcement.not_before <= now)
    which = chosen(selection) & (QueueItem.state == ItemState.WAITING.value) & QueueItem.announcement.in_(begun)
    by = (QueueItem.domain, QueueItem.school, QueueItem.announcement)
    groups = QueueItem.select(*by, fn.COUNT(QueueItem.id)).where(which).group_by(*by)
    found = cast("Iterable[tuple[str, str, str, int]]", groups.tuples())
    return [(_Group(*group), count) for *group, count in found]


def under_way() -> list[tuple[Placed, int]]:
    """Return how many items are being sent, by their domain, school and announcement."""
    return [(_Group(*group), count) for *group, count in select(UNDER_WAY)]


def set_clock(by: timedelta) -> None:
    """Set the ends of stops with a clock that was set."""
    change(SHIFT, (round(by.total_seconds() * 1000),))


class _Group:
    """What some items have in common."""

    def __init__(self, domain: str, school: str, announcement_id: str) -> None:
        self.domain = domain
        self.school = school
        self.announcement_id = announcement_id


def _stop(row: QueueStop) -> Stop:
    part = Part(row.carrier, row.site, row.domain, row.school, row.announcement, frozenset(row.domains.split()))
    return Stop(row.id, part, row.since, row.actor, row.why, row.until)
