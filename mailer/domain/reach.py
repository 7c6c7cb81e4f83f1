"""Which addresses of a household work, and which households must the school reach in another way (N8)?

A broadcast goes to slots 1 and 2: a household that wants broadcasts and has no working address there is not reached by
mail, whatever stands in slots 3 and 4. An address works as long as nothing speaks against it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailer.domain.household import BROADCAST_SLOTS, Household
from mailer.smtp.address import AddressError, parse_address


class State(StrEnum):
    """How an address stands: it works, it was refused last time, it rests, or nothing can be written to it.

    UNDECIDED is one that was refused in a wave of refusals: its mail did not arrive, and it may well be in order.
    """

    WORKS = "works"
    UNDECIDED = "undecided"
    FAILS = "fails"
    RESTS = "rests"
    BAD_ADDRESS = "bad_address"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What speaks against an address: since when, the reason (of `mailer.carrier.reason`) and the far side's words."""

    state: State
    since: datetime
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class SlotReach:
    """One address of a household, and how it stands; `trouble` is None where it works or cannot be written to."""

    slot: int
    address: str
    state: State
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class HouseholdReach:
    """A household and how its addresses stand."""

    household: Household
    slots: tuple[SlotReach, ...]

    @property
    def working(self) -> int:
        """Return how many addresses that broadcasts go to work."""
        return sum(one.state is State.WORKS for one in self.slots if one.slot in BROADCAST_SLOTS)

    @property
    def undecided(self) -> bool:
        """Tell whether none of the addresses that broadcasts go to works for certain, and one may."""
        return not self.working and any(
            one.state is State.UNDECIDED for one in self.slots if one.slot in BROADCAST_SLOTS
        )

    @property
    def must_be_called(self) -> bool:
        """Tell whether the household wants broadcasts and gets none."""
        return self.household.entry.receives_broadcasts and not self.working


@dataclass(frozen=True, slots=True)
class Figures:
    """How many households have two, one and no working address, and how many want no broadcasts.

    `undecided` are those that have none unless a wave of refusals is the receiver's trouble; `none` leaves them out.
    """

    two: int
    one: int
    undecided: int
    none: int
    option_off: int


def reach_of(household: Household, troubles: Mapping[str, Trouble]) -> HouseholdReach:
    """Return how the addresses of a household stand; `troubles` are by the address's key."""
    slots = sorted(household.entry.addresses.items())
    return HouseholdReach(household, tuple(_slot(number, address, troubles) for number, address in slots))


def _slot(number: int, address: str, troubles: Mapping[str, Trouble]) -> SlotReach:
    try:
        trouble = troubles.get(parse_address(address).key)
    except AddressError:  # the rules may have become stricter since it was stored
        return SlotReach(number, address, State.BAD_ADDRESS)
    return SlotReach(number, address, trouble.state if trouble else State.WORKS, trouble)


def figures(households: Iterable[HouseholdReach]) -> Figures:
    """Count households by their working addresses."""
    working: Counter[int] = Counter()
    option_off = undecided = 0
    for one in households:
        if not one.household.entry.receives_broadcasts:
            option_off += 1
        elif one.undecided:
            undecided += 1
        else:
            working[one.working] += 1
    return Figures(working[2], working[1], undecided, working[0], option_off)
