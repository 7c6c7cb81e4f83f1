"""Are the refusals of a receiver a wave, or what it always refuses?

One bad address among many is the guardian's; a wave of refusals is ours or the receiver's (N9). What is usual is told
by the receiver's own history; where there is little of it, by what a well-kept list of addresses meets.
"""

from collections.abc import Iterable
from dataclasses import dataclass

#: So few refusals are no wave, whatever their share.
FEWEST = 20
#: A share of refusals that is no wave even where usually nothing is refused.
HARMLESS = 0.1
#: So many times the usual share is a wave.
TIMES = 5.0
#: What is taken to be usual weighs as much as this many mails of history.
PRIOR_MAILS, PRIOR_SHARE = 100, 0.02


@dataclass(frozen=True, slots=True)
class Day:
    """How many mails a receiver took and refused for good on one day."""

    accepted: int
    refused: int


def usual_share(history: Iterable[Day]) -> float:
    """Return the share of mails, from 0 to 1, that the receiver usually refuses."""
    days = list(history)
    refused = sum(day.refused for day in days) + PRIOR_MAILS * PRIOR_SHARE
    return refused / (sum(day.accepted + day.refused for day in days) + PRIOR_MAILS)


def is_wave(today: Day, history: Iterable[Day]) -> bool:
    """Tell whether the refusals of a day are a wave against the days before it."""
    if today.refused < FEWEST:
        return False
    share = today.refused / (today.accepted + today.refused)
    return share > max(HARMLESS, TIMES * usual_share(history))
