"""What was accepted for sending, to whom?

An announcement is a broadcast or a notice with its frozen text. A queue item is one recipient of it:
one address, whichever households and slots it stands for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mailer.domain.lane import Lane


class Kind(StrEnum):
    """Why an announcement was made."""

    BROADCAST = "broadcast"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Announcement:
    """The frozen text of a broadcast or notice and the terms on which it is sent.

    `names` are those of the schools when it was announced, by code. It is `whole` once every household addressed has
    its queue items and exclusions.
    """

    id: str
    kind: Kind
    lane: Lane
    schools: tuple[str, ...]
    subject: str
    text: str
    receipt: bool
    announced_at: datetime
    not_before: datetime
    expires_at: datetime
    cancelled_at: datetime | None
    selectors: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
