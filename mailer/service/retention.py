"""What is forgotten, and what is kept?

What each kind's term is says `mailer.domain.retention`. Looking for what is old locks nobody out; what goes, goes in
transactions of `LONGEST` at most, and is overwritten in the store's file. Of an announcement the sums are written
first, and stand for its recipients from then on. What was forgotten is entered in the audit log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mailer.clock import elapsed
from mailer.domain.retention import RULES, Kind, until
from mailer.service.audit import TIMER, record
from mailer.service.office import Office
from mailer.store import figures, retention
from mailer.store.accounting import Forgotten, Tally
from mailer.store.retention import PARTS, Held

__all__ = ["PARTS", "Forgotten", "Kept", "Kind", "Room", "close", "enter", "find", "forget", "kept", "over", "room"]

#: How long the store may be locked at a time, in seconds, but for the commit; so many rows go between two looks.
LONGEST, FEW = 0.01, 10
#: So many are looked for at a time.
MOST = 2000


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind: how long it is kept (None: for good, or as long as it holds), and what is held of it now."""

    kind: Kind
    settable: bool
    term: timedelta | None
    held: Held | None


@dataclass(frozen=True, slots=True)
class Room:
    """The octets of the store's file, and how many of them wait to be written anew."""

    file: Path
    octets: int
    spare: int


def find(office: Office, kind: Kind, part: str) -> list[int]:
    """Return the numbers of rows that may be forgotten, up to MOST; reading only."""
    before = until(kind, office.kept, office.clock())
    return [] if before is None else retention.find(part, before, MOST)


def forget(part: str, numbers: Sequence[int]) -> tuple[int, int]:
    """Forget rows from the first on until it took too long; inside a Writer.

    Return how many of them were gone through, and how many were forgotten.
    """
    began, through, forgotten = elapsed(), 0, 0
    with retention.overwriting():
        while through < len(numbers) and elapsed() - began < LONGEST:
            forgotten += retention.forget(part, numbers[through : through + FEW])
            through = min(through + FEW, len(numbers))
    return through, forgotten


def over(office: Office) -> tuple[str, Tally] | None:
    """Return an announcement whose recipients are to be forgotten, with its sums; None if there is none."""
    before = until(Kind.BROADCASTS, office.kept, office.clock())
    return None if before is None else retention.over(before)


def close(office: Office, announcement_id: str, sums: Tally) -> None:
    """Let the sums of an announcement stand for its recipients, who go next; inside a Writer."""
    retention.close(announcement_id, sums, office.clock())


def enter(office: Office, kind: Kind, forgotten: int, before: datetime) -> None:
    """Enter in the audit log how much of a kind was forgotten; inside a Writer."""
    record(office, TIMER, "retention.forget", kind.value, forgotten=forgotten, before=before.isoformat())


def kept(office: Office) -> list[Kept]:
    """Return what is kept for how long, and how much of it there is; reading only."""
    held = retention.held()
    return [Kept(kind, rule.is_settable, rule.term(office.kept), held.get(kind)) for kind, rule in RULES.items()]


def room() -> Room:
    """Return how big the store is, and how much of it waits to be written anew."""
    return Room(figures.store_file(), figures.store_octets(), figures.spare_octets())
