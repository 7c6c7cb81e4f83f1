"""How do the lanes share what a site takes?

Safety goes before everything. Of what it leaves, notices get a tenth while ordinary broadcasts wait as well, so that no
lane starves however long another one's queue is.
"""

from collections.abc import Collection

from mailer.domain.lane import Lane

#: While both wait, one mail in so many is a notice.
ONE_IN = 10


def notices_share(room: int, notices: int) -> int:
    """Return how much of the room that safety mail leaves is kept for notices, of which so many wait."""
    return min(notices, max(1, room // ONE_IN)) if room > 1 else 0


def next_lane(waiting: Collection[Lane], others: int) -> Lane:
    """Return which of the waiting lanes goes next; `others` mails have gone since the last notice."""
    first = min(waiting)
    if first is Lane.ORDINARY and Lane.NOTICE in waiting and others >= ONE_IN - 1:
        return Lane.NOTICE
    return first
