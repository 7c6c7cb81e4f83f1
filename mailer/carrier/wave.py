"""Are the refusals of a receiver a wave, or what it always refuses?

One bad address among many is the guardian's; a wave of refusals is ours or the receiver's (N9). It is told by the lots
of a receiver, one after the other. A lot is what became there of the mails of one announcement: each address has one
mail in it, and whatever comes back later belongs to the lot in which it was taken. So a good morning hides no bad
afternoon, and returns that arrive the next day look like any others.

What more is refused than would be harmless adds up from lot to lot, what is less is taken off, and never is there less
than nothing: a cumulative sum (CUSUM), for which it makes no difference how mails are cut into lots and days. Once it
is enough, a wave stands, and began with the lot since which it was never nothing. It stands until some twenty mails,
over however many lots, go as usual. A few addresses that are refused again and again are no wave: more of one lot than
a household has must be. Where a receiver that took mail before refuses nearly everybody, less is enough.

What is harmless is told by the receiver's own history; where there is little of it, by what a well-kept list of
addresses meets. The lots of a wave are no history, so that one that lasts does not end by being grown used to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

#: So many refusals above what is harmless are a wave; so many are where nearly all is refused that was taken before.
ENOUGH, ENOUGH_OF_ALL = 15.0, 7.5
NEARLY_ALL = 0.9
#: A household has two addresses for broadcasts: so many refusals of one announcement are more than one household's.
BROAD = 3
#: So many mails that go as usual end a wave.
OVER_AFTER = 20
#: A share of refusals that is harmless even where usually nothing is refused.
HARMLESS = 0.1
#: So many times the usual share is a wave; where much is usual, so is what is nearer to all than to the usual.
TIMES = 5.0
#: What is taken to be usual weighs as much as this many mails of history.
PRIOR_MAILS, PRIOR_SHARE = 100, 0.02
#: What is left of a sum of fractions that is nothing.
NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class Lot:
    """How many mails of an announcement a receiver took and refused for good; `thawed`: an operator says, no wave."""

    accepted: int
    refused: int
    thawed: bool = False

    @property
    def mails(self) -> int:
        """Return how many mails were taken or refused for good."""
        return self.accepted + self.refused

    def __add__(self, other: "Lot") -> "Lot":
        return Lot(self.accepted + other.accepted, self.refused + other.refused)


NONE = Lot(0, 0)


@dataclass(frozen=True, slots=True)
class Wave:
    """Which of some lots are a wave's: from `first`, the first `broad` one, to before `end` (None: it stands)."""

    first: int
    broad: int
    end: int | None


def usual_share(history: Lot) -> float:
    """Return the share of mails, from 0 to 1, that a receiver with this history usually refuses."""
    return (history.refused + PRIOR_MAILS * PRIOR_SHARE) / (history.mails + PRIOR_MAILS)


def harmless_share(history: Lot) -> float:
    """Return the share of refusals that is harmless there: some of 1 always is too much."""
    usual = usual_share(history)
    return max(HARMLESS, min(TIMES * usual, (1 + usual) / 2))


def may_begin(lot: Lot) -> bool:
    """Tell whether a lot may begin a wave or go on with one, whatever came before."""
    return lot.refused > HARMLESS * lot.mails


def waves(lots: Sequence[Lot]) -> list[Wave]:
    """Return the waves among lots, the oldest first."""
    found: list[Wave] = []
    usual, run = NONE, None
    for number, lot in enumerate(lots):
        run = run or _Run(number)
        if not lot.thawed and run.goes_on(number, lot, usual):
            continue
        # What no wave was made of is history, and so is what ended one.
        usual += lot if run.is_wave or lot.thawed else run.total
        if run.is_wave:
            found.append(run.wave(number))
        run = None
    return [*found, run.wave(None)] if run and run.is_wave else found


def begun(lots: Sequence[Lot]) -> Wave | None:
    """Return the wave that stands after these lots, the oldest first; None if none does."""
    found = waves(lots)
    return found[-1] if found and found[-1].end is None else None


@dataclass(slots=True)
class _Run:
    """Lots that follow each other and of which, summed up, more is refused than harmless."""

    first: int
    broad: int | None = None
    total: Lot = NONE
    surplus: float = 0.0
    is_wave: bool = False

    def goes_on(self, number: int, lot: Lot, usual: Lot) -> bool:
        """Add a lot; return whether more is refused than harmless even so."""
        share = harmless_share(usual if self.is_wave else usual + self.total)
        most = OVER_AFTER * share if self.is_wave else self.surplus
        self.surplus = min(self.surplus, most) + lot.refused - share * lot.mails
        self.total += lot
        if self.broad is None and lot.refused >= BROAD:
            self.broad = number
        if self.surplus <= NOTHING:
            return False
        self.is_wave = self.is_wave or (self.broad is not None and self.surplus >= self._enough(usual))
        return True

    def _enough(self, usual: Lot) -> float:
        nearly_all = self.total.refused >= NEARLY_ALL * self.total.mails
        return ENOUGH_OF_ALL if nearly_all and usual.accepted >= self.total.refused else ENOUGH

    def wave(self, end: int | None) -> Wave:
        """Return what this run is, given that it is a wave."""
        return Wave(self.first, self.first if self.broad is None else self.broad, end)
