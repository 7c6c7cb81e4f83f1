"""What was accepted for sending?

An announcement and its queue items are written together, by `executemany`: ten thousand recipients are one text and ten
thousand small rows. One that is too large for that keeps how far it is written, school by school.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailer.domain.announcement import Announcement, Kind
from mailer.domain.audience import Exclusion, Recipient
from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState
from mailer.store.announcing_models import AnnouncementSchool, WrittenSoFar
from mailer.store.database import change, executemany, select, select_each
from mailer.store.models import Announcement as Row
from mailer.store.models import instant

INSERT_ITEM = """
INSERT INTO queue_item (id, announcement_id, school, address, address_key, domain, lane, state, next_attempt_at,
    expires_at, attempts, intent, possible_copies, possible_duplicate, token_hash, host, stage, code, enhanced, reply,
    tls, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', 0, 0, ?, '', '', 0, '', '', '', '')
"""
INSERT_SLOT = "INSERT INTO item_slot (item_id, household_id, slot) VALUES (?, ?, ?)"
INSERT_EXCLUSION = "INSERT INTO exclusion (announcement_id, household_id, slot, address, reason) VALUES (?, ?, ?, ?, ?)"
UNWRITTEN = """
SELECT addressed.announcement_id, addressed.school, addressed.unwritten_after
FROM announcement_school AS addressed JOIN announcement ON announcement.id = addressed.announcement_id
WHERE addressed.unwritten_after IS NOT NULL ORDER BY announcement.announced_at, announcement.id
"""
WRITTEN = "UPDATE announcement_school SET unwritten_after = ? WHERE announcement_id = ? AND school = ?"
SO_FAR = "SELECT households, recipients, excluded FROM written_so_far WHERE announcement_id = ?"
COUNT = "UPDATE written_so_far SET households = ?, recipients = ?, excluded = ? WHERE announcement_id = ?"
WHOLE = "DELETE FROM written_so_far WHERE announcement_id = ?"
AWAITED = """
SELECT EXISTS (
    SELECT 1 FROM announcement_school WHERE announcement_id = ? AND school = ? AND unwritten_after < ?
)
"""
#: As in `mailer.store.spool`: what is open has as long as it was given, whatever becomes of the clock.
SET_CLOCK = """
UPDATE announcement SET expires_at = expires_at + ?, not_before = not_before + ?
WHERE id IN (SELECT announcement_id FROM announcement_school WHERE unwritten_after IS NOT NULL)
    AND not_before <= ? AND announced_at NOT BETWEEN ? AND ?
"""
ITEM_TO = "SELECT address_key, id FROM queue_item WHERE announcement_id = ? AND address_key = ?"
RESERVE = """
INSERT INTO counter (name, last) VALUES ('queue_item', ?)
ON CONFLICT (name) DO UPDATE SET last = last + excluded.last RETURNING last
"""
#: The name of a school that is in no schools.toml any more.
UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Sums:
    """Households with a recipient, recipients, and how many are left out for what."""

    households: int = 0
    recipients: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)


def add(announcement: Announcement, actor: str) -> None:
    """Write an announcement and the schools it is addressed to; one that is not whole has all households unwritten."""
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
    table, unwritten = AnnouncementSchool, None if announcement.whole else 0
    names = {school: announcement.names.get(school, UNKNOWN) for school in announcement.schools}
    rows = [(announcement.id, school, name, unwritten) for school, name in names.items()]
    if rows:
        table.insert_many(rows, [table.announcement, table.school, table.name, table.unwritten_after]).execute()
    if not announcement.whole:
        WrittenSoFar.insert(announcement=announcement.id, households=0, recipients=0, excluded="{}").execute()


def unwritten() -> tuple[str, dict[str, int]] | None:
    """Return the oldest announcement that is not whole, and after which household each school is still to be written.

    None: all are whole.
    """
    found = select(UNWRITTEN)
    return (found[0][0], {school: after for one, school, after in found if one == found[0][0]}) if found else None


def so_far(announcement_id: str) -> Sums:
    """Return the sums of what is written of an announcement that is not whole."""
    ((households, recipients, excluded),) = select(SO_FAR, (announcement_id,))
    return Sums(households, recipients, json.loads(excluded))


def mark_written(announcement_id: str, through: Mapping[str, int | None], sums: Sums) -> None:
    """Write through which household each of these schools is written (None: all are), and the sums so far."""
    for school, household in through.items():
        change(WRITTEN, (household, announcement_id, school))
    change(COUNT, (sums.households, sums.recipients, json.dumps(dict(sums.excluded)), announcement_id))


def mark_whole(announcement_id: str) -> None:
    """Forget the sums so far: they stand in the audit book now."""
    change(WHOLE, (announcement_id,))


def awaits(announcement_id: str, school: str, household_id: int) -> bool:
    """Tell whether a household's items and exclusions are still to be written."""
    return bool(select(AWAITED, (announcement_id, school, household_id))[0][0])


def set_clock(now: datetime, by: timedelta, newly: timedelta) -> None:
    """Set the terms of what is not whole with a clock that goes from `now` to `now + by`; see `mailer.store.spool`."""
    shift, new = round(by.total_seconds() * 1000), now + by
    change(SET_CLOCK, (shift, min(shift, 0), instant(now), instant(new - newly), instant(new)))


def items_to(announcement_id: str, address_keys: Iterable[str]) -> dict[str, int]:
    """Return the queue items that an announcement without canaries has to these addresses, by their keys."""
    return dict(select_each(ITEM_TO, [(announcement_id, key) for key in address_keys]))


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
    add_slots(zip(numbers, recipients, strict=True))


def add_slots(stand_for: Iterable[tuple[int, Recipient]]) -> None:
    """Write which (household, slot) pairs queue items stand for."""
    executemany(INSERT_SLOT, [(number, *pair) for number, recipient in stand_for for pair in recipient.slots])


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
    addressed = list(
        AnnouncementSchool.select().where(AnnouncementSchool.announcement == row.id).order_by(AnnouncementSchool.school)
    )
    return Announcement(
        id=row.id,
        kind=Kind(row.kind),
        lane=Lane(row.lane),
        schools=tuple(one.school for one in addressed),
        subject=row.subject,
        text=row.text,
        receipt=bool(row.receipt),
        announced_at=row.announced_at,
        not_before=row.not_before,
        expires_at=row.expires_at,
        cancelled_at=row.cancelled_at,
        selectors=tuple(row.selectors.split()),
        names={one.school: one.name for one in addressed if one.name},
        whole=all(one.unwritten_after is None for one in addressed),
    )
