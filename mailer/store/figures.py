"""How much stands in the store, at a glance? Every figure comes from an index, however long the history is."""

from dataclasses import dataclass
from pathlib import Path

from mailer.store.database import select

#: Recipients that are still open: the indexes hold nothing else but a few canaries.
OPEN = """
SELECT lane, state, attempts > 0, COUNT(*) FROM queue_item
WHERE state IN ('waiting', 'held') AND NOT canary GROUP BY 1, 2, 3
UNION ALL
SELECT lane, 'sending', 0, COUNT(*) FROM queue_item WHERE claimed_by IS NOT NULL AND NOT canary GROUP BY lane
"""
HOUSEHOLDS = "SELECT COUNT(*) FROM household WHERE deregistered_at IS NULL"
ADDRESSES = """
SELECT COUNT(DISTINCT address_key) FROM address_slot JOIN household ON household.id = address_slot.household_id
WHERE household.deregistered_at IS NULL
"""
RESTING = "SELECT COUNT(*) FROM suspension"
FILES = "SELECT file FROM pragma_database_list WHERE name = 'main'"
SPARE = "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"
SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"


@dataclass(frozen=True, slots=True)
class OpenItems:
    """How many items of a lane stand in a state; `tried` tells whether they had an attempt before."""

    lane: int
    state: str
    tried: bool
    count: int


def open_items() -> list[OpenItems]:
    """Return the open items by lane and state."""
    return [OpenItems(lane, state, bool(tried), count) for lane, state, tried, count in select(OPEN)]


def households() -> int:
    """Return how many households are registered."""
    return int(select(HOUSEHOLDS)[0][0])


def addresses() -> int:
    """Return how many different addresses registered households have, in any slot."""
    return int(select(ADDRESSES)[0][0])


def resting() -> int:
    """Return how many addresses rest."""
    return int(select(RESTING)[0][0])


def store_file() -> Path:
    """Return the file that holds the store."""
    return Path(select(FILES)[0][0])


def store_octets() -> int:
    """Return the size of the store in octets."""
    return int(select(SIZE)[0][0])


def spare_octets() -> int:
    """Return how many octets of the store's file hold nothing any more and are written anew before it grows."""
    return int(select(SPARE)[0][0])
