"""How old is what stands in the queue?"""

from dataclasses import dataclass
from datetime import datetime

from mailer.schedule.item import ItemState
from mailer.store.database import select
from mailer.store.models import moment

AGES = """
SELECT item.domain, item.state, item.attempts > 0, announcement.announced_at, COUNT(*)
FROM queue_item AS item JOIN announcement ON announcement.id = item.announcement_id
WHERE item.state IN ('waiting', 'sending', 'held') GROUP BY 1, 2, 3, 4 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Age:
    """So many items to a domain stand in a state since then; `tried` tells whether an attempt at them was begun."""

    domain: str
    state: ItemState
    tried: bool
    since: datetime
    items: int


def ages() -> list[Age]:
    """Return what stands in the queue, domain by domain."""
    return [
        Age(domain, ItemState(state), bool(tried), moment(since), items)
        for domain, state, tried, since, items in select(AGES)
    ]
