"""Which addresses rest, what was said against them, and how do the mails fare that test them?"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.domain import suspension
from mailer.domain.suspension import Kind, Terms
from mailer.store.database import change, executemany, select, select_each
from mailer.store.models import Suspension, instant, moment
from mailer.store.suspension_models import Setback

#: How a setback stands: it counts, a wave of refusals excuses it, or the address was woken since.
COUNTS, WAVE, FORGIVEN = "counts", "wave", "forgiven"

#: A canary is nobody's address.
ADD = """
INSERT INTO setback (address_key, announcement_id, item_id, sent_at, at, kind, reason, receiver, source, words,
    standing, due_at)
SELECT item.address_key, item.announcement_id, item.id, announcement.not_before, ?, ?, ?, ?, ?, ?, 'counts', ?
FROM queue_item AS item JOIN announcement ON announcement.id = item.announcement_id
WHERE item.id = ? AND NOT item.canary
"""
EXCUSE = """
UPDATE setback SET standing = 'wave', due_at = ?
WHERE receiver = ? AND at >= ? AND standing = 'counts' AND kind <> 'complaint'
"""
BLAMED_AT = """
SELECT DISTINCT address_key FROM setback
WHERE receiver = ? AND at >= ? AND standing = 'counts' AND kind <> 'complaint'
"""
LOOK_NOW = """
UPDATE setback SET due_at = ? WHERE receiver = ? AND due_at > ? AND (standing = 'wave' OR at <= ?)
"""
JUDGE = "UPDATE setback SET standing = ?, due_at = ? WHERE id = ?"
FORGIVE = "UPDATE setback SET standing = 'forgiven', due_at = NULL WHERE address_key = ? AND standing <> 'forgiven'"
#: Mails that were accepted and did not come back; the few announcements are gone through, not the many items.
ACCEPTED = """
SELECT MAX(item.settled_at) FROM announcement CROSS JOIN queue_item AS item
ON item.announcement_id = announcement.id AND item.address_key = ? AND item.canary = 0
WHERE announcement.expires_at > ? AND item.state = 'accepted'
"""
#: The newest first, because most addresses were accepted in the last one.
ACCEPTED_SINCE = """
SELECT 1 FROM announcement CROSS JOIN queue_item AS item
ON item.announcement_id = announcement.id AND item.address_key = ? AND item.canary = 0
WHERE announcement.expires_at > ? AND item.state = 'accepted' AND item.settled_at > ?
ORDER BY announcement.announced_at DESC LIMIT 1
"""
#: An attempt that began before the deadline may end after it.
LATE = timedelta(days=1)
#: But for those to which the mail that tests them was accepted.
RESTING = """
SELECT suspension.address_key, suspension.reason, suspension.tested_by,
    COALESCE(suspension.tested_at, suspension.since)
FROM suspension LEFT JOIN queue_item AS test
ON test.announcement_id = suspension.tested_by AND test.address_key = suspension.address_key AND test.canary = 0
WHERE COALESCE(test.state, '') <> 'accepted'
"""
RESTING_ONE = RESTING + "AND suspension.address_key = ?"
BEGIN_TESTS = """
UPDATE suspension SET tested_at = ?, tested_by = ? WHERE tested_by IS NULL AND EXISTS (
    SELECT 1 FROM queue_item AS item
    WHERE item.announcement_id = ? AND item.address_key = suspension.address_key AND item.canary = 0 AND item.id >= ?
)
"""
TESTS = """
SELECT suspension.address_key, COALESCE(test.state, ''), test.settled_at,
    (SELECT COUNT(*) FROM setback WHERE setback.item_id = test.id AND standing = 'counts' AND due_at IS NULL),
    (SELECT COUNT(*) FROM setback WHERE setback.item_id = test.id AND due_at IS NOT NULL)
