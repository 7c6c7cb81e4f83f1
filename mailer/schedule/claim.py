"""What is handed from the queue to the dispatcher?

A claim is one attempt: it is written down, with the time of the next one, before the dispatcher gets it. Whoever has a
claim settles it, gives it back unused, or dies; then it is found again and counts as lost.
"""

from dataclasses import dataclass
from datetime import datetime

from mailer.domain.lane import Lane
from mailer.schedule.queue_id import queue_id


@dataclass(frozen=True, slots=True)
class DueDomain:
    """A domain for which items of a lane wait; `first_due` is when the first of them is due."""

    domain: str
    lane: Lane
    first_due: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """An item under a claim: all that is needed to write and send its mail. `attempt` is its number."""

    item_id: int
    announcement_id: str
    school: str
    address: str
    domain: str
    lane: Lane
    attempt: int
    expires_at: datetime
    possible_duplicate: bool

    @property
    def queue_id(self) -> str:
        """The name of the item as people and logs see it."""
        return queue_id(self.item_id)


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many lost claims were found: `again` are waiting once more, `held` wait for a person, `ended` are over."""

    again: int
    held: int
    ended: int
