"""Who is registered, and at which addresses?

A household is one child's registration at one school with a guardian; a second child, or a second
school, is a second household (F12). Slots 1–4 hold addresses exactly as they were typed (F11).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

SLOTS = (1, 2, 3, 4)
BROADCAST_SLOTS = (1, 2)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a roster row says of one household."""

    school: str
    grade: str
    class_name: str
    child: str
    guardian: str
    login: str
    addresses: Mapping[int, str]
    receives_broadcasts: bool


@dataclass(frozen=True, slots=True)
class Household:
    """A household as it is remembered; `deregistered_at` is set once the 登録解除届 was handled."""

    id: int
    entry: Entry
    registered_at: datetime
    deregistered_at: datetime | None = None
