"""Which items did a receiver take a mail of, although nothing came of the copy that was sent after it?

`requeue --again` sends a mail once more that was accepted. Where that copy is given up, or its time is over, the first
was taken all the same: the item is accepted, as it was before. But what the receiver said since is its last word: where
the mail came back, or the second copy was refused, no acceptance stands. An accepted attempt whose mail came back says
why in its reason; any other has none.
"""

from collections.abc import Iterable
from datetime import datetime

from peewee import Expression

from mailer.schedule.item import ItemState
from mailer.store.database import change, executemany
from mailer.store.models import QueueItem

#: The acceptance of an item that stands, as `taken`.
STANDS = """
taken.item_id = queue_item.id AND taken.verdict = 'accepted' AND taken.reason = '' AND taken.number = (
    SELECT MAX(number) FROM attempt WHERE item_id = queue_item.id AND verdict IN ('accepted', 'refused')
)
"""
#: Only a mail that may be there already goes out although one was accepted. A copy that nobody began is none.
STAND = (
    """
UPDATE queue_item SET state = 'accepted', settled_at = taken.ended_at, replied_at = taken.ended_at,
    host = taken.host, stage = taken.stage, code = taken.code, enhanced = taken.enhanced, reply = taken.reply,
    tls = taken.tls, reason = '',
    possible_copies = possible_copies - (attempts = taken.number),
    possible_duplicate = possible_copies > (attempts = taken.number)
FROM attempt AS taken
WHERE queue_item.id = ? AND state IN ('cancelled', 'expired') AND possible_duplicate AND
"""
    + STANDS
)
CAME_BACK = "UPDATE attempt SET reason = ? WHERE item_id = ? AND verdict = 'accepted' AND reason = ''"


def stand(items: Iterable[int]) -> None:
    """Have those of these items be accepted that ended as cancelled or expired although an acceptance stands."""
    executemany(STAND, [(item,) for item in items])


def call_off(which: Expression, reason: str, at: datetime) -> int:
    """Cancel these items, none of them under way; return how many. Those of which an acceptance stands are accepted."""
    tried_again = [row.id for row in QueueItem.select(QueueItem.id).where(which & QueueItem.possible_duplicate)]
    cancelled = QueueItem.update(state=ItemState.CANCELLED.value, reason=reason, settled_at=at)
    count = int(cancelled.where(which).execute())
    stand(tried_again)
    return count


def came_back(item_id: int, reason: str) -> None:
    """Write why a mail of this item came back: of several that were accepted, nobody knows which."""
    change(CAME_BACK, (reason, item_id))
