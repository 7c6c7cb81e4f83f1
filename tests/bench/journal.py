"""What did the receivers take, and when?"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOOK_SECONDS = 0.05
STALLED_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail at a receiver: whose, under which reverse-path, and when RCPT and 250 were (seconds since 1970)."""

    address: str
    path: str
    rcpt: float
    at: float

    @property
    def item(self) -> int:
        """Return the number of the queue item that its reverse-path names."""
        return int(self.path.split("-")[1], 16)


@dataclass
class Account:
    """All that a process of lean receivers wrote into its journal."""

    taken: list[Taken] = field(default_factory=list)
    counted: list[dict[str, Any]] = field(default_factory=list)
    cpu: float = 0.0

    def total(self, what: str) -> int:
        """Return the sum of something that each receiver counted."""
        return sum(one[what] for one in self.counted)

    @property
    def most_connections(self) -> int:
        """Return the most connections that stood at one receiver."""
        return max(int(one["most_connections"]) for one in self.counted)


def read(path: Path) -> Account:
    """Read a journal; it is whole once its receivers have ended."""
    account = Account()
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry.pop("kind") == "counted":
            account.cpu = entry.pop("cpu", account.cpu)
            account.counted += [entry] if entry else []
        elif "rcpt" in entry:
            account.taken.append(Taken(**entry))
    return account


class Tail:
    """Follows a journal while it grows, for next to no CPU time."""

    def __init__(self, path: Path, but: bytes | None = None) -> None:
        """Follow a journal; mails whose line has `but` in it do not count."""
        self._path = path
        self._but = but
        self._read = 0
        self.taken = 0

    def look(self) -> int:
        """Return how many mails were taken so far."""
        if self._path.exists():
            with self._path.open("rb") as journal:
                journal.seek(self._read)
                whole, end, _ = journal.read().rpartition(b"\n")
            self._read += len(whole) + len(end)
            self.taken += sum(b'"answered"' in line and not self._is_left_out(line) for line in whole.split(b"\n"))
        return self.taken

    def _is_left_out(self, line: bytes) -> bool:
        return self._but is not None and self._but in line

    def wait_for(self, mails: int) -> None:
        """Wait until so many were taken; fail when nothing comes any more."""
        before, since = -1, time.monotonic()
        while self.look() < mails:
            if self.taken != before:
                before, since = self.taken, time.monotonic()
            assert time.monotonic() - since < STALLED_SECONDS, f"only {self.taken} of {mails} mails came"
            time.sleep(LOOK_SECONDS)
