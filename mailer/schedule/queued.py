"""What is shown of a queue item, and how does a person say which items are meant?"""

from dataclasses import dataclass
from datetime import datetime

from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState, told
from mailer.schedule.outcome import Evidence, SmtpSession, Verdict
from mailer.schedule.stop import ASIDE


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """A queue item as it stands. `evidence` is what the last attempt with a known end was told, at `replied_at`.

    A `canary` is a mailbox of our own that rides with the announcement, and no recipient. `stopping` is why an item
    under way gets no further attempt (empty: it does).
    """

    id: int
    announcement_id: str
    school: str
    address: str
    domain: str
    lane: Lane
    state: ItemState
    attempts: int
    possible_duplicate: bool
    next_attempt_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    evidence: Evidence
    replied_at: datetime | None
    canary: bool = False
    stopping: str = ""

    @property
    def word(self) -> str:
        """The word of the Surface for the state."""
        return told(self.state, self.attempts)

    @property
    def next_try(self) -> datetime | None:
        """When it is tried next; None while a stop keeps it, and where the attempt under way is its last."""
        return None if self.stopping or self.next_attempt_at >= ASIDE else self.next_attempt_at


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt at an item; `verdict` is None while it is under way. The last three are those of its `Outcome`."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    verdict: Verdict | None
    evidence: Evidence
    session: SmtpSession | None = None
    transcript: str = ""
    earlier: tuple[SmtpSession, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items are meant: all that fit every criterion given. An empty criterion lets everything pass.

    `domains` are the receiving domains of a carrier or site, `address_key` has its domain in lower case; `canaries`
    tells whether canaries alone are meant or recipients alone, `tried` whether only what was tried or what never was.
    """

    numbers: tuple[int, ...] = ()
    announcement_id: str = ""
    domains: frozenset[str] = frozenset()
    address_key: str = ""
    states: frozenset[ItemState] = frozenset()
    school: str = ""
    canaries: bool | None = None
    tried: bool | None = None

    @property
    def names_something(self) -> bool:
        """False if the selection means the whole queue."""
        return bool(self.numbers or self.announcement_id or self.domains or self.address_key or self.school)
