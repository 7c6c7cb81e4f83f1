"""Are the refusals of a receiver a wave, or what it always refuses?

One bad address among many is the guardian's; a wave of refusals is ours or the receiver's (N9). What is usual is told
by the receiver's own history; where there is little of it, by what a well-kept list of addresses meets. The days of a
wave are no part of what is usual, so that one that lasts does not end by being grown used to; a day of few mails
neither begins a wave nor ends one, so that midnight does not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: So few refusals are no wave, whatever their share; so few mails say nothing.
FEWEST = 20
#: A share of refusals that is no wave even where usually nothing is refused.
HARMLESS = 0.1
#: So many times the usual share is a wave.
TIMES = 5.0
#: What is taken to be usual weighs as much as this many mails of history.
PRIOR_MAILS, PRIOR_SHARE = 100, 0.02


@dataclass(frozen=True, slots=True)
class Day:
    """How many mails a receiver took and refused for good on one day; `thawed` if an operator calls that no wave."""

    accepted: int
    refused: int
    thawed: bool = False

    @property
    def mails(self) -> int:
        """Return how many mails were taken or refused for good."""
        return self.accepted + self.refused


def usual_share(history: Iterable[Day]) -> float:
    """Return the share of mails, from 0 to 1, that the receiver usually refuses."""
    days = list(history)
    refused = sum(day.refused for day in days) + PRIOR_MAILS * PRIOR_SHARE
    return refused / (sum(day.mails for day in days) + PRIOR_MAILS)


def is_much(day: Day, history: Iterable[Day]) -> bool:
    """Tell whether far more is refused on a day than on the days before it."""
    return day.refused > day.mails * max(HARMLESS, TIMES * usual_share(history))


def begun(days: Sequence[Day]) -> int | None:
    """Return on which of these days, the oldest first, the wave began that stands on the last; None if none stands."""
    usual: list[Day] = []
    since: int | None = None
    for number, day in enumerate(days):
        if day.thawed:
            since = None
        elif day.mails >= FEWEST:
            since = _goes_on(number, day, usual, since)
        if since is None:
            usual.append(day)
    return since


def _goes_on(number: int, day: Day, usual: Sequence[Day], since: int | None) -> int | None:
    if not is_much(day, usual):
        return None
    return number if since is None and day.refused >= FEWEST else since
