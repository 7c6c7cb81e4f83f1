"""How do the mails to our canaries stand?

Canaries are queue items with a mark. They are written before the recipients of the same broadcast and are due a
millisecond before them, so that they leave first in their lane.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailer.domain.announcement import Announcement
from mailer.domain.canary import Canary
from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState
from mailer.store.database import change, executemany, select
from mailer.store.models import instant, moment

AHEAD = timedelta(milliseconds=1)

INSERT_ITEM = """
INSERT INTO queue_item (id, announcement_id, school, address, address_key, domain, lane, state, next_attempt_at,
    expires_at, attempts, intent, possible_copies, possible_duplicate, host, stage, code, enhanced, reply, tls, reason,
    canary)
VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?, 0, '', 0, 0, '', '', 0, '', '', '', '', 1)
"""
INSERT_CANARY = "INSERT INTO canary (item_id, margin, late, watched) VALUES (?, ?, 0, 1)"
COLUMNS = """
SELECT item.id, item.announcement_id, item.address, item.address_key, item.state, item.attempts, item.reason,
    item.expires_at - canary.margin, canary.late, announcement.not_before, item.replied_at, item.host, item.stage,
    item.code, item.reply, item.domain, item.school, item.lane
FROM canary JOIN queue_item AS item ON item.id = canary.item_id
JOIN announcement ON announcement.id = item.announcement_id
"""
WATCHED = COLUMNS + "WHERE canary.watched ORDER BY item.id"
OF = COLUMNS + "WHERE item.announcement_id = ? AND item.canary ORDER BY item.id"
NEWEST = COLUMNS + "WHERE item.address_key = ? AND item.canary ORDER BY canary.item_id DESC LIMIT 1"
MARK_LATE = "UPDATE canary SET late = 1 WHERE item_id = ?"
WAIT_FOR = """
UPDATE canary SET margin = (SELECT expires_at FROM queue_item WHERE id = item_id) - ? WHERE item_id = ?
"""
LEAVE = "UPDATE canary SET watched = 0 WHERE item_id = ?"
LOOK_AGAIN = "UPDATE canary SET watched = 1 WHERE item_id = ?"


@dataclass(frozen=True, slots=True)
class Ridden:
    """How a mail to a canary stands. It is late from `due_at` on, and `late` says that it was found so.

    `began_at` is the hour of its broadcast; from `replied_at` to `reply` stands what the far side said last.
    """

    item_id: int
    announcement_id: str
    address: str
    key: str
    state: ItemState
    attempts: int
    reason: str
    due_at: datetime
    late: bool
    began_at: datetime
    replied_at: datetime | None
    host: str
    stage: str
    code: int
    reply: str
    domain: str
    school: str
    lane: Lane

    @property
    def accepted_after(self) -> float | None:
        """How many seconds after the hour of its broadcast it was accepted, or None if it was not."""
        if self.state is not ItemState.ACCEPTED or self.replied_at is None:
            return None
        return round((self.replied_at - self.began_at).total_seconds(), 3)


def add(
    announcement: Announcement, numbers: Sequence[int], school: str, canaries: Sequence[Canary], late: timedelta
) -> None:
    """Write one queue item per canary, due before those of the recipients, and that it is watched."""
    terms = (instant(announcement.not_before - AHEAD), instant(announcement.expires_at))
    executemany(
        INSERT_ITEM,
        [
            (number, announcement.id, school, one.address, one.key, one.domain, int(announcement.lane), *terms)
            for number, one in zip(numbers, canaries, strict=True)
        ],
    )
    margin = terms[1] - instant(announcement.not_before + late)
    executemany(INSERT_CANARY, [(number, margin) for number in numbers])


def watched() -> list[Ridden]:
    """Return the canaries of which more is to be learned."""
    return [_ridden(row) for row in select(WATCHED)]


def of(announcement_id: str) -> list[Ridden]:
    """Return the canaries that rode in an announcement."""
    return [_ridden(row) for row in select(OF, (announcement_id,))]


def newest(key: str) -> Ridden | None:
    """Return the last ride of the canary with this address key, or None."""
    return next((_ridden(row) for row in select(NEWEST, (key,))), None)


def mark_late(item_id: int) -> None:
    """Write that a canary was found to be late."""
    change(MARK_LATE, (item_id,))


def wait_for(item_id: int, due_at: datetime) -> None:
    """Write that a canary counts as late from then on."""
    change(WAIT_FOR, (instant(due_at), item_id))


def leave(item_id: int) -> None:
    """Write that a canary needs no more watching."""
    change(LEAVE, (item_id,))


def look_again(item_id: int) -> None:
    """Watch a canary again, if the item is one: something new is known of it."""
    change(LOOK_AGAIN, (item_id,))


def _ridden(row: tuple[Any, ...]) -> Ridden:
    item, announcement, address, key, state, attempts, reason, due, late, began, replied, *rest, lane = row
    replied_at = None if replied is None else moment(replied)
    known = (ItemState(state), attempts, reason, moment(due), bool(late), moment(began), replied_at)
    said: tuple[Any, ...] = (*rest, Lane(lane))
    return Ridden(item, announcement, address, key, *known, *said)
