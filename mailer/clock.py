"""What time is it? The one place of the product that asks the machine.

Everything else takes a `Clock` and calls it; stored and compared times are aware and UTC.
Japan time appears only on pages, in mail text and in what people type.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mailer.domain.moment import JAPAN as JAPAN

Clock = Callable[[], datetime]
#: Less is the ordinary correction of a clock that runs a little fast or slow.
LEAST_JUMP = timedelta(seconds=5)


def system_clock() -> datetime:
    """Return the machine's time: aware, UTC."""
    return datetime.now(UTC)


def elapsed() -> float:
    """Return the seconds since the machine was started, sleep included; nobody can set them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """A `Clock` that goes on evenly when somebody sets the machine's clock, until it is told to `follow`."""

    def __init__(self, wall: Clock = system_clock, elapsed: Callable[[], float] = elapsed) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self.follow()

    def __call__(self) -> datetime:
        """Return the time: aware, UTC."""
        return self._began + timedelta(seconds=self._elapsed() - self._began_at)

    def set_by(self) -> timedelta:
        """Return how far the machine's clock was set since we last followed it; negative if it was set back."""
        return self._wall() - self()

    def follow_if(self, whatever: bool) -> None:
        """Take the machine's time if it was hardly set, or whatever it is."""
        if whatever or abs(self.set_by()) < LEAST_JUMP:
            self.follow()

    def follow(self) -> None:
        """Take the machine's time."""
        self._began, self._began_at = self._wall(), self._elapsed()
