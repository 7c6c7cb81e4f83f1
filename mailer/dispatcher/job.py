"""What does a claimed item carry while this process works on it?"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailer.domain.lane import Lane
from mailer.schedule.claim import Claimed
from mailer.schedule.fairness import LaneTurns
from mailer.schedule.outcome import SmtpSession
from mailer.smtp.address import Address, parse_address
from mailer.smtp.envelope import Fact
from mailer.smtp.reply import Stage

if TYPE_CHECKING:
    from mailer.dispatcher.door import Door
    from mailer.dispatcher.site import Site
    from mailer.dispatcher.ways import Way

CLOSING = 421  # RFC 5321 §3.8: the server leaves
#: How often an item whose turn had not come when a session ended may go to another one within the same attempt.
MOST_SESSIONS = 5


@dataclass(slots=True)
class Job:
    """A claimed item in this process: being written, or in exactly one of a site's hands, a session's, the ledger's.

    `way` is where it goes once it has its content, `taken_at` when a session took it (monotonic seconds); `earlier` is
    what was said about it before it went again within the attempt.
    """

    claimed: Claimed
    address: Address
    way: "Way"
    content: bytes = b""
    bare: bool = False
    sessions: int = 0
    taken_at: float = 0.0
    earlier: list[tuple[SmtpSession, str]] = field(default_factory=list)

    @property
    def site(self) -> "Site":
        """The site it goes to."""
        assert self.way.site is not None, "what goes nowhere is not written"
        return self.way.site

    @property
    def door(self) -> "Door":
        """The door it goes to."""
        assert self.way.door is not None, "what goes nowhere is not written"
        return self.way.door


def job_of(claimed: Claimed, way: "Way", bare_domains: frozenset[str]) -> Job:
    """Return the job for a claim; raise AddressError for a stored address that is none (they are checked before)."""
    address = parse_address(claimed.address)
    return Job(claimed, address, way, bare=address.irregular and claimed.domain in bare_domains)


def turn_never_came(fact: Fact, answered: int) -> bool:
    """Tell whether a session that had `answered` other mails ended before this one was really offered.

    Another session may then take it at once.
    """
    if fact.reply is None:
        return fact.failure == "closed" and answered > 0
    return fact.reply.code == CLOSING and fact.stage is not Stage.EOD and answered > 0


@dataclass(slots=True)
class Waiting:
    """Jobs in the order in which they go: by the fairness of lanes, and within a lane as they came."""

    lanes: dict[Lane, deque[Job]] = field(default_factory=lambda: {lane: deque() for lane in Lane})
    _turns: LaneTurns = field(default_factory=LaneTurns)

    def __len__(self) -> int:
        return sum(map(len, self.lanes.values()))

    def add(self, job: Job) -> None:
        """Put a job behind those of its lane."""
        self.lanes[job.claimed.lane].append(job)

    def put_back(self, job: Job) -> None:
        """Put a job whose turn it is in front of its lane."""
        self.lanes[job.claimed.lane].appendleft(job)

    def first(self) -> Job | None:
        """Return the job that goes next without taking it."""
        waiting = [lane for lane, jobs in self.lanes.items() if jobs]
        return self.lanes[self._turns.next(waiting)][0] if waiting else None

    def take(self) -> Job:
        """Take the job that goes next; raise IndexError if there is none."""
        job = self.first()
        if job is None:
            raise IndexError("no job waits")
        self._turns.went(job.claimed.lane)
        return self.lanes[job.claimed.lane].popleft()

    def withdraw(self, unwanted: Callable[[Job], bool]) -> list[Job]:
        """Take the unwanted jobs; the others stay in their order."""
        taken: deque[Job] = deque()
        for lane, jobs in self.lanes.items():
            kept: deque[Job] = deque()
            for job in jobs:
                (taken if unwanted(job) else kept).append(job)
            self.lanes[lane] = kept
        return [*taken]

    def clear(self) -> list[Job]:
        """Take all jobs."""
        taken = [job for jobs in self.lanes.values() for job in jobs]
        for jobs in self.lanes.values():
            jobs.clear()
        return taken
