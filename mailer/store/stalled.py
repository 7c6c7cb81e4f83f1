"""Which safety broadcasts stand still?

Asked by what waits, which the index holds alone: normally a few, whatever was sent. Neither what an operator holds
nor what a stop keeps is counted.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.schedule.outcome import Evidence
from mailer.schedule.stop import ASIDE
from mailer.store.database import select, select_each
from mailer.store.models import instant

#: SQLite gives the reply of the row that was answered last. What is due now may have been released or tried again by an
#: operator a moment ago; only what was put off since says how it goes.
WAITING = """
SELECT announcement_id, COUNT(*),
    MAX(CASE WHEN attempts > 0 AND next_attempt_at > ? THEN COALESCE(replied_at, 0) ELSE 0 END),
    stage, host, code, enhanced, reply, tls, reason
FROM queue_item
WHERE state = 'waiting' AND domain = ? AND lane = 0 AND next_attempt_at < ? AND NOT canary GROUP BY announcement_id
"""
RECIPIENTS = "SELECT COUNT(*) FROM queue_item WHERE announcement_id = ? AND NOT canary"
BEGAN = "SELECT not_before <= ? FROM announcement WHERE id = ?"
ACCEPTED = """
SELECT EXISTS (
    SELECT 1 FROM queue_item WHERE announcement_id = ? AND state = 'accepted' AND settled_at BETWEEN ? AND ?
)
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many of a safety broadcast's recipients wait, and what was said to one of them lately (None: nothing)."""

    announcement_id: str
    waiting: int
    recipients: int
    said: Evidence | None


def waiting(domains: Collection[str], lately: datetime, now: datetime) -> Sequence[Waiting]:
    """Return the safety broadcasts of which mail to these domains waits."""
    counts: dict[str, int] = {}
    said: dict[str, Evidence] = {}
    found = select_each(WAITING, [(instant(now), domain, instant(ASIDE)) for domain in domains])
    for announcement, count, last, *words in found:
        counts[announcement] = counts.get(announcement, 0) + count
        if last >= instant(lately):
            said[announcement] = Evidence(*words)
    recipients = {one: int(select(RECIPIENTS, (one,))[0][0]) for one in counts}
    return [Waiting(one, count, recipients[one], said.get(one)) for one, count in counts.items()]


def stands_still(announcement_id: str, since: datetime, now: datetime) -> bool:
    """Tell whether an announcement began before `since`, and nobody has accepted any of it from then on."""
    ((began,),) = select(BEGAN, (instant(since), announcement_id))
    return bool(began) and not select(ACCEPTED, (announcement_id, instant(since), instant(now)))[0][0]
