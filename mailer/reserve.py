"""Is there enough room on the disk to take in what others send?

What comes in must not take the room that sending and receipts need, so it is refused for the time while less is free
than a part of the disk and a number of MiB, whichever is larger (attacks P5). The disk is asked once a second.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mailer.clock import elapsed

MIB = 1024 * 1024
LOOK_SECONDS = 1.0


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
    ) -> None:
        self._directory = directory
        self._percent = percent
        self._megabytes = megabytes
        self._now = now
        self._usage = usage
        self._looked_at = float("-inf")
        self._holds = True

    def holds(self) -> bool:
        """Tell whether that much is free."""
        now = self._now()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            found = self._usage(self._directory)
            self._holds = found.free >= max(found.total * self._percent // 100, self._megabytes * MIB)
        return self._holds
