"""How do the lanes share what a site takes?

Safety goes before everything. Of what it leaves, notices get a tenth while ordinary broadcasts wait as well, so that no
lane starves however long another one's queue is.
"""

from collections.abc import Collection

from mailer.domain.lane import Lane

#: While both wait, one mail in so many is a notice.
ONE_IN = 10


def notices_share(room: int, notices: int, chance: float) -> int:
    """Return how much of the room that safety mail leaves is kept for notices, of which so many wait.

    `chance` (0 to 1) decides about what is less than one: room for one mail is a notice's now and then.
    """
    return min(notices, int(room / ONE_IN + chance))


def next_lane(waiting: Collection[Lane], others: int) -> Lane:
    """Return which of the waiting lanes goes next; `others` mails have gone since the last notice."""
    first = min(waiting)
    if first is Lane.ORDINARY and Lane.NOTICE in waiting and others >= ONE_IN - 1:
        return Lane.NOTICE
    return first


class LaneTurns:
    """Which lane goes next, mail after mail?"""

    def __init__(self) -> None:
        self._since_notice = 0

    def next(self, waiting: Collection[Lane]) -> Lane:
        """Return which of the waiting lanes goes next."""
        return next_lane(waiting, self._since_notice)

    def went(self, lane: Lane) -> None:
        """A mail of this lane has gone."""
        self._since_notice = 0 if lane is Lane.NOTICE else self._since_notice + 1