FROM suspension LEFT JOIN queue_item AS test
ON test.announcement_id = suspension.tested_by AND test.address_key = suspension.address_key AND test.canary = 0
WHERE suspension.tested_by IS NOT NULL
"""
#: One that says nothing of the address is repeated with the next announcement.
END_TEST = "UPDATE suspension SET tested_by = NULL, tested_at = CASE WHEN ? THEN tested_at END WHERE address_key = ?"
BEGIN = "INSERT INTO suspension (address_key, since, reason, evidence) VALUES (?, ?, ?, ?)"
END = "DELETE FROM suspension WHERE address_key = ?"
SCHOOLS_OF = """
SELECT slot.address_key, slot.address, household.school FROM address_slot AS slot
JOIN household ON household.id = slot.household_id
WHERE household.deregistered_at IS NULL AND slot.address_key IN (SELECT address_key FROM suspension)
ORDER BY household.id, slot.slot
"""


@dataclass(frozen=True, slots=True)
class Noted:
    """What was said against the address of a queue item, as it is to be kept."""

    item_id: int
    at: datetime
    kind: Kind
    reason: str
    receiver: str
    source: str
    words: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A setback as it is kept."""

    id: int
    address_key: str
    item_id: int
    receiver: str
    standing: str
    setback: suspension.Setback


@dataclass(frozen=True, slots=True)
class Suspended:
    """An address that rests: since when, why, the words, and when it was last tested (`tested_by`: that runs yet)."""

    address_key: str
    since: datetime
    reason: str
    evidence: str
    tested_at: datetime | None
    tested_by: str | None


@dataclass(frozen=True, slots=True)
class Holder:
    """A place in the roster where a resting address stands."""

    address_key: str
    address: str
    school: str


@dataclass(frozen=True, slots=True)
class ReachTest:
    """How the mail fares that tests an address: its item's state, empty if it is gone.

    `failed` counts the setbacks it brought that count, `pending` those not judged yet.
    """

    address_key: str
    state: str
    settled_at: datetime | None
    failed: int
    pending: int


def note(noted: Sequence[Noted]) -> None:
    """Keep setbacks; inside a Writer."""
    executemany(
        ADD,
        [
            (
                instant(one.at),
                one.kind,
                one.reason,
                one.receiver,
                one.source,
                one.words,
                instant(one.due_at),
                one.item_id,
            )
            for one in noted
        ],
    )


def due(now: datetime, most: int) -> list[Kept]:
    """Return setbacks that are to be judged now."""
    return [_kept(row) for row in Setback.select().where(Setback.due_at <= now).order_by(Setback.due_at).limit(most)]


def counting(address_key: str) -> list[Kept]:
    """Return the judged setbacks of an address that count, the oldest first."""
    counts = (Setback.address_key == address_key) & (Setback.standing == COUNTS) & Setback.due_at.is_null()
    return [_kept(row) for row in Setback.select().where(counts).order_by(Setback.at)]


def of_address(address_key: str, most: int) -> list[Kept]:
    """Return the last setbacks of an address, the newest first, whether they count or not."""
    found = Setback.select().where(Setback.address_key == address_key)
    return [_kept(row) for row in found.order_by(Setback.at.desc()).limit(most)]


def open_() -> list[Kept]:
    """Return all setbacks that count or wait to be judged, as in a wave that stands, the oldest first."""
    waits = (Setback.standing == WAVE) & Setback.due_at.is_null(False)
    return [_kept(row) for row in Setback.select().where((Setback.standing == COUNTS) | waits).order_by(Setback.at)]


def judge(judged: Iterable[tuple[Kept, str, datetime | None]]) -> None:
    """Write how setbacks stand, and when they are looked at again."""
    again = [(standing, None if at is None else instant(at), one.id) for one, standing, at in judged]
    executemany(JUDGE, again)


def excuse(receiver: str, since: datetime, again: datetime) -> list[str]:
    """Let nothing count that a receiver said since then; return the addresses that it had counted against."""
    blamed = [key for (key,) in select(BLAMED_AT, (receiver, instant(since)))]
    change(EXCUSE, (instant(again), receiver, instant(since)))
    return blamed


