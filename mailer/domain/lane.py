"""Which mail goes first?

Safety overtakes ordinary broadcasts, and both overtake notices, within each carrier's limits (N4).
The numbers are stored: never change one.
"""

from enum import IntEnum


class Lane(IntEnum):
    """The order in which waiting mail is taken; a smaller number goes first."""

    SAFETY = 0
    ORDINARY = 1
    NOTICE = 2
