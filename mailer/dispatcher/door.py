"""Which jobs wait for one set of hosts, and may it be tried now?

A door that could not be opened rests: ten seconds, then twice as long each time, at most what the carrier's manners
say. Urgent mail tries at least every half minute (requirement F1: seconds count).
"""

from collections import Counter

from mailer.dispatcher.job import Job, Waiting
from mailer.dispatcher.limits import LONGEST_URGENT_PAUSE
from mailer.domain.lane import Lane
from mailer.net.routes import Route

FIRST_PAUSE = 10.0
#: A door that took mail a moment ago is not shut: the receiver only counts a connection that we have just left.
BREATH = 1.0
LIVELY_SECONDS = 10.0
#: So many connections are opened at once before the first is greeted; then as many more as are open, doubling. A
#: receiver that wants few thus needs few refusals to say so, and twenty are open after three round trips.
FIRST_DIALS = 4
#: Nor is one opened for jobs that the open ones will have taken by then: a receiver near by needs few.
SOON_SECONDS = 0.03
NEAR_SECONDS = 0.01
#: So many jobs at most wait at a door that nobody has opened yet: it may be mute, and others of its site are not.
FIRST_JOBS = 16
#: Of the time that opening a session takes, a mail takes about this part (greeting, EHLO and TCP are round trips each).
OPENING_ROUNDS = 3

_NO_LESS_URGENT = {least: tuple(lane for lane in Lane if lane <= least) for least in Lane}


class Door:
    """One set of MX hosts: its waiting jobs and connections; times are monotonic seconds.

    `routes` are those of the domains that lead here: each names the hosts with what its own domain asks of them, and
    hears in its TLS report of the connections that are opened for its mail. `expected` counts the jobs that are being
    written and will wait here.
    """

    def __init__(self, longest_pause: float) -> None:
        self.routes: dict[str, Route] = {}
        self.waiting = Waiting()
        self.expected = Counter(dict.fromkeys(Lane, 0))
        self.connections = 0
        self.dialling = 0
        self._longest_pause = longest_pause
        self._pause = 0.0
        self._failed_at = 0.0
        self._succeeded_at = float("-inf")
        self._mail_seconds = 0.0
        self._settled_at = 0.0
        self._under_way = 0

    @property
    def is_shut_out(self) -> bool:
        """Tell whether jobs wait here and no connection is open or being opened for them."""
        return bool(self.waiting) and not self.connections and not self.dialling

    @property
    def is_deserted(self) -> bool:
        """Tell whether no domain leads here any more and nothing is under way."""
        return not (self.routes or self.in_hand() or self.connections or self.dialling)

    def leads(self, job: Job) -> bool:
        """Tell whether a job's domain leads here still; else what opens this door may be less than it asks for."""
        return job.claimed.domain in self.routes

    def in_hand(self, least: Lane = Lane.NOTICE) -> int:
        """Return how many jobs of this lane or a more urgent one wait here or are being written."""
        expected, waiting = self.expected, self.waiting.lanes
        return sum([expected[lane] + len(waiting[lane]) for lane in _NO_LESS_URGENT[least]])

    def wants_dial(self, idle: int, now: float, *, alone: bool = True) -> bool:
        """Tell whether one more connection should be opened for the jobs that wait, `idle` sessions being free.

        Unless it is `alone` in having mail, a door that is not open yet is tried once at a time.
        """
        waiting = len(self.waiting)
        at_once = max(FIRST_DIALS, self.connections) if alone or self.connections else 1
        return (
            self.dialling < at_once
            and self.dialling + idle < waiting
            and (not self.connections or waiting * self._lasts(now) > self.connections * SOON_SECONDS)
        )

    def opened(self, seconds: float, now: float) -> None:
        """A session was opened within so many seconds: so far away is the receiver."""
        self.connections += 1
        self._mail_seconds = self._mail_seconds or seconds / OPENING_ROUNDS
        self._settled_at = now

    def began(self, now: float) -> None:
        """A session takes a mail; if none was under way, the time until then says nothing of the receiver."""
        if not self._under_way:
            self._settled_at = now
        self._under_way += 1

    def settled(self, seconds: float, now: float) -> None:
        """A mail took so long."""
        self._under_way -= 1
        self._mail_seconds += (seconds - self._mail_seconds) / 8
        self._settled_at = now

    def _lasts(self, now: float) -> float:
        """Return how long a mail takes; a receiver that has stopped answering shows in the time since it last did."""
        return max(self._mail_seconds, now - self._settled_at) if self._under_way else self._mail_seconds

    def may_try(self, lane: Lane, now: float) -> bool:
        """Tell whether a connection may be opened for this lane now."""
        pause = min(self._pause, LONGEST_URGENT_PAUSE) if lane is Lane.SAFETY else self._pause
        return bool(self.connections) or now >= self._failed_at + pause

    def failed(self, now: float) -> bool:
        """No host could be spoken to: rest, longer each time. Return False if it is only a breath."""
        self._failed_at = now
        if self.is_lively(now):
            self._pause = BREATH
            return False
        self._pause = min(max(FIRST_PAUSE, self._pause * 2), self._longest_pause)
        return True

    @property
    def is_near(self) -> bool:
        """Tell whether the receiver takes a mail within next to no time."""
        return 0.0 < self._mail_seconds < NEAR_SECONDS

    @property
    def has_failed(self) -> bool:
        """Tell whether the door could not be opened when it was last tried."""
        return self._pause > 0.0

    @property
    def has_failed_again(self) -> bool:
        """Tell whether the door could not be opened twice running or more."""
        return self._pause > FIRST_PAUSE

    def is_lively(self, now: float) -> bool:
        """Tell whether a mail was taken a moment ago."""
        return now - self._succeeded_at < LIVELY_SECONDS

    def succeeded(self, now: float) -> None:
        """A mail was taken: the door is open."""
        self._pause = 0.0
        self._succeeded_at = now

    def hurry(self) -> None:
        """Rest no longer."""
        self._pause = 0.0
