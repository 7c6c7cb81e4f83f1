"""When is the next attempt?

RFC 5321 §4.5.4.1 asks for a delay after a failed attempt, in general of 30 minutes or more, for at least 4 to 5 days,
and allows more sophisticated strategies. Bent on purpose: mail about a child's safety is worth nothing an hour later.
Its first retry comes within 15 s; ordinary mail keeps the RFC's half hour as its longest delay; notices wait longer.
The delay doubles from attempt to attempt; jitter of 20 % keeps the items of one broadcast from coming back as one wave.
For how long an item is tried is set by its `expires_at` alone.

An attempt that may have left a copy is another matter: three of them are all that an item has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.domain.lane import Lane

JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Delays:
    """The delay after the first attempt and the longest there is, jitter included in the longest."""

    first: timedelta
    longest: timedelta


DELAYS: Mapping[Lane, Delays] = {
    Lane.SAFETY: Delays(timedelta(seconds=10), timedelta(minutes=5)),
    Lane.ORDINARY: Delays(timedelta(seconds=60), timedelta(minutes=30)),
    Lane.NOTICE: Delays(timedelta(minutes=5), timedelta(hours=2)),
}
MOST_DOUBLINGS = 10
#: The first retry stays quick: it costs a copy at most, and where nothing arrived each second counts. If that leaves
#: another in doubt, a host is probably restarting; the last attempt is kept until that is over, lest all three fall
#: into one restart and every mail of that minute waits for a person.
IN_DOUBT = timedelta(minutes=5)
QUICK_COPIES = 1


def next_attempt(lane: Lane, attempts: int, now: datetime, chance: float) -> datetime:
    """Return when an item of this lane is tried again after `attempts` (1 or more); `chance` runs from 0 to 1."""
    delays = DELAYS[lane]
    doubled = delays.first * float(2 ** min(attempts - 1, MOST_DOUBLINGS))
    return now + min(doubled, delays.longest / (1 + JITTER)) * (1 - JITTER + 2 * JITTER * chance)


def after_doubt(copies: int, again: datetime, now: datetime, chance: float) -> datetime:
    """Return when an item is tried again whose `copies` may have arrived, the last one now; `again` by its lane."""
    if copies <= QUICK_COPIES:
        return again
    return max(again, now + IN_DOUBT / (1 + JITTER) * (1 - JITTER + 2 * JITTER * chance))
