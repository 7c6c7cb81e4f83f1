"""What does the store show, ten times a second and as soon as a broadcast is there?

Which domains have due items, what operators have flushed or want stopped, what stands on the board of the workers, and
how far the queue's times were set with the machine's clock. Looking never waits for who writes. Who has nothing to do
glances in between whether anybody wrote: seconds count (requirement F1).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from mailer.dispatcher.job import Job
from mailer.dispatcher.means import Means
from mailer.domain.lane import Lane
from mailer.schedule.claim import DueDomain
from mailer.schedule.stop import Stops
from mailer.service import dispatch, lease, maintenance, stops

LOOK_SECONDS = 0.1
GLANCE_SECONDS = 0.02
#: A store with thousands of domains takes longer to look at, and is looked at less often: a fifth of the time at most.
REST_FACTOR = 5


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen; `flushed` are the domains flushed since the look before, `last_flush` the last one's number.

    `shift` is how far the queue's times have been set with the machine's clock in all; `unwanted` are the items claimed
    by this worker that somebody wants stopped, `stops` keep parts of the queue from leaving.
    """

    due: Sequence[DueDomain]
    last_flush: int
    flushed: frozenset[str]
    board: lease.Board
    shift: timedelta
    unwanted: frozenset[int]
    stops: Stops

    def stops_more_than(self, before: "Look") -> bool:
        """Tell whether what was claimed before may have to be given back: nothing is claimed that a stop keeps."""
        return bool(self.unwanted) or not {one.id for one in self.stops} <= {one.id for one in before.stops}


class Lookout:
    """Looks at the store for one worker; `seen` is what it saw last."""

    def __init__(self, means: Means) -> None:
        board = lease.Board({}, frozenset(), [])
        self.seen = Look([], 0, frozenset(), board, timedelta(), frozenset(), Stops((), {}))
        self._means = means
        self._now = asyncio.get_running_loop().time
        self._next = 0.0

    @property
    def rest(self) -> float:
        """Return the seconds until the next look."""
        return max(0.0, self._next - self._now())

    def is_stopped(self, job: Job) -> bool:
        """Tell whether somebody wants a job stopped, as far as was seen."""
        seen = self.seen
        return job.claimed.item_id in seen.unwanted or (bool(seen.stops) and seen.stops.over(job.claimed) is not None)

    async def glance(self) -> None:
        """Look next without a rest if anybody has written meanwhile."""
        if await self._means.reader.has_news():
            self._next = 0.0

    async def look(self) -> Look:
        """Look, and return what was seen before."""
        before, begun = self.seen, self._now()
        self.seen = await self._means.reader.do(self._look)
        self._next = begun + max(LOOK_SECONDS, REST_FACTOR * (self._now() - begun))
        return before

    def _look(self) -> Look:
        office, means = self._means.office, self._means
        now = office.clock()
        lanes = list(Lane) if maintenance.current(now) is None else [Lane.SAFETY]
        board = lease.board(office, means.worker, means.elapsed())
        due, last = dispatch.due_domains(now, lanes), dispatch.last_flush()
        before = self.seen.last_flush
        flushed = dispatch.flushed(before) if last > before else frozenset()
        unwanted = dispatch.unwanted(means.worker)
        return Look(due, last, flushed, board, dispatch.clock_shift(), unwanted, stops.standing())
