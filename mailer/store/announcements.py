"""What was accepted for sending?

An announcement and its queue items are written together, by `executemany`: ten thousand recipients are one text and ten
thousand small rows.
"""

from collections.abc import Sequence
from datetime import datetime

from mailer.domain.announcement import Announcement, Kind
from mailer.domain.audience import Exclusion, Recipient
from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState
from mailer.store.database import executemany, select
from mailer.store.models import Announcement as Row
from mailer.store.models import AnnouncementSchool, instant

INSERT_ITEM = """
INSERT INTO queue_item (id, announcement_id, school, address, address_key, domain, lane, state, next_attempt_at,
    expires_at, attempts, intent, possible_copies, possible_duplicate, token_hash, host, stage, code, enhanced, reply,
    tls, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', 0, 0, ?, '', '', 0, '', '', '', '')
"""
INSERT_SLOT = "INSERT INTO item_slot (item_id, household_id, slot) VALUES (?, ?, ?)"
INSERT_EXCLUSION = "INSERT INTO exclusion (announcement_id, household_id, slot, address, reason) VALUES (?, ?, ?, ?, ?)"
RESERVE = """
INSERT INTO counter (name, last) VALUES ('queue_item', ?)
ON CONFLICT (name) DO UPDATE SET last = last + excluded.last RETURNING last
"""


def add(announcement: Announcement, actor: str) -> None:
    """Write an announcement and the schools it is addressed to."""
    Row.insert(
        id=announcement.id,
        kind=announcement.kind.value,
        lane=int(announcement.lane),
        subject=announcement.subject,
        text=announcement.text,
        receipt=announcement.receipt,
        actor=actor,
        announced_at=announcement.announced_at,
        not_before=announcement.not_before,
        expires_at=announcement.expires_at,
        cancelled_at=announcement.cancelled_at,
        selectors=" ".join(announcement.selectors),
    ).execute()
    rows = [(announcement.id, school) for school in announcement.schools]
    AnnouncementSchool.insert_many(rows, [AnnouncementSchool.announcement, AnnouncementSchool.school]).execute()


def reserve_items(count: int) -> range:
    """Return `count` numbers for queue items that were never given out before and never will be again."""
    last = int(select(RESERVE, (count,))[0][0])
    return range(last - count + 1, last + 1)


def add_items(
    announcement: Announcement, numbers: range, recipients: Sequence[Recipient], token_hashes: Sequence[bytes | None]
) -> None:
    """Write one waiting queue item per recipient, due at the announcement's `not_before`, with its slots."""
    terms = (instant(announcement.not_before), instant(announcement.expires_at))
    executemany(
        INSERT_ITEM,
        [
            (
                number,
                announcement.id,
                recipient.school,
                recipient.address,
                recipient.address_key,
                recipient.domain,
                int(announcement.lane),
                ItemState.WAITING.value,
                *terms,
                token_hash,
            )
            for number, recipient, token_hash in zip(numbers, recipients, token_hashes, strict=True)
        ],
    )
    executemany(
        INSERT_SLOT,
        [(number, *pair) for number, recipient in zip(numbers, recipients, strict=True) for pair in recipient.slots],
    )


def add_exclusions(announcement_id: str, exclusions: Sequence[Exclusion]) -> None:
    """Write who does not get the announcement, and why."""
    executemany(
        INSERT_EXCLUSION,
        [(announcement_id, one.household_id, one.slot, one.address, one.reason.value) for one in exclusions],
    )


def get(announcement_id: str) -> Announcement | None:
    """Return one announcement, or None."""
    row = Row.get_or_none(Row.id == announcement_id)
    return None if row is None else _announcement(row)


def newest(limit: int) -> list[Announcement]:
    """Return the newest announcements, the newest first."""
    return [_announcement(row) for row in Row.select().order_by(Row.announced_at.desc(), Row.id).limit(limit)]


def mark_cancelled(announcement_id: str, at: datetime) -> None:
    """Write that no more of the announcement is to leave; a second time changes nothing."""
    Row.update(cancelled_at=at).where((Row.id == announcement_id) & Row.cancelled_at.is_null()).execute()


def _announcement(row: Row) -> Announcement:
    addressed = AnnouncementSchool.select().where(AnnouncementSchool.announcement == row.id)
    return Announcement(
        id=row.id,
        kind=Kind(row.kind),
        lane=Lane(row.lane),
        schools=tuple(one.school for one in addressed.order_by(AnnouncementSchool.school)),
        subject=row.subject,
        text=row.text,
        receipt=bool(row.receipt),
        announced_at=row.announced_at,
        not_before=row.not_before,
        expires_at=row.expires_at,
        cancelled_at=row.cancelled_at,
        selectors=tuple(row.selectors.split()),
    )
