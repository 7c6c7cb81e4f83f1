"""What stands in the queue, and what was tried? Reading only."""

import re
from collections.abc import Iterable, Iterator
from functools import reduce
from operator import and_

from peewee import Expression

from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Verdict
from mailer.schedule.queued import QueuedItem, Selection, Tried
from mailer.schedule.transition import UNKNOWN_ARRIVAL
from mailer.store import sessions
from mailer.store.database import select, select_each
from mailer.store.models import Attempt, QueueItem

#: The words of the index make SQLite use it where no announcement is named.
IN_DOUBT = (
    "SELECT EXISTS (SELECT 1 FROM queue_item WHERE state IN ('waiting', 'held') AND state = 'held' AND reason = ?)"
)
IN_DOUBT_OF = "SELECT EXISTS (SELECT 1 FROM queue_item WHERE announcement_id = ? AND state = 'held' AND reason = ?)"
#: A session that an attempt went through before its last one, as its transcript names it.
EARLIER = re.compile(r"^@([0-9]+)", re.MULTILINE)


def chosen(selection: Selection) -> Expression:
    """Return the selection as a condition on queue items."""
    criteria = [QueueItem.id.is_null(False)]
    if selection.numbers:
        criteria.append(QueueItem.id.in_(selection.numbers))
    if selection.announcement_id:
        criteria.append(QueueItem.announcement == selection.announcement_id)
    if selection.school:
        criteria.append(QueueItem.school == selection.school)
    if selection.domains:
        criteria.append(QueueItem.domain.in_(sorted(selection.domains)))
    if selection.address_key:
        criteria.append(QueueItem.address_key == selection.address_key)
    if selection.states:
        criteria.append(QueueItem.state.in_([state.value for state in sorted(selection.states)]))
    either = [(QueueItem.canary, selection.canaries), (QueueItem.attempts > 0, selection.tried)]
    criteria += [field == wanted for field, wanted in either if wanted is not None]
    return reduce(and_, criteria)


def find(selection: Selection, limit: int | None = None) -> Iterator[QueuedItem]:
    """Return the selected items, oldest first."""
    rows = QueueItem.select().where(chosen(selection)).order_by(QueueItem.id).limit(limit)
    return (_item(row) for row in rows.iterator())


def domains() -> list[str]:
    """Return the receiving domains of all items."""
    return [domain for (domain,) in select("SELECT DISTINCT domain FROM queue_item")]


def announcements_open() -> list[str]:
    """Return the announcements of which something stands in the queue."""
    words = "SELECT DISTINCT announcement_id FROM queue_item WHERE state IN ('waiting', 'sending', 'held')"
    return [announcement for (announcement,) in select(words)]


def attempts(item_id: int) -> list[Tried]:
    """Return what was tried for an item, first attempt first."""
    rows = list(Attempt.select().where(Attempt.item == item_id).order_by(Attempt.number))
    named = [[int(number) for number in EARLIER.findall(row.transcript)] for row in rows]
    known = sessions.get({row.session_id for row in rows if row.session_id is not None}.union(*named))
    return [
        Tried(
            number=row.number,
            started_at=row.started_at,
            ended_at=row.ended_at,
            verdict=Verdict(row.verdict) if row.verdict else None,
            evidence=_evidence(row),
            session=None if row.session_id is None else known.get(row.session_id),
            transcript=row.transcript,
            earlier=tuple(known[number] for number in numbers if number in known),
        )
        for row, numbers in zip(rows, named, strict=True)
    ]


def any_in_doubt(announcement_id: str) -> bool:
    """Tell whether something of an announcement, or of any if it is empty, is held because its arrival is unknown."""
    if announcement_id:
        return bool(select(IN_DOUBT_OF, (announcement_id, UNKNOWN_ARRIVAL))[0][0])
    return bool(select(IN_DOUBT, (UNKNOWN_ARRIVAL,))[0][0])


def domains_of(item_ids: Iterable[int]) -> dict[int, str]:
    """Return the receiving domain of each of these items."""
    return dict(select_each("SELECT id, domain FROM queue_item WHERE id = ?", [(number,) for number in item_ids]))


def announcements_of(item_ids: Iterable[int]) -> dict[int, str]:
    """Return the announcement of each of these items."""
    one = "SELECT id, announcement_id FROM queue_item WHERE id = ?"
    return dict(select_each(one, [(number,) for number in item_ids]))


def _item(row: QueueItem) -> QueuedItem:
    return QueuedItem(
        id=row.id,
        announcement_id=row.announcement_id,
        school=row.school,
        address=row.address,
        domain=row.domain,
        lane=Lane(row.lane),
        state=ItemState(row.state),
        attempts=row.attempts,
        possible_duplicate=bool(row.possible_duplicate),
        next_attempt_at=row.next_attempt_at,
        expires_at=row.expires_at,
        settled_at=row.settled_at,
        evidence=_evidence(row),
        replied_at=row.replied_at,
        canary=bool(row.canary),
        stopping=row.intent if row.state == ItemState.SENDING.value else "",
    )


def _evidence(row: QueueItem | Attempt) -> Evidence:
    return Evidence(
        row.stage, row.host, code=row.code, enhanced=row.enhanced, text=row.reply, tls=row.tls, reason=row.reason
    )
