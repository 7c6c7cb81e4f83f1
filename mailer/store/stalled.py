"""Of which safety broadcasts does mail wait, where, and how does the rest of them go there?

Asked by what waits, which the index holds alone: normally a few, whatever was sent. Neither what an operator holds
nor what a stop keeps is counted.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.schedule.outcome import Evidence
from mailer.schedule.stop import ASIDE
from mailer.store.database import select, select_each
from mailer.store.models import instant

#: SQLite gives the reply of the row that was answered last. What is due now may have been released or tried again by an
#: operator a moment ago; only what was put off since says how it goes.
WAITING = """
SELECT announcement_id, domain, COUNT(*),
    MAX(CASE WHEN attempts > 0 AND next_attempt_at > ? THEN COALESCE(replied_at, 0) ELSE 0 END),
    stage, host, code, enhanced, reply, tls, reason
FROM queue_item
WHERE state = 'waiting' AND domain = ? AND lane = 0 AND next_attempt_at < ? AND NOT canary GROUP BY announcement_id
"""
BEGAN = "SELECT not_before <= ? FROM announcement WHERE id = ?"
PARTS = """
SELECT domain, COUNT(*), MAX(state = 'accepted' AND settled_at BETWEEN ? AND ?) FROM queue_item
WHERE announcement_id = ? AND NOT canary GROUP BY domain
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many of a safety broadcast's recipients wait at a domain, and what was said to one lately (None: nothing)."""

    announcement_id: str
    domain: str
    waiting: int
    said: Evidence | None


@dataclass(frozen=True, slots=True)
class Part:
    """How many recipients an announcement has at a domain, and whether any of them was accepted lately."""

    recipients: int
    goes_on: bool


def waiting(domains: Collection[str], lately: datetime, now: datetime) -> Sequence[Waiting]:
    """Return the safety broadcasts of which mail to these domains waits; what was said before `lately` is left out."""
    rows = select_each(WAITING, [(instant(now), domain, instant(ASIDE)) for domain in domains])
    return [
        Waiting(announcement, domain, count, Evidence(*words) if last >= instant(lately) else None)
        for announcement, domain, count, last, *words in rows
    ]


def has_begun(announcement_id: str, before: datetime) -> bool:
    """Tell whether an announcement began to leave before a time."""
    return bool(select(BEGAN, (instant(before), announcement_id))[0][0])


def parts(announcement_id: str, since: datetime, now: datetime) -> Mapping[str, Part]:
    """Return how an announcement went at each domain from `since` to `now`."""
    rows = select(PARTS, (instant(since), instant(now), announcement_id))
    return {domain: Part(count, bool(goes_on)) for domain, count, goes_on in rows}
