"""Who is registered where, and which addresses rest? Read for the rule in `domain/audience.py`."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Any

from mailer.domain.audience import Member, Slot
from mailer.store.database import select

MEMBERS = """
SELECT household.id, household.school, household.receives_broadcasts, slot.slot, slot.address, slot.address_key
FROM household LEFT JOIN address_slot AS slot ON slot.household_id = household.id
WHERE household.deregistered_at IS NULL AND household.school = ?
ORDER BY household.id, slot.slot
"""
SOME_MEMBERS = """
SELECT household.id, household.school, household.receives_broadcasts, slot.slot, slot.address, slot.address_key
FROM (
    SELECT id, school, receives_broadcasts FROM household
    WHERE school = ? AND deregistered_at IS NULL AND id > ? ORDER BY id LIMIT ?
) AS household LEFT JOIN address_slot AS slot ON slot.household_id = household.id
ORDER BY household.id, slot.slot
"""
DOMAINS = """
SELECT substr(address_key, instr(address_key, '@') + 1) AS domain, COUNT(*) FROM address_slot
GROUP BY domain ORDER BY COUNT(*) DESC, domain LIMIT ?
"""
SCHOOLS = "SELECT DISTINCT school FROM household WHERE deregistered_at IS NULL ORDER BY school"


def schools_of_the_registered() -> tuple[str, ...]:
    """Return the codes of all schools at which someone is registered."""
    return tuple(school for (school,) in select(SCHOOLS))


def domains(most: int) -> dict[str, int]:
    """Return the domains at which most addresses are registered, the biggest first, and how many that are."""
    return dict(select(DOMAINS, (most,)))


def domains_registered() -> frozenset[str]:
    """Return all domains at which an address is registered."""
    return frozenset(domain for domain, _ in select(DOMAINS, (-1,)))


def members(schools: Collection[str]) -> Iterator[Member]:
    """Return the registered households of these schools with their addresses."""
    for school in schools:
        yield from _members(select(MEMBERS, (school,)))


def members_after(school: str, household_id: int, most: int) -> list[Member]:
    """Return the next registered households of a school, those with a greater number than this, in their order."""
    return list(_members(select(SOME_MEMBERS, (school, household_id, most))))


def _members(found: Sequence[tuple[Any, ...]]) -> Iterator[Member]:
    for (household, school, receives), rows in groupby(found, key=lambda row: row[:3]):
        slots = tuple(Slot(*row[3:]) for row in rows if row[3] is not None)
        yield Member(household, school, bool(receives), slots)
