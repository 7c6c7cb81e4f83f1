"""Is there enough room on the disk to take in what others send?

What comes in must not take the room that sending and receipts need, so it is refused for the time while less is free
than a part of the disk and a number of MiB, whichever is larger (attacks P5). What is free inside the store
counts as free, as the store writes there first; but what it writes on the way there needs a floor of the disk itself.
Both are asked once a second. Around the limit room comes and goes with every mail: whoever is told of a shortage
hears that it is over when there was room for a minute.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mailer.clock import elapsed

MIB = 1024 * 1024
LOOK_SECONDS = 1.0
CALM_SECONDS = 60.0
#: The log of the store keeps up to so much of the disk.
FLOOR = 64 * MIB


class Usage(Protocol):
    """How big a disk is and how much of it is free, in octets."""

    @property
    def total(self) -> int:
        """All there is."""

    @property
    def free(self) -> int:
        """What we may still write."""


class Reserve:
    """What must stay free where `directory` lies."""

    def __init__(
        self,
        directory: Path,
        percent: int,
        megabytes: int,
        now: Callable[[], float] = elapsed,
        usage: Callable[[Path], Usage] = shutil.disk_usage,
        spare: Callable[[], int] = lambda: 0,
    ) -> None:
        self._directory = directory
        self._percent = percent
        self._megabytes = megabytes
        self._now = now
        self._usage = usage
        self._spare = spare
        self._looked_at = self._short_at = float("-inf")
        self._holds = True
        self._shortage = ""

    @property
    def directory(self) -> Path:
        """Where it is."""
        return self._directory

    def holds(self) -> bool:
        """Tell whether that much is free."""
        now = self._now()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            shortage = self._look()
            self._holds = not shortage
            if shortage:
                self._short_at, self._shortage = now, shortage
        return self._holds

    def shortage(self) -> str:
        """Return how much was free of what must be, or nothing if there was room for a while."""
        self.holds()
        return self._shortage if self._now() - self._short_at < CALM_SECONDS else ""

    def _look(self) -> str:
        found = self._usage(self._directory)
        wanted = max(found.total * self._percent // 100, self._megabytes * MIB)
        if found.free >= wanted:
            return ""
        floor, free = min(wanted, FLOOR), found.free + self._spare()
        if found.free < floor:
            return _less(found.free, floor)
        return _less(free, wanted) if free < wanted else ""


def _less(free: int, wanted: int) -> str:
    return f"{free // MIB} MiB < {-(-wanted // MIB)} MiB"
