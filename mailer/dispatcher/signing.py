"""Who has mail written and signed before a session takes it?

Jobs wait here by lane, within a lane by domain (see `schedule.turns`), and go to the signatory by the handful, the most
urgent first: one handful is signed while the loop speaks. What cannot be made is told to its owner; nothing is sent
unsigned, and but for safety mail nothing without the signature that every receiver checks (RSA).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from mailer.dispatcher.job import Job
from mailer.dispatcher.letters import Letters
from mailer.domain.lane import Lane
from mailer.message.compose import Draft
from mailer.schedule.fairness import LaneTurns
from mailer.schedule.turns import Turns

log = logging.getLogger(__name__)

#: Few enough that urgent mail waits for little, enough that asking for signatures costs little beside making them.
TOGETHER = 16
#: So many of one domain follow each other: a session that has the next mail before the last is answered saves a round
#: trip (RFC 2920 §3.1).
RUN = 4


class Signatory(Protocol):
    """Who signs: see `mailer.signatory`."""

    async def sign(self, selectors: Sequence[str], digests: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
        """Return for each mail its signatures, one of each selector."""


class Client(Protocol):
    """Who has mail written, and hears what came of it."""

    def written(self, jobs: Sequence[Job]) -> None:
        """These jobs have their content."""

    def not_written(self, job: Job, why: str) -> None:
        """The mail of this job cannot be made; `why` is for an operator."""

    def not_signed(self, job: Job) -> None:
        """Nobody signs any more: nothing will be sent of this job here."""


class Unwritten:
    """Jobs that have no content yet, in the order in which they get it."""

    def __init__(self, size: Callable[[str], int]) -> None:
        self._lanes = {lane: Turns[Job](size) for lane in Lane}
        self._turns = LaneTurns()

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def add(self, job: Job) -> None:
        """Put a job behind those of its lane and domain."""
        self._lanes[job.claimed.lane].add(job.claimed.domain, job)

    def take(self, most: int) -> list[Job]:
        """Take those whose turn it is."""
        taken: list[Job] = []
        while self and len(taken) < most:
            taken += self._take(most - len(taken))
        return taken

    def withdraw(self, unwanted: Callable[[Job], bool]) -> list[Job]:
        """Take the unwanted jobs."""
        return [job for jobs in self._lanes.values() for job in jobs.withdraw(unwanted)]

    def clear(self) -> list[Job]:
        """Take all jobs."""
        return [job for jobs in self._lanes.values() for job in jobs.clear()]

    def _take(self, most: int) -> list[Job]:
        waiting = [lane for lane, jobs in self._lanes.items() if jobs]
        lane = self._turns.next(waiting)
        one = lane is Lane.NOTICE and len(waiting) > 1
        taken = self._lanes[lane].take_some(lambda job: 1 if one else min(_run(job), most))
        for _ in taken:
            self._turns.went(lane)
        return taken


def _run(job: Job) -> int:
    """Return how many of a domain follow each other: a receiver near by has taken a few before the next are there."""
    return TOGETHER if job.way.door is not None and job.way.door.is_near else RUN


class Signing:
    """Writes the content of jobs; `size` tells how many addresses a domain has, at least 1."""

    def __init__(self, letters: Letters, signatory: Signatory, client: Client, size: Callable[[str], int]) -> None:
        self._letters = letters
        self._signatory = signatory
        self._client = client
        self._waiting = Unwritten(size)
        self._working: asyncio.Task[None] | None = None
        #: True once nobody signs any more: the process has to end and be started again.
        self.is_over = False

    def write(self, jobs: Sequence[Job]) -> None:
        """Have the contents of jobs written soon."""
        for job in jobs:
            self._waiting.add(job)
        if jobs and self._working is None:
            self._working = asyncio.create_task(self._work())

    def withdraw(self, unwanted: Callable[[Job], bool]) -> list[Job]:
        """Return the unwanted jobs that were not begun: nothing is written of them."""
        return self._waiting.withdraw(unwanted)

    async def close(self) -> list[Job]:
        """Begin nothing more; return the jobs that were not begun once the rest is done."""
        unused = self._waiting.clear()
        if self._working is not None:
            await self._working
        return unused

    async def _work(self) -> None:
        try:
            while self._waiting:
                handful = self._waiting.take(TOGETHER)
                drafts: dict[Sequence[str], list[tuple[Job, Draft]]] = {}
                for job in handful:
                    if (draft := self._draft(job)) is not None:
                        drafts.setdefault(self._letters.selectors(job), []).append((job, draft))
                for selectors, some in drafts.items():
                    await self._sign(selectors, some)
        finally:
            self._working = None

    def _draft(self, job: Job) -> Draft | None:
        try:
            return self._letters.draft(job)
        except Exception:
            log.exception("the mail of %s cannot be made", job.claimed.queue_id)
            self._client.not_written(job, "see the log of the mailer")
            return None

    async def _sign(self, selectors: Sequence[str], drafts: Sequence[tuple[Job, Draft]]) -> None:
        try:
            signatures = await self._signatory.sign(selectors, [draft.digests for _, draft in drafts])
        except Exception as error:
            # Whatever it is, these jobs are claimed: they must not be forgotten in here.
            log.error("nobody signs any more: %r", error)
            self.is_over = True
            for job, _ in drafts:
                self._client.not_signed(job)
            return
        self._client.written(
            [job for (job, draft), own in zip(drafts, signatures, strict=True) if self._put(job, draft, own)]
        )

    def _put(self, job: Job, draft: Draft, signatures: Sequence[bytes]) -> bool:
        try:
            # What concerns the safety of children does not wait for a key: SPF speaks for it, too.
            job.content = draft.signed(signatures, at_any_rate=job.claimed.lane is Lane.SAFETY)
        except ValueError as error:
            log.error("the mail of %s cannot be made: %s", job.claimed.queue_id, error)
            self._client.not_written(job, str(error))
            return False
        return True
