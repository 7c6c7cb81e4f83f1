"""Which sites may a worker speak to, and what has been learned of them?

A worker lives as long as it renews its lease; it leases a share of every site that it has mail for. Times of leases
are seconds since the machine's start (`clock.elapsed`). The functions are made for a `Writer` and called inside of it;
those that only read may be called anywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mailer.schedule.site import SiteState
from mailer.service.office import Office
from mailer.store import leases, site_memory

__all__ = [
    "TERM_SECONDS",
    "Board",
    "board",
    "give_up",
    "lapsed",
    "remember",
    "renew",
    "speak",
    "take",
]

#: A worker that has not renewed its lease for so long is dead; it renews after a third of it.
TERM_SECONDS = 60.0
#: What was learned longer ago is tried anew: limits are set down for a time, not for good.
MEMORY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Board:
    """What a worker sees of the others: the connections they have at each site, the sites that they speak to now, and
    what was learned of sites."""

    others: Mapping[str, int]
    spoken: frozenset[str]
    states: Sequence[SiteState]


def board(office: Office, worker: str, now: float) -> Board:
    """Return what stands on the board for a worker."""
    at = _milliseconds(now)
    return Board(leases.others(worker, at), leases.spoken(worker, at), site_memory.states(office.clock() - MEMORY))


def renew(worker: str, now: float) -> float:
    """Let a worker live for another term; return when that ends."""
    until = now + TERM_SECONDS
    leases.renew(worker, _milliseconds(until))
    return until


def take(worker: str, site: str, most: int, workers: int, now: float) -> tuple[int, int]:
    """Lease a fair share of the `most` connections of a site; return how many, and how many the others have.

    The share is 0 while others have them all. `workers` says how many there should be, whether or not all of them live
    yet.
    """
    return leases.take(site, worker, most, workers, _milliseconds(now))


def speak(worker: str, sites: Sequence[str], speaks: bool) -> None:
    """Tell the others that this worker has sessions with leased sites, or has none any more."""
    leases.speak(worker, sites, speaks)


def give_up(worker: str, sites: Sequence[str]) -> None:
    """Give shares back for which there is no mail any more."""
    leases.give_up(worker, sites)


def lapsed(now: float) -> list[str]:
    """Return the workers whose term is over: nobody has seen them die."""
    return leases.lapsed(_milliseconds(now))


def remember(office: Office, state: SiteState) -> None:
    """Keep what a site made us learn for the other workers and the next start; forget what is old."""
    site_memory.forget(office.clock() - MEMORY)
    site_memory.remember(state)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
