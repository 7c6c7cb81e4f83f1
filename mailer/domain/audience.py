"""Who gets an announcement, and who does not and why?

The rule stands here once. A broadcast goes to slots 1 and 2 of households that have the option on (FAQ ⑤ ⑥). A
maintenance notice concerns the whole system: slots 1–4 of everyone registered, whatever the option says (F4). A resting
address gets neither: a mail to it is known not to arrive, and carriers punish who goes on trying. (Whom an announcement
is to test, `mailer.service.suspension` does not name among those that rest.)

One mail per address and announcement, even with siblings or two schools: it is written by the first of their schools in
the order of schools.toml and stands for every (household, slot) that named the address. Every (household, slot) is thus
in exactly one recipient or in exactly one exclusion.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mailer.domain.announcement import Kind
from mailer.domain.household import BROADCAST_SLOTS, SLOTS
from mailer.domain.school import Schools
from mailer.smtp.address import AddressError, parse_address


class Excluded(StrEnum):
    """Why an address of an addressed household gets no mail. NO_ADDRESS is said of a household, with slot 0."""

    OPTION_OFF = "option_off"
    SLOT_3_OR_4 = "slot_3_or_4"
    RESTING = "resting"
    BAD_ADDRESS = "bad_address"
    UNKNOWN_SCHOOL = "unknown_school"
    NO_ADDRESS = "no_address"


REASONS: Mapping[str, str] = {
    Excluded.OPTION_OFF: "The guardian has switched off “receive broadcasts”.",
    Excluded.SLOT_3_OR_4: "The address stands in slot 3 or 4; broadcasts go to slots 1 and 2 only.",
    Excluded.RESTING: "The address rests; “mimamori bounce suspended” says why.",
    Excluded.BAD_ADDRESS: "The address cannot be written to; have it entered again.",
    Excluded.UNKNOWN_SCHOOL: "The household's school is not in schools.toml.",
    Excluded.NO_ADDRESS: "The household has registered no address.",
}


@dataclass(frozen=True, slots=True)
class Slot:
    """One address of a household: as typed, and its key (the domain in lower case, nothing else changed)."""

    number: int
    address: str
    key: str


@dataclass(frozen=True, slots=True)
class Member:
    """A registered household as far as the rule needs it."""

    household_id: int
    school: str
    receives_broadcasts: bool
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Recipient:
    """One mail: to whom, from which school, and the (household, slot) pairs it stands for."""

    address: str
    address_key: str
    domain: str
    school: str
    slots: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An address of an addressed household that gets no mail, and why."""

    household_id: int
    slot: int
    address: str
    reason: Excluded


@dataclass(frozen=True, slots=True)
class Audience:
    """Everyone who gets the announcement and everyone who does not; `households` are those with a recipient."""

    recipients: tuple[Recipient, ...]
    exclusions: tuple[Exclusion, ...]
    households: frozenset[int]


def resolve(kind: Kind, members: Iterable[Member], schools: Schools, resting: Container[str]) -> Audience:
    """Return who gets an announcement of this kind; `members` are the registered households it is addressed to.

    `resting` holds the keys of addresses that rest. The answer does not depend on the order of `members`.
    """
    order = {school.code: school.order for school in schools}
    standing: dict[str, list[tuple[Slot, Member]]] = {}
    exclusions: list[Exclusion] = []
    for member in sorted(members, key=lambda member: (order.get(member.school, len(order)), member.household_id)):
        if not member.slots:
            exclusions.append(Exclusion(member.household_id, 0, "", Excluded.NO_ADDRESS))
        for slot in member.slots:
            reason = _refusal(kind, member, slot, resting) if member.school in order else Excluded.UNKNOWN_SCHOOL
            if reason:
                exclusions.append(Exclusion(member.household_id, slot.number, slot.address, reason))
            else:
                standing.setdefault(slot.key, []).append((slot, member))
    recipients = tuple(_recipient(places) for places in standing.values())
    households = frozenset(household for recipient in recipients for household, _ in recipient.slots)
    return Audience(recipients, tuple(exclusions), households)


def _refusal(kind: Kind, member: Member, slot: Slot, resting: Container[str]) -> Excluded | None:
    if slot.number not in (BROADCAST_SLOTS if kind is Kind.BROADCAST else SLOTS):
        return Excluded.SLOT_3_OR_4
    if kind is Kind.BROADCAST and not member.receives_broadcasts:
        return Excluded.OPTION_OFF
    if slot.key in resting:
        return Excluded.RESTING
    return None if _is_sendable(slot.address) else Excluded.BAD_ADDRESS


def _is_sendable(address: str) -> bool:
    """Addresses were checked when they were stored; the rules may have become stricter since."""
    try:
        parse_address(address)
    except AddressError:
        return False
    return True


def _recipient(places: list[tuple[Slot, Member]]) -> Recipient:
    slot, member = places[0]
    pairs = tuple((other.household_id, place.number) for place, other in places)
    return Recipient(slot.address, slot.key, slot.key.rpartition("@")[2], member.school, pairs)
