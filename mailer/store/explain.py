"""What is written down of one household, or one address, and a broadcast? Reading only.

Everything is found by an index but the look for addresses that differ in case, which goes once over the register. The
latest mail to an address is found by asking announcement after announcement, the newest first.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mailer.domain.announcement import Kind
from mailer.store.database import select, select_each
from mailer.store.models import EVER, instant, moment

#: Broadcasts alone: a notice is explained when it is named.
CONCERNING = """
SELECT announcement.id FROM announcement
WHERE announcement.kind = ?1 AND announcement.not_before <= ?3 AND announcement.id IN (
    SELECT item.announcement_id FROM item_slot AS place JOIN queue_item AS item ON item.id = place.item_id
    WHERE place.household_id = ?2
    UNION SELECT announcement_id FROM exclusion WHERE household_id = ?2
) ORDER BY announcement.announced_at DESC LIMIT 1
"""
ADDRESSED = """
SELECT announcement.id FROM announcement
WHERE announcement.kind = ?1 AND announcement.not_before <= ?3 AND EXISTS (
    SELECT 1 FROM announcement_school AS addressed
    WHERE addressed.announcement_id = announcement.id AND addressed.school = ?2
) AND NOT EXISTS (
    SELECT 1 FROM announcement_sums AS forgotten WHERE forgotten.announcement_id = announcement.id
) ORDER BY announcement.announced_at DESC LIMIT 1
"""
#: The order in which the two tables are gone through is SQLite's to choose in a JOIN, and ours in a CROSS JOIN.
MAILED = """
SELECT announcement.id FROM announcement CROSS JOIN queue_item AS item
    ON item.announcement_id = announcement.id AND item.address_key = ?2 AND item.canary = 0
