"""In which states may a queue item be?

The stored words are those of the Surface as far as the Surface has them; `sending` is a waiting item
under a worker's claim, `returned` an accepted one of which a bounce said later that it failed.
"""

from enum import StrEnum


class ItemState(StrEnum):
    """Where a queue item stands. Only WAITING and SENDING are still the dispatcher's."""

    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    HELD = "held"
    RETURNED = "returned"


#: What people are told: the words of `broadcast show`, which add up to the recipients.
TOLD = ("waiting", "accepted", "deferred", "refused", "expired", "cancelled", "held")


def told(state: ItemState, attempts: int) -> str:
    """Return the Surface's word for a stored state: an open item that was tried before is `deferred`."""
    if state in (ItemState.WAITING, ItemState.SENDING):
        return "deferred" if attempts > (state is ItemState.SENDING) else "waiting"
    return "refused" if state is ItemState.RETURNED else state.value
