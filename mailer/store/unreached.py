"""Of which safety broadcasts is a recipient's time over?

Every item has an end of its own: it is set anew when an operator has it tried again, and moves with the clock. Not
reached is who was still waiting, or held, when the time was over, unless it was another copy that waited of a mail that
had been accepted. Whom a receiver refused is known at once, with the reason, and is no news at the deadline; nor is it
what was called off.
"""

from collections.abc import Iterable
from datetime import datetime

from mailer.store.acceptance import STANDS
from mailer.store.database import select, select_each
from mailer.store.models import instant, moment

SAFETY = """
SELECT announcement_id, expires_at FROM queue_item WHERE id = ? AND state = 'expired' AND lane = 0 AND NOT canary
"""
COUNT = """
SELECT COUNT(*) FILTER (
    WHERE state = 'expired' OR (
        state IN ('waiting', 'sending', 'held') AND expires_at <= ?
        AND NOT (possible_duplicate AND EXISTS (SELECT 1 FROM attempt AS taken WHERE {}))
    )
), COUNT(*)
FROM queue_item WHERE announcement_id = ? AND NOT canary
"""


def deadlines(items: Iterable[int]) -> dict[str, datetime]:
    """Return the safety broadcasts of which these items are expired recipients, each with the last end of those."""
    ends = sorted(select_each(SAFETY, [(item,) for item in items]), key=lambda one: one[1])
    return {announcement: moment(end) for announcement, end in ends}


def count(announcement_id: str, now: datetime) -> tuple[int, int]:
    """Return how many recipients nobody accepted or refused a mail for in their time, and how many there are."""
    ((unreached, recipients),) = select(COUNT.format(STANDS), (instant(now), announcement_id))
    return unreached, recipients