WHERE announcement.kind = ?1 AND announcement.not_before <= ?3 ORDER BY announcement.announced_at DESC LIMIT 1
"""
HOUSEHOLDS = """
SELECT DISTINCT place.household_id FROM queue_item AS item JOIN item_slot AS place ON place.item_id = item.id
WHERE item.announcement_id = ? AND item.address_key = ? AND item.canary = 0 ORDER BY 1
"""
LEFT_OUT = "SELECT DISTINCT household_id FROM exclusion WHERE announcement_id = ? AND address IN (?, ?) ORDER BY 1"
ITEM = "SELECT id FROM queue_item WHERE announcement_id = ? AND address_key = ? AND canary = 0"
MAILS = """
SELECT place.slot, item.id, item.address_key FROM item_slot AS place JOIN queue_item AS item ON item.id = place.item_id
WHERE place.household_id = ? AND item.announcement_id = ? ORDER BY place.slot
"""
EXCLUSIONS = "SELECT slot, address, reason FROM exclusion WHERE household_id = ? AND announcement_id = ? ORDER BY slot"
SLOTS = "SELECT slot, address, address_key, set_at FROM address_slot WHERE household_id = ? ORDER BY slot"
REST = "SELECT address_key, since, reason FROM suspension WHERE address_key = ?"
CONFIRMED = "SELECT confirmed_at, slot FROM receipt WHERE household_id = ? AND announcement_id = ?"
#: What is proved to come from who got our mail, and neither failed nor is a success.
LATER = """
SELECT kind, at, reason, status, diagnostic FROM bounce_event
WHERE item_id = ? AND proved AND kind IN ('delayed', 'complaint') ORDER BY at DESC, id DESC LIMIT 1
"""
#: Of what waits alone, which the index of what is due holds by domain.
PUT_OFF = """
SELECT DISTINCT reason FROM queue_item
WHERE state = 'waiting' AND domain = ? AND attempts > 0 AND replied_at BETWEEN ? AND ?
"""
#: Of the announcements that go there now alone: no index has what is settled by domain.
TAKEN = """
SELECT EXISTS (
    SELECT 1 FROM queue_item
    WHERE announcement_id IN (SELECT DISTINCT announcement_id FROM queue_item WHERE state = 'waiting' AND domain = ?1)
        AND domain = ?1 AND state = 'accepted' AND settled_at BETWEEN ?2 AND ?3
)
"""
VISITS = "SELECT method, MIN(at) FROM visit WHERE item_id = ? GROUP BY method"
REGISTERED = """
SELECT DISTINCT slot.address_key FROM address_slot AS slot JOIN household ON household.id = slot.household_id
WHERE slot.address_key = ? AND household.deregistered_at IS NULL
"""
ALIKE = """
SELECT DISTINCT slot.address_key FROM address_slot AS slot JOIN household ON household.id = slot.household_id
WHERE lower(slot.address_key) = lower(?) AND household.deregistered_at IS NULL ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in a slot of a household now."""

    slot: int
    address: str
    key: str
    set_at: datetime


def concerning(household_id: int, now: datetime) -> str | None:
    """Return the latest broadcast that had this household among its recipients or exclusions."""
    return _latest(CONCERNING, household_id, now)


def addressed(school: str, now: datetime) -> str | None:
    """Return the latest broadcast to this school."""
    return _latest(ADDRESSED, school, now)


def mailed(address_key: str, now: datetime) -> str | None:
    """Return the latest broadcast with a mail to this address."""
    return _latest(MAILED, address_key, now)


def households(announcement_id: str, address: str, address_key: str) -> list[int]:
    """Return the households for which an announcement went to an address, or left it out."""
    mail = select(HOUSEHOLDS, (announcement_id, address_key))
    return sorted({number for (number,) in [*mail, *select(LEFT_OUT, (announcement_id, address, address_key))]})


def item(announcement_id: str, address_key: str) -> int | None:
    """Return the queue item of an announcement to an address."""
    found = select(ITEM, (announcement_id, address_key))
    return int(found[0][0]) if found else None


def mails(household_id: int, announcement_id: str) -> list[tuple[int, int, str]]:
    """Return slot, queue item and address key of each mail of an announcement for a household."""
    return [(slot, number, key) for slot, number, key in select(MAILS, (household_id, announcement_id))]


def exclusions(household_id: int, announcement_id: str) -> list[tuple[int, str, str]]:
    """Return slot, address and reason of each address of a household that an announcement left out."""
    return [(slot, address, why) for slot, address, why in select(EXCLUSIONS, (household_id, announcement_id))]


def slots(household_id: int) -> list[Standing]:
    """Return the addresses of a household."""
    return [Standing(slot, address, key, moment(at)) for slot, address, key, at in select(SLOTS, (household_id,))]


def rests(address_keys: Collection[str]) -> dict[str, tuple[datetime, str]]:
    """Return since when and why these addresses rest, of those that do."""
    found = select_each(REST, [(key,) for key in address_keys])
    return {key: (moment(since), reason) for key, since, reason in found}


def receipt(household_id: int, announcement_id: str) -> tuple[datetime, int] | None:
    """Return when a household confirmed an announcement, and through which slot; or None."""
    found = select(CONFIRMED, (household_id, announcement_id))
    return (moment(found[0][0]), int(found[0][1])) if found else None


def later(item_id: int) -> tuple[str, datetime, str, str] | None:
    """Return kind, time, reason and words of the last warning or complaint that came back about a queue item."""
    found = select(LATER, (item_id,))
    if not found:
        return None
    kind, at, reason, status, diagnostic = found[0]
    return kind, moment(at), reason, f"{status} {diagnostic}"


def put_off(domain: str, since: datetime, now: datetime) -> list[str]:
    """Return for which reasons mail to a domain was put off from `since` to `now` that still waits."""
    return [reason for (reason,) in select(PUT_OFF, (domain, instant(since), instant(now)))]


def takes(domain: str, since: datetime, now: datetime) -> bool:
    """Tell whether mail to a domain was accepted from `since` to `now`, of an announcement that waits there in part."""
    return bool(select(TAKEN, (domain, instant(since), instant(now)))[0][0])


def visits(item_id: int) -> dict[str, datetime]:
    """Return by which methods the receipt URL of a queue item was visited, and when first by each."""
    return {method: moment(at) for method, at in select(VISITS, (item_id,))}


def alike(address_key: str) -> list[str]:
    """Return the registered addresses that differ from this one in the case of letters alone."""
    return [key for (key,) in select(ALIKE, (address_key,)) if key != address_key]


def registered(address_keys: Collection[str]) -> list[str]:
    """Return which of these addresses are registered."""
    return [key for (key,) in select_each(REGISTERED, [(key,) for key in address_keys])]


def _latest(sql: str, whose: object, now: datetime) -> str | None:
    """Return the latest broadcast that leaves already; where there is none, the latest that is planned."""
    return _first(sql, (Kind.BROADCAST.value, whose, instant(now))) or _first(sql, (Kind.BROADCAST.value, whose, EVER))


def _first(sql: str, parameters: tuple[object, ...]) -> str | None:
    found = select(sql, parameters)
    return str(found[0][0]) if found else None