def look_now(receiver: str, now: datetime, said_before: datetime) -> None:
    """Have judged now what a wave at a receiver kept from it: what it excused, and what was said before then."""
    change(LOOK_NOW, (instant(now), receiver, instant(now), instant(said_before)))


def forgive(address_keys: Collection[str]) -> None:
    """Let nothing count that was said against these addresses so far."""
    executemany(FORGIVE, [(key,) for key in address_keys])


def set_clock(by: timedelta) -> None:
    """Set the times at which setbacks are judged with a clock that was set."""
    change("UPDATE setback SET due_at = due_at + ? WHERE due_at IS NOT NULL", (round(by.total_seconds() * 1000),))


def accepted_at(address_key: str, since: datetime) -> datetime | None:
    """Return when the last mail to an address was accepted, after `since`, that did not come back; or None."""
    ((last,),) = select(ACCEPTED, (address_key, instant(since - LATE)))
    return None if last is None or last < instant(since) else moment(last)


def was_accepted(address_key: str, since: datetime) -> bool:
    """Tell whether a mail to an address was accepted after `since` that did not come back."""
    return bool(select(ACCEPTED_SINCE, (address_key, instant(since - LATE), instant(since))))


def all_() -> list[Suspended]:
    """Return the addresses that rest, the longest first."""
    return [_suspended(row) for row in Suspension.select().order_by(Suspension.since, Suspension.address_key)]


def get(address_key: str) -> Suspended | None:
    """Return how an address rests, or None if it does not."""
    row = Suspension.get_or_none(Suspension.address_key == address_key)
    return None if row is None else _suspended(row)


def those_of(address_keys: Collection[str]) -> list[Suspended]:
    """Return those of these addresses that rest."""
    return [one for key in sorted(address_keys) if (one := get(key)) is not None]


def concerned() -> frozenset[str]:
    """Return the addresses that rest or that something counts against."""
    rows = select("SELECT address_key FROM suspension UNION SELECT address_key FROM setback WHERE standing = 'counts'")
    return frozenset(key for (key,) in rows)


def holders() -> list[Holder]:
    """Return where in the roster the addresses that rest are registered."""
    return [Holder(*row) for row in select(SCHOOLS_OF)]


def resting(terms: Terms, now: datetime, among: Collection[str] | None = None) -> frozenset[str]:
    """Return the addresses to which nothing goes now: not those whose test is due, or went well so far.

    With `among` only of these keys.
    """
    found = select(RESTING) if among is None else select_each(RESTING_ONE, [(key,) for key in among])
    return frozenset(
        key
        for key, reason, test, tried in found
        if test is not None or (after := terms.tested_after(reason)) is None or moment(tried) + after > now
    )


def begin_tests(announcement_id: str, first_item: int, at: datetime) -> None:
    """Remember that an announcement tests the resting addresses to which it has an item, from this item on."""
    change(BEGIN_TESTS, (instant(at), announcement_id, announcement_id, first_item))


def tests() -> list[ReachTest]:
    """Return the tests whose end is open."""
    rows = select(TESTS)
    return [ReachTest(key, state, None if at is None else moment(at), *counts) for key, state, at, *counts in rows]


def end_test(address_key: str, *, failed: bool) -> None:
    """Let an address rest on; where the test has not failed but said nothing, it is repeated."""
    change(END_TEST, (failed, address_key))


def begin(address_key: str, at: datetime, reason: str, words: str) -> None:
    """Put an address to rest that does not rest."""
    change(BEGIN, (address_key, instant(at), reason, words))


def end(address_keys: Collection[str]) -> None:
    """Wake addresses."""
    executemany(END, [(key,) for key in address_keys])


def _kept(row: Setback) -> Kept:
    said = suspension.Setback(row.announcement_id, row.sent_at, row.at, Kind(row.kind), row.reason, row.words)
    return Kept(row.id, row.address_key, row.item_id, row.receiver, row.standing, said)


def _suspended(row: Suspension) -> Suspended:
    return Suspended(row.address_key, row.since, row.reason, row.evidence, row.tested_at, row.tested_by)
