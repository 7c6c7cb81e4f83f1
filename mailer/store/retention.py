"""What is old enough to be forgotten, how is it forgotten, and what is held of each kind?

Looking for what is old (`find`) takes no lock; only `forget` does, for a few rows at a time, and asks once more whether
they may go.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from mailer.domain.retention import Kind
from mailer.store.accounting import Tally, tally
from mailer.store.database import change, select
from mailer.store.models import instant, moment

#: The kinds that are found and forgotten here by the numbers of their rows, what goes with them first.
PARTS: Mapping[Kind, tuple[str, ...]] = {
    Kind.RECEIVED: ("received",),
    Kind.FOR_A_PERSON: ("received_for_a_person",),
    Kind.REPORTS: ("reports",),
    Kind.SETBACKS: ("setbacks",),
    Kind.TRANSCRIPTS: ("transcripts", "sessions"),
    Kind.VISITS: ("visits",),
    Kind.BROADCASTS: ("recipients", "exclusions"),
    Kind.HOUSEHOLDS: ("households", "rests"),
    Kind.ALARMS: ("alarms",),
}
#: A mail that nobody has read, and one that is still to be handed on, are not forgotten. The newest single mail stays,
#: so that its number, which stands in a return address, is never given out again.
_MAIL = """
SELECT id FROM inbound_mail WHERE meaning IN ({}) AND received_at < :before AND NOT EXISTS (
    SELECT 1 FROM single_mail AS single WHERE single.mail_id = inbound_mail.id
    AND (single.state IN ('waiting', 'sending') OR single.id = (SELECT MAX(id) FROM single_mail))
) LIMIT :most
"""
#: What was ever said of a mail that was read and speaks of somebody; older releases knew other words.
_MEANINGS = """
WITH RECURSIVE said (meaning) AS (
    SELECT MIN(meaning) FROM inbound_mail
    UNION ALL SELECT (SELECT MIN(meaning) FROM inbound_mail WHERE meaning > said.meaning) FROM said
    WHERE said.meaning IS NOT NULL
)
SELECT meaning FROM said WHERE meaning NOT IN ('unread', 'mail', 'unreadable')
"""
FIND: Mapping[str, str] = {
    "received": _MAIL.format(_MEANINGS),
    "received_for_a_person": _MAIL.format("'mail', 'unreadable'"),
    "reports": "SELECT id FROM received_report WHERE received_at < :before ORDER BY received_at LIMIT :most",
    # While an address rests it can be told why, and a wave that is seen later finds what else counts.
    "setbacks": """
        SELECT id FROM setback WHERE at < :before AND due_at IS NULL
        AND address_key NOT IN (SELECT address_key FROM suspension) ORDER BY at LIMIT :most
    """,
    "transcripts": """
        SELECT rowid FROM attempt WHERE transcript <> '' AND ended_at < :before ORDER BY ended_at LIMIT :most
    """,
    # The number of a session begins with the time at which it began.
    "sessions": "SELECT id FROM smtp_session WHERE id < (:before << 20) ORDER BY id LIMIT :most",
    "visits": "SELECT id FROM visit WHERE headers <> '' AND at < :before ORDER BY at LIMIT :most",
    # What was closed goes, whatever its time.
    "recipients": """
        SELECT item.id FROM announcement_sums AS sums CROSS JOIN queue_item AS item
        ON item.announcement_id = sums.announcement_id WHERE item.state NOT IN ('waiting', 'sending', 'held')
        AND :before LIMIT :most
    """,
    "exclusions": """
        SELECT one.id FROM announcement_sums AS sums CROSS JOIN exclusion AS one
        ON one.announcement_id = sums.announcement_id WHERE :before LIMIT :most
    """,
    # The newest stays, so that its number is never given to another.
    "households": """
        SELECT id FROM household WHERE deregistered_at < :before AND id < (SELECT MAX(id) FROM household)
        AND NOT EXISTS (SELECT 1 FROM item_slot WHERE household_id = household.id)
        AND NOT EXISTS (SELECT 1 FROM exclusion WHERE household_id = household.id)
        AND NOT EXISTS (SELECT 1 FROM receipt WHERE household_id = household.id) LIMIT :most
    """,
    # A complaint is its reader's will: it is kept, so that no roster makes us write there again.
    "rests": """
        SELECT rowid FROM suspension WHERE since < :before AND reason <> 'complaint' AND tested_by IS NULL
        AND NOT EXISTS (SELECT 1 FROM address_slot WHERE address_key = suspension.address_key) LIMIT :most
    """,
    "alarms": "SELECT rowid FROM alarm WHERE cleared_at < :before AND news = 0 LIMIT :most",
}
#: Each takes the numbers of rows as a JSON list.
_FORGET_MAIL = """
DELETE FROM inbound_mail WHERE meaning <> 'unread' AND NOT EXISTS (
    SELECT 1 FROM single_mail AS single
    WHERE single.mail_id = inbound_mail.id AND single.state IN ('waiting', 'sending')
) AND id IN (SELECT value FROM json_each(?))
"""
FORGET: Mapping[str, str] = {
    "received": _FORGET_MAIL,
    "received_for_a_person": _FORGET_MAIL,
    "reports": "DELETE FROM received_report WHERE id IN (SELECT value FROM json_each(?))",
    "setbacks": "DELETE FROM setback WHERE due_at IS NULL AND id IN (SELECT value FROM json_each(?))",
    "transcripts": """
        UPDATE attempt SET transcript = '', session_id = NULL
        WHERE rowid IN (SELECT value FROM json_each(?))
    """,
    "sessions": "DELETE FROM smtp_session WHERE id IN (SELECT value FROM json_each(?))",
    "visits": "UPDATE visit SET peer = '', headers = '' WHERE id IN (SELECT value FROM json_each(?))",
    "recipients": """
        DELETE FROM queue_item WHERE state NOT IN ('waiting', 'sending', 'held')
        AND id IN (SELECT value FROM json_each(?))
    """,
    "exclusions": "DELETE FROM exclusion WHERE id IN (SELECT value FROM json_each(?))",
    "households": """
        DELETE FROM household WHERE deregistered_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM item_slot WHERE household_id = household.id)
        AND id IN (SELECT value FROM json_each(?))
    """,
    "rests": """
        DELETE FROM suspension WHERE tested_by IS NULL AND reason <> 'complaint'
        AND NOT EXISTS (SELECT 1 FROM address_slot WHERE address_key = suspension.address_key)
        AND rowid IN (SELECT value FROM json_each(?))
    """,
    "alarms": "DELETE FROM alarm WHERE cleared_at IS NOT NULL AND rowid IN (SELECT value FROM json_each(?))",
}
#: An announcement goes only once nothing of it can leave any more.
OVER = """
SELECT id FROM announcement WHERE announced_at < :before AND expires_at < :before
AND NOT EXISTS (SELECT 1 FROM announcement_sums WHERE announcement_id = announcement.id)
AND NOT EXISTS (SELECT 1 FROM written_so_far WHERE announcement_id = announcement.id)
AND NOT EXISTS (
    SELECT 1 FROM queue_item
    WHERE announcement_id = announcement.id AND state IN ('waiting', 'sending', 'held')
) ORDER BY announced_at LIMIT 1
"""
CLOSE = "INSERT INTO announcement_sums (announcement_id, forgotten_at, sums) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
HELD: Mapping[Kind, str] = {
    Kind.RECEIVED: """
        SELECT COUNT(*), MIN(received_at) FROM inbound_mail WHERE meaning NOT IN ('unread', 'mail', 'unreadable')
    """,
    Kind.FOR_A_PERSON: """
        SELECT COUNT(*), MIN(received_at) FROM inbound_mail WHERE meaning IN ('unread', 'mail', 'unreadable')
    """,
    Kind.REPORTS: "SELECT COUNT(*), MIN(received_at) FROM received_report",
    Kind.SETBACKS: "SELECT COUNT(*), MIN(at) FROM setback",
    Kind.TRANSCRIPTS: "SELECT COUNT(*), MIN(ended_at) FROM attempt WHERE transcript <> ''",
    Kind.VISITS: "SELECT COUNT(*), MIN(at) FROM visit WHERE headers <> ''",
    Kind.BROADCASTS: """
        SELECT (SELECT COUNT(*) FROM queue_item), MIN(announced_at) FROM announcement
        WHERE id NOT IN (SELECT announcement_id FROM announcement_sums)
    """,
    Kind.HOUSEHOLDS: "SELECT COUNT(*), MIN(deregistered_at) FROM household WHERE deregistered_at IS NOT NULL",
    Kind.ALARMS: "SELECT COUNT(*), MIN(raised_at) FROM alarm",
    Kind.REFUSALS: "SELECT COUNT(*), MIN(at) FROM receiver_lot",
    Kind.TLS_COUNTS: "SELECT COUNT(*), CAST(strftime('%s', MIN(day)) AS INTEGER) * 1000 FROM tls_count",
    Kind.TLS_HOSTS: "SELECT COUNT(*), MIN(seen_at) FROM tls_host",
    Kind.REGISTERED: "SELECT COUNT(*), MIN(registered_at) FROM household WHERE deregistered_at IS NULL",
    Kind.RESTING: "SELECT COUNT(*), MIN(since) FROM suspension",
    Kind.ANNOUNCEMENTS: "SELECT COUNT(*), MIN(announced_at) FROM announcement",
    Kind.AUDIT: "SELECT COUNT(*), MIN(at) FROM audit_entry",
}


@dataclass(frozen=True, slots=True)
class Held:
    """How many of a kind stand in the store, and when the oldest came (None: there is none)."""

    rows: int
    oldest: datetime | None


def find(part: str, before: datetime, most: int) -> list[int]:
    """Return the numbers of up to `most` rows of a part that are from before a time and may be forgotten."""
    return [number for (number,) in select(FIND[part], {"before": instant(before), "most": most})]


def forget(part: str, numbers: Sequence[int]) -> int:
    """Forget these rows of a part, if they still may be; return how many were."""
    return change(FORGET[part], (json.dumps(numbers),))


@contextmanager
def overwriting() -> Iterator[None]:
    """Have what is forgotten inside overwritten in the store's file, instead of only being released for reuse."""
    select("PRAGMA secure_delete = 1")
    try:
        yield
    finally:
        select("PRAGMA secure_delete = 0")


def over(before: datetime) -> tuple[str, Tally] | None:
    """Return an announcement that is over, with its sums, whose recipients are to be forgotten; None if none is."""
    found = select(OVER, {"before": instant(before)})
    return (found[0][0], tally(found[0][0])) if found else None


def close(announcement_id: str, sums: Tally, at: datetime) -> None:
    """Write the sums of an announcement: from now on they stand for its recipients."""
    change(CLOSE, (announcement_id, instant(at), sums.packed()))


def held() -> dict[Kind, Held]:
    """Return what is held of each kind that is counted."""
    found = {kind: select(sql)[0] for kind, sql in HELD.items()}
    return {kind: Held(rows, None if oldest is None else moment(oldest)) for kind, (rows, oldest) in found.items()}
