"""How are queue items stopped, released, hurried and taken out by a person?

What is under way cannot be stopped: it keeps the reason as its `intent`, which takes effect if the attempt does
not settle the item. Nothing is ever deleted here, so the accounting of an announcement stays whole.
"""

from datetime import datetime

from peewee import Case

from mailer.schedule.item import ItemState
from mailer.schedule.queued import Selection
from mailer.schedule.transition import HELD_BY_OPERATOR
from mailer.store.database import select
from mailer.store.items import chosen
from mailer.store.models import Announcement, Counter, QueueItem, instant

WAITING, SENDING, HELD = ItemState.WAITING.value, ItemState.SENDING.value, ItemState.HELD.value
CANCELLED = ItemState.CANCELLED.value
FLUSHES = "flush"


def flush(selection: Selection, now: datetime) -> int:
    """Make the selected waiting items due now, but those of announcements whose hour has not come; return how many."""
    begun = Announcement.select(Announcement.id).where(Announcement.not_before <= now)
    which = chosen(selection) & (QueueItem.state == WAITING) & QueueItem.announcement.in_(begun)
    Counter.insert(name=FLUSHES, last=1).on_conflict(
        conflict_target=[Counter.name], update={Counter.last: Counter.last + 1}
    ).execute()
    return int(QueueItem.update(next_attempt_at=now).where(which).execute())


def flushes() -> int:
    """Return how often somebody flushed: the mailer sees by it that resting receivers are to be tried now."""
    return sum(last for (last,) in select("SELECT last FROM counter WHERE name = ?", (FLUSHES,)))


def hold(selection: Selection, now: datetime) -> int:
    """Hold the selected waiting items until they are released; return how many, those under way included."""
    which = chosen(selection) & (QueueItem.state == WAITING)
    stopped = QueueItem.update(state=HELD, reason=HELD_BY_OPERATOR, settled_at=now).where(which).execute()
    return int(stopped) + _intend(selection, [""], HELD_BY_OPERATOR)


def release(selection: Selection, now: datetime) -> int:
    """Let the selected held items wait again; return how many. They are due now, or at their hour if never tried."""
    which = chosen(selection) & (QueueItem.state == HELD)
    due = Case(None, [(QueueItem.attempts == 0, QueueItem.next_attempt_at)], instant(now))
    freed = QueueItem.update(state=WAITING, reason="", settled_at=None, next_attempt_at=due).where(which).execute()
    return int(freed) + _intend(selection, [HELD_BY_OPERATOR], "")


def cancel(selection: Selection, reason: str, now: datetime) -> int:
    """Give up the selected waiting and held items; return how many, those under way included."""
    which = chosen(selection) & QueueItem.state.in_([WAITING, HELD])
    ended = QueueItem.update(state=CANCELLED, reason=reason, settled_at=now).where(which).execute()
    return int(ended) + _intend(selection, ["", HELD_BY_OPERATOR], reason)


def _intend(selection: Selection, present: list[str], intent: str) -> int:
    which = chosen(selection) & (QueueItem.state == SENDING) & QueueItem.intent.in_(present)
    return int(QueueItem.update(intent=intent).where(which).execute())
