"""How does an item whose end has come get another life, and which one does not?

What was tried stays written, and so does every possible copy; the item only waits again, with a deadline of its own.
An item stays as it ended where its announcement was cancelled or is being forgotten, or its last household has left,
because nobody wants that mail any longer, and where a mail was accepted, unless that is what is asked for.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

from peewee import Case, Expression, fn

from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState
from mailer.schedule.queued import Selection
from mailer.schedule.transition import HELD_BY_OPERATOR, REMOVED_BY_OPERATOR
from mailer.store.items import chosen
from mailer.store.models import Announcement, Household, ItemSlot, QueueItem, instant
from mailer.store.retention_models import AnnouncementSums
from mailer.store.stop_models import TimedHold

NEVER_TAKEN = (ItemState.EXPIRED, ItemState.REFUSED, ItemState.HELD)
TAKEN = (ItemState.ACCEPTED, ItemState.RETURNED)


def requeue(selection: Selection, now: datetime, until: Mapping[Lane, datetime], *, again: bool) -> int:
    """Let the selected items wait again, due now, by lane until then; return how many.

    `again` means those that were accepted, too: each is marked as a possible duplicate.
    """
    these = chosen(selection) & _may(again)
    going_on = int(QueueItem.update(intent="").where(these & _is_to_stop()).execute())
    TimedHold.delete().where(TimedHold.item.in_(QueueItem.select(QueueItem.id).where(these))).execute()
    taken = Case(None, [(_in(TAKEN), 1)], 0)
    waiting = QueueItem.update(
        state=ItemState.WAITING.value,
        next_attempt_at=now,
        expires_at=Case(QueueItem.lane, [(int(lane), instant(end)) for lane, end in until.items()]),
        possible_copies=QueueItem.possible_copies + taken,
        possible_duplicate=Case(None, [(_in(TAKEN), True)], QueueItem.possible_duplicate),
        settled_at=None,
        reason="",
    )
    return going_on + int(waiting.where(these & (QueueItem.state != ItemState.SENDING.value)).execute())


def left_alone(selection: Selection, *, again: bool) -> dict[str, int]:
    """Return how many of the selected items `requeue` leaves as they are, by their state."""
    rows = QueueItem.select(QueueItem.state, fn.COUNT(QueueItem.id)).where(chosen(selection) & ~_may(again))
    grouped = rows.group_by(QueueItem.state).order_by(QueueItem.state)
    return dict(cast(Iterable[tuple[str, int]], grouped.tuples()))


def _may(again: bool) -> Expression:
    return (_not_taken() | _in(TAKEN) if again else _not_taken()) & _is_wanted()


def _not_taken() -> Expression:
    removed = (QueueItem.state == ItemState.CANCELLED.value) & (QueueItem.reason == REMOVED_BY_OPERATOR)
    return _in(NEVER_TAKEN) | removed | _is_to_stop()


def _is_to_stop() -> Expression:
    """An operator held or removed it while it was under way: it goes on if the attempt does not settle it."""
    stops = QueueItem.intent.in_([HELD_BY_OPERATOR, REMOVED_BY_OPERATOR])
    return (QueueItem.state == ItemState.SENDING.value) & stops


def _in(states: Iterable[ItemState]) -> Expression:
    return QueueItem.state.in_([state.value for state in states])


def _is_wanted() -> Expression:
    """Its announcement stands, and somebody it stands for is still registered."""
    standing = Announcement.select(Announcement.id).where(Announcement.cancelled_at.is_null())
    living = ItemSlot.select(ItemSlot.item).join(Household).where(Household.deregistered_at.is_null())
    forgotten = AnnouncementSums.select(AnnouncementSums.announcement)
    return (
        QueueItem.announcement.in_(standing)
        & QueueItem.announcement.not_in(forgotten)
        & fn.EXISTS(living.where(ItemSlot.item == QueueItem.id))
    )
