"""When may the next mail go to this site?

A token bucket in its arithmetic form (the generic cell rate algorithm): one number says when the bucket will be full
again, so nothing ticks. Time is monotonic seconds, handed in. A site has one pace with two rates. Each mail, urgent or
not, takes its share of both: urgent mail never waits for what ordinary mail has used up, and ordinary mail finds no
turn while urgent mail is going, but goes on at once afterwards.
"""

from mailer.carrier.group import Manners

BURST_SECONDS = 1.0
#: Times are compared with this slack, so that who waits exactly as long as told is let through.
SLACK_SECONDS = 1e-6


class Pace:
    """The pace of one site. `rate` and `urgent_rate` are mails per second, None means that there is no limit.

    `burst` is the number of mails that may go at once after a rest; it counts for both rates and is at least one.
    """

    def __init__(self, rate: float | None, burst: float, *, urgent_rate: float | None = None) -> None:
        self._ordinary = _Bucket(rate, burst)
        self._urgent = _Bucket(urgent_rate, burst)

    @classmethod
    def of(cls, manners: Manners) -> "Pace":
        """Return the pace that a carrier's manners ask for; after a rest one second's worth of mails may go at once."""
        rate, urgent = manners.messages_per_second, manners.urgent_messages_per_second
        return cls(rate, max(1.0, (rate or 0.0) * BURST_SECONDS), urgent_rate=urgent)

    def keep_to(self, part: float) -> None:
        """Go at this part of both rates from now on (more than 0, at most 1): others have the rest."""
        self._ordinary.keep_to(part)
        self._urgent.keep_to(part)

    def take(self, now: float, *, urgent: bool = False) -> float:
        """Take one mail's turn and return 0.0, or return the seconds to wait and take nothing."""
        wait = self._urgent.wait(now) if urgent else max(self._ordinary.wait(now), self._urgent.wait(now))
        if wait > 0.0:
            return wait
        self._urgent.add(now)
        if urgent:
            self._ordinary.use_up(now)
        else:
            self._ordinary.add(now)
        return 0.0


class _Bucket:
    """One rate: `_full_at` is when the bucket will be full again, a whole bucket being `_depth` seconds."""

    def __init__(self, rate: float | None, burst: float) -> None:
        self._whole = 0.0 if rate is None else 1.0 / rate
        self._burst = burst
        self.keep_to(1.0)
        self._full_at = float("-inf")

    def keep_to(self, part: float) -> None:
        """Fill as slowly as befits a part of the rate, and hold no more than that part of the burst."""
        self._interval = self._whole / part
        self._depth = max(1.0, self._burst * part) * self._interval

    def wait(self, now: float) -> float:
        """Return the seconds until one more fits, 0.0 if it fits now."""
        seconds = self._full_at + self._interval - self._depth - now
        return seconds if seconds > SLACK_SECONDS else 0.0

    def add(self, now: float) -> None:
        """Count one mail."""
        self._full_at = max(self._full_at, now) + self._interval

    def use_up(self, now: float) -> None:
        """Leave nothing for the next moment, without running into debt."""
        self._full_at = max(self._full_at, now + self._depth)
