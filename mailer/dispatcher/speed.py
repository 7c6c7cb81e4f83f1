"""How many jobs a second do the sessions of a site take?"""

MEASURE_SECONDS = 0.1
#: What was slower for a moment may be fast again: the figure falls by so much at each measure at most.
FALLS_TO = 0.7


class Speed:
    """What was taken lately; fast up, slowly down. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._taken = 0
        self._measured_at = now
        self._speed = 0.0

    def took_one(self) -> None:
        """A session took a job."""
        self._taken += 1

    def measure(self, now: float) -> None:
        """Look at what was taken since the last measure, if that is long enough ago."""
        if now - self._measured_at >= MEASURE_SECONDS:
            self._speed = max(self._taken / (now - self._measured_at), self._speed * FALLS_TO)
            self._taken, self._measured_at = 0, now

    def within(self, seconds: float) -> int:
        """Return how many jobs will be taken in so many seconds."""
        return int(self._speed * seconds)
