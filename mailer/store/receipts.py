"""Who opened which receipt URL, and which households have confirmed?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from mailer.store.database import change, select
from mailer.store.models import database, instant, moment

#: The item of a token, or else the newest one, to do the same work with.
ITEM = """
SELECT item.token_hash IS ?1,
    item.id, item.announcement_id, item.school, announcement.subject, announcement.text, announcement.announced_at
FROM queue_item AS item JOIN announcement ON announcement.id = item.announcement_id
WHERE item.id = COALESCE((SELECT id FROM queue_item WHERE token_hash = ?1), (SELECT MAX(id) FROM queue_item))
"""
SCHOOLS = """
SELECT DISTINCT household.school FROM item_slot AS place JOIN household ON household.id = place.household_id
WHERE place.item_id = ?
"""
INSERT_VISIT = "INSERT INTO visit (item_id, at, method, peer, headers) VALUES (?, ?, ?, ?, ?) RETURNING id"
#: The first visit counts: a household that has confirmed already keeps its receipt as it is.
CONFIRM = """
INSERT INTO receipt (announcement_id, household_id, visit_id, slot, confirmed_at)
SELECT item.announcement_id, place.household_id, ?, MIN(place.slot), ?
FROM queue_item AS item JOIN item_slot AS place ON place.item_id = item.id
WHERE item.id = ? GROUP BY place.household_id
ON CONFLICT (announcement_id, household_id) DO NOTHING
"""
CONFIRMED_AT = """
SELECT MIN(receipt.confirmed_at) FROM item_slot AS place
JOIN receipt ON receipt.household_id = place.household_id AND receipt.announcement_id = ?
WHERE place.item_id = ?
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """The queue item that a receipt token belongs to, and the announcement it was a mail of.

    If `known` is false the token belongs to none, and this is some other item.
    """

    known: bool
    item_id: int
    announcement_id: str
    school: str
    subject: str
    text: str
    announced_at: datetime


@dataclass(frozen=True, slots=True)
class RawVisit:
    """A request as it is kept: the time, the method, the peer's address, and the headers as JSON."""

    at: datetime
    method: str
    peer: str
    headers: str


def opened(token_hash: bytes) -> Opened | None:
    """Return what the token of this digest opens, or else some other item; None if there is none at all."""
    for known, number, announcement, school, subject, text, at in select(ITEM, (token_hash,)):
        return Opened(bool(known), number, announcement, school, subject, text, moment(at))
    return None


def schools(item_id: int) -> frozenset[str]:
    """Return the schools of the households that an item stands for."""
    return frozenset(school for (school,) in select(SCHOOLS, (item_id,)))


def add_visit(item_id: int, visit: RawVisit) -> int:
    """Write a visit and return its number."""
    row = (item_id, instant(visit.at), visit.method, visit.peer, visit.headers)
    return int(select(INSERT_VISIT, row)[0][0])


def confirm(item_id: int, visit_id: int, at: datetime) -> None:
    """Write that every household the item stands for has confirmed, through the lowest slot that got the mail."""
    change(CONFIRM, (visit_id, instant(at), item_id))


def confirmed_at(item_id: int, announcement_id: str) -> datetime | None:
    """Return when the first of the item's households confirmed the announcement, through whichever slot; or None."""
    first = select(CONFIRMED_AT, (announcement_id, item_id))[0][0]
    return None if first is None else moment(first)


@contextmanager
def taken_back() -> Iterator[None]:
    """Take back at the end what is written inside; the pages it touched go to the disk all the same."""
    with database.atomic() as inside:
        yield
        inside.rollback()
