"""How are queue items stopped, released, hurried and taken out by a person?

What is under way cannot be stopped: it keeps the reason as its `intent`, which takes effect if the attempt does
not settle the item. Nothing is ever deleted here, so the accounting of an announcement stays whole.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from peewee import Case, Expression

from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState
from mailer.schedule.queued import Selection
from mailer.schedule.transition import HELD_BY_OPERATOR
from mailer.store import acceptance, flushes, items
from mailer.store.database import change
from mailer.store.items import chosen
from mailer.store.models import Announcement, QueueItem, instant
from mailer.store.stop_models import TimedHold

WAITING, SENDING, HELD = ItemState.WAITING.value, ItemState.SENDING.value, ItemState.HELD.value
SHIFT = "UPDATE timed_hold SET until = until + ?"


def flush(selection: Selection, now: datetime) -> int:
    """Make the selected waiting items due now, but those of announcements whose hour has not come; return how many.

    The receivers that are meant rest no longer.
    """
    begun = Announcement.select(Announcement.id).where(Announcement.not_before <= now)
    which = chosen(selection) & QueueItem.announcement.in_(begun)
    flushes.note(_receiving(selection, which))
    return int(QueueItem.update(next_attempt_at=now).where(which & (QueueItem.state == WAITING)).execute())


def hold(selection: Selection, now: datetime, until: datetime | None = None) -> int:
    """Hold the selected waiting items until they are released, or until then; return how many, those under way too.

    Of those that were held by an operator before, too, the end becomes this one.
    """
    which = chosen(selection) & (QueueItem.state == WAITING)
    stopped = QueueItem.update(state=HELD, reason=HELD_BY_OPERATOR, settled_at=now).where(which).execute()
    count = int(stopped) + _intend(chosen(selection), [""], HELD_BY_OPERATOR)
    _forget_end(selection)
    if until is not None:
        held = QueueItem.select(QueueItem.id, instant(until)).where(chosen(selection) & _is_held_by_operator())
        TimedHold.insert_from(held, [TimedHold.item, TimedHold.until]).execute()
    return count


def release(selection: Selection, now: datetime) -> int:
    """Let the selected held items wait again; return how many. They are due now, or at their hour if never tried.

    What is held because its arrival is unknown goes out once more only where it is named by its number.
    """
    _forget_end(selection)
    these = chosen(selection)
    return _release(these if selection.numbers else these & _is_held_by_operator(), now)


def release_over(now: datetime) -> int:
    """Let the items wait again whose hold was to end by `now`; return how many."""
    over = TimedHold.until <= now
    freed = _release(QueueItem.id.in_(TimedHold.select(TimedHold.item).where(over)) & _is_held_by_operator(), now)
    TimedHold.delete().where(over).execute()
    return freed


def held_until(item_id: int) -> datetime | None:
    """Return when an item is released by itself, or None."""
    return next((row.until for row in TimedHold.select().where(TimedHold.item == item_id)), None)


def held_urgent(selection: Selection) -> int:
    """Return how many of the selected items are safety mail that an operator holds."""
    urgent = chosen(selection) & _is_held_by_operator() & (QueueItem.lane == Lane.SAFETY)
    return int(QueueItem.select().where(urgent).count())


def held_longest(selection: Selection) -> datetime | None:
    """Return when the last of the selected items is released by itself, or None."""
    which = QueueItem.select(QueueItem.id).where(chosen(selection))
    timed = TimedHold.select().where(TimedHold.item.in_(which)).order_by(TimedHold.until.desc()).limit(1)
    return next((row.until for row in timed), None)


def set_clock(by: timedelta) -> None:
    """Set the ends of holds with a clock that was set."""
    change(SHIFT, (round(by.total_seconds() * 1000),))


def cancel(selection: Selection, reason: str, now: datetime) -> int:
    """Give up the selected waiting and held items; return how many, those under way included.

    Raises ValueError for a selection that means the whole queue: nobody has that in mind.
    """
    if not selection.names_something:
        raise ValueError("what is to be cancelled must be named; this would be the whole queue")
    ended = acceptance.call_off(chosen(selection) & QueueItem.state.in_([WAITING, HELD]), reason, now)
    return ended + _intend(chosen(selection), ["", HELD_BY_OPERATOR], reason)


def under_way(selection: Selection) -> int:
    """Return how many of the selected items somebody wants stopped while their attempt is under way."""
    stopping = QueueItem.claimed_by.is_null(False) & (QueueItem.intent != "")
    return int(QueueItem.select().where(chosen(selection) & stopping).count())


def _receiving(selection: Selection, which: Expression) -> Iterable[str]:
    """Return the domains that are meant: those named, or all; where items are named, theirs that may be sent yet."""
    if selection == Selection(domains=selection.domains):
        return selection.domains or items.domains()
    yet = which & QueueItem.state.in_([WAITING, SENDING])
    return [row.domain for row in QueueItem.select(QueueItem.domain).where(yet).distinct()]


def _release(these: Expression, now: datetime) -> int:
    due = Case(None, [(QueueItem.attempts == 0, QueueItem.next_attempt_at)], instant(now))
    freed = QueueItem.update(state=WAITING, reason="", settled_at=None, next_attempt_at=due)
    return int(freed.where(these & (QueueItem.state == HELD)).execute()) + _intend(these, [HELD_BY_OPERATOR], "")


def _intend(these: Expression, present: list[str], intent: str) -> int:
    which = these & (QueueItem.state == SENDING) & QueueItem.intent.in_(present)
    return int(QueueItem.update(intent=intent).where(which).execute())


def _is_held_by_operator() -> Expression:
    """Held now, or as soon as the attempt under way has ended."""
    now = (QueueItem.state == HELD) & (QueueItem.reason == HELD_BY_OPERATOR)
    return now | ((QueueItem.state == SENDING) & (QueueItem.intent == HELD_BY_OPERATOR))


def _forget_end(selection: Selection) -> None:
    TimedHold.delete().where(TimedHold.item.in_(QueueItem.select(QueueItem.id).where(chosen(selection)))).execute()
