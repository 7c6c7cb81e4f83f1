"""How may this worker treat a site now?

Its leased share of the connections, what the site made us learn, the pace, and the rest after a block, in one place.
Times are monotonic seconds. After a block ordinary mail rests as long as the manners say; urgent mail tries again after
half a minute at the latest (requirement F1: seconds count). A mail that is taken after the block ends the rest.
"""

from dataclasses import dataclass
from datetime import datetime

from mailer.carrier.allowance import Allowance
from mailer.carrier.group import Manners
from mailer.carrier.pace import Pace
from mailer.domain.lane import Lane

LONGEST_URGENT_PAUSE = 30.0
#: A claim takes this much work per connection: what is under way, and what follows it until the next claim.
JOBS_PER_CONNECTION = 4
FEWEST_JOBS = 4
#: Nor more than the pace lets out in this time.
AHEAD_SECONDS = 2.0
#: What is refused at the same moment says one thing, not many.
ONE_WAVE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """What has been learned of a site: as in `SiteState`, but the rest is in seconds from now (0.0: none).

    `taken` says that it was learned because mail is taken again.
    """

    connections: int
    messages_per_session: int
    rest: float
    taken: bool = False


class Limits:
    """What one worker may do at one site; `connections` is 0 while nothing is leased."""

    def __init__(self, manners: Manners, workers: int) -> None:
        """Take the manners of the site, and how many workers will share it."""
        self.manners = manners
        self._fair_share = -(-manners.connections // workers)
        self._allowance = Allowance(manners.connections, manners.messages_per_session)
        self._pace = Pace.of(manners)
        self._blocked_at = float("-inf")
        self._rests_until = float("-inf")
        self._refused_at = float("-inf")

    @property
    def share(self) -> int:
        """Return how many connections are leased."""
        return self._allowance.share

    @property
    def connections(self) -> int:
        """Return how many connections this worker may have now."""
        return self._allowance.connections

    @property
    def messages_per_session(self) -> int:
        """Return how many mails a session may carry."""
        return self._allowance.messages_per_session

    def jobs(self) -> int:
        """Return how many jobs this worker should have in hand. Few: each that a kill leaves may be a copy."""
        jobs = max(FEWEST_JOBS, JOBS_PER_CONNECTION * (self.connections or self._fair_share))
        rate = self.manners.urgent_messages_per_second
        return jobs if rate is None else min(jobs, max(FEWEST_JOBS, int(rate * self._part * AHEAD_SECONDS)))

    def lease(self, share: int) -> None:
        """Have so many of the site's connections, and as large a part of its pace."""
        self._allowance.share = share
        if share:
            self._pace.keep_to(self._allowance.part)

    def take(self, lane: Lane, now: float) -> float:
        """Take one mail's turn and return 0.0, or return the seconds to wait and take nothing."""
        return self._pace.take(now, urgent=lane is Lane.SAFETY)

    # --- what is learned; each of these returns whether anything has changed

    def refused(self, alive: int, now: float) -> bool:
        """A connection or mail was refused for our haste while `alive` connections were open."""
        if now - self._refused_at < ONE_WAVE_SECONDS and self.connections <= max(alive, 1):
            return False
        self._refused_at = now
        return self._allowance.refused(alive)

    def session_cut(self, messages: int) -> bool:
        """The receiver ended a session after so many mails."""
        return self._allowance.session_cut(messages)

    def succeeded(self, taken_at: float, now: float) -> bool:
        """A mail that a session took at a time was taken by the receiver: whatever was after a block ends the rest."""
        ends = taken_at > self._blocked_at and now < self._rests_until
        if ends:
            self.hurry()
        return self._allowance.succeeded() or ends

    def heed(self, lesson: Lesson, now: float) -> None:
        """Take over what others learned. An end that is put off means that the site has blocked us again."""
        self._allowance.heed(lesson.connections, lesson.messages_per_session)
        if not lesson.rest and not lesson.taken:
            return  # it is of something else: only a mail that was taken ends a rest
        until = now + min(lesson.rest, float(self.manners.pause_seconds)) if lesson.rest else float("-inf")
        if until > self._rests_until + ONE_WAVE_SECONDS:
            self._blocked_at = now
        self._rests_until = until

    def lesson(self, now: float) -> Lesson:
        """Return what has been learned."""
        return Lesson(self._allowance.learned, self.messages_per_session, max(0.0, self._rests_until - now))

    # --- the rest after a block

    def block(self, now: float) -> bool:
        """The site blocks us: leave it alone. Return whether that is news: a rest that begins or is put off."""
        before, self._rests_until = self._rests_until, now + float(self.manners.pause_seconds)
        self._blocked_at = now
        return self._rests_until > before + ONE_WAVE_SECONDS

    def may_try(self, lane: Lane, now: float) -> bool:
        """Tell whether mail of a lane may go to the site now."""
        urgent = self._blocked_at + LONGEST_URGENT_PAUSE
        return now >= (min(self._rests_until, urgent) if lane is Lane.SAFETY else self._rests_until)

    def is_quiet_time(self, lane: Lane, now: datetime) -> bool:
        """Tell whether mail of a lane has to wait for another minute of the hour (the same in every time zone here)."""
        return lane is not Lane.SAFETY and now.minute in self.manners.avoid_minutes

    def hurry(self) -> None:
        """Rest no longer."""
        self._rests_until = float("-inf")

    # --- inside

    @property
    def _part(self) -> float:
        return self._allowance.part or self._fair_share / self.manners.connections
