"""What did the mails that came in say, and about which queue items?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from mailer.bounce.event import Event, Kind
from mailer.carrier.reason import Reason
from mailer.store.bounce_models import BounceEvent
from mailer.store.database import change, select
from mailer.store.models import instant, moment

ITEM = """
SELECT item.id, item.announcement_id, item.address_key, item.address, item.state, announcement.not_before
FROM queue_item AS item JOIN announcement ON announcement.id = item.announcement_id WHERE item.id = ?
"""
ITEM_OF_ANNOUNCEMENT = ITEM + "AND announcement.id = ?"
MAIL = "SELECT item_id, received_at FROM inbound_mail WHERE id = ?"
INTERPRET = "UPDATE inbound_mail SET meaning = ?, item_id = COALESCE(item_id, ?) WHERE id = ?"
LIST = """
SELECT mail.id, mail.received_at, mail.reverse_path, mail.forward_path, mail.meaning, event.id, event.recipient,
    event.kind, event.reason, event.status, event.diagnostic, event.host, event.proved,
    COALESCE(event.item_id, mail.item_id), item.announcement_id
FROM inbound_mail AS mail LEFT JOIN bounce_event AS event ON event.mail_id = mail.id
LEFT JOIN queue_item AS item ON item.id = COALESCE(event.item_id, mail.item_id)
WHERE {} ORDER BY mail.id DESC, event.id LIMIT :most
"""
#: What says nothing of any recipient, and was written to no school: what came to those stands among the replies.
FOR_A_PERSON = """
mail.meaning IN ('mail', 'unreadable', 'unread')
AND NOT EXISTS (SELECT 1 FROM bounce_event WHERE bounce_event.mail_id = mail.id)
AND NOT EXISTS (SELECT 1 FROM single_mail WHERE single_mail.mail_id = mail.id)
"""
COUNT = "SELECT COUNT(*) FROM inbound_mail AS mail WHERE received_at >= ? AND {}"
#: Only those that are asked for stand in the statement: one mail is found by its number.
FITS = {
    "mail": "mail.id = :mail",
    "address": "(LOWER(event.recipient) = LOWER(:address) OR item.address_key = :address)",
    "announcement": "item.announcement_id = :announcement",
    "household": "item.id IN (SELECT item_id FROM item_slot WHERE household_id = :household)",
    "unread": FOR_A_PERSON,
}


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which mails are asked for: those about an address (its key), an announcement, a household; or `unread`, those
    that say nothing of any recipient, came to no school, and wait for a person; or one by its number.
    """

    address: str | None = None
    announcement: str | None = None
    household: int | None = None
    unread: bool = False
    mail: int | None = None


@dataclass(frozen=True, slots=True)
class Concerned:
    """A queue item that a mail speaks of: its address, how it stands, and when its announcement left."""

    item_id: int
    announcement_id: str
    address_key: str
    address: str
    state: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail that was kept: when it came, and the queue item that a VERP address among its forward-paths named."""

    item_id: int | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list: a mail, and one event of it (None for a mail that says nothing of a recipient).

    `proved` is as in `BounceEvent`; `item_id` and `announcement_id` are None for a mail that speaks of none of ours.
    """

    mail_id: int
    at: datetime
    reverse_path: str
    forward_path: str
    meaning: str
    event: Event | None
    proved: bool
    item_id: int | None
    announcement_id: str | None


def arrival(mail_id: int) -> Arrival | None:
    """Return what is known of a mail before it is read, or None if there is none."""
    return next((Arrival(item, moment(at)) for item, at in select(MAIL, (mail_id,))), None)


def item(item_id: int, announcement_id: str | None = None) -> Concerned | None:
    """Return a queue item (of this announcement only, if one is named), or None."""
    if announcement_id is None:
        found = select(ITEM, (item_id,))
    else:
        found = select(ITEM_OF_ANNOUNCEMENT, (item_id, announcement_id))
    known = ((number, name, key, to, state, moment(left)) for number, name, key, to, state, left in found)
    return next((Concerned(*one) for one in known), None)


def add(mail_id: int, event: Event, item_id: int | None, at: datetime, *, proved: bool) -> None:
    """Write one event of a mail."""
    BounceEvent.insert(
        mail=mail_id,
        item=item_id,
        proved=proved,
        at=at,
        recipient=event.recipient,
        kind=event.kind.value,
        reason=event.reason.value,
        status=event.status,
        diagnostic=event.diagnostic,
        host=event.host,
    ).execute()


def interpret(mail_id: int, meaning: str, item_id: int | None) -> None:
    """Write what a mail was found to mean, and which queue item it speaks of."""
    change(INTERPRET, (meaning, item_id, mail_id))


def listed(criteria: Criteria, most: int) -> list[Listed]:
    """Return mails with their events, the newest first, up to `most` lines."""
    asked = {name: value for name, value in asdict(criteria).items() if value}
    sql = LIST.format(" AND ".join(FITS[name] for name in asked) or "TRUE")
    return [_listed(row) for row in select(sql, {**asked, "most": most})]


def for_a_person(since: datetime) -> int:
    """Return how many of the mails that came in since then wait for a person."""
    return int(select(COUNT.format(FOR_A_PERSON), (instant(since),))[0][0])


def _listed(row: Sequence[Any]) -> Listed:
    mail, at, reverse, forward, meaning, number, recipient, kind, reason, status, words, host, proved, item_id, of = row
    event = None if number is None else Event(recipient, Kind(kind), Reason(reason), status, words, host)
    return Listed(mail, moment(at), reverse, forward, meaning, event, bool(proved), item_id, of)
