"""Which safety broadcasts ended without having reached everyone?

Not reached is who was still waiting, or held, when the time was over. Whom a receiver refused is known at once, with
the reason, and is no news at the deadline; nor is it what was called off.
"""

from dataclasses import dataclass
from datetime import datetime

from mailer.store.database import select
from mailer.store.models import instant, moment

#: The index holds safety broadcasts alone, by their deadline.
SAFETY = """
SELECT announcement.id, announcement.expires_at,
    COUNT(*) FILTER (WHERE item.state IN ('waiting', 'sending', 'held', 'expired')), COUNT(*)
FROM announcement JOIN queue_item AS item ON item.announcement_id = announcement.id AND NOT item.canary
WHERE announcement.lane = 0 AND announcement.expires_at > ? AND announcement.expires_at <= ?
GROUP BY announcement.id
"""


@dataclass(frozen=True, slots=True)
class Unreached:
    """How many of the recipients of a safety broadcast nobody has accepted or refused a mail for."""

    announcement_id: str
    deadline: datetime
    unreached: int
    recipients: int


def safety(after: datetime, until: datetime) -> list[Unreached]:
    """Return the safety broadcasts whose deadline lies between these times and that left somebody out."""
    found = [
        Unreached(one, moment(at), *counts) for one, at, *counts in select(SAFETY, (instant(after), instant(until)))
    ]
    return [one for one in found if one.unreached]
