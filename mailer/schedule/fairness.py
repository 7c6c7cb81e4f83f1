"""How do the lanes share what a site takes?

Safety goes before everything. Of what it leaves, notices get a tenth while ordinary broadcasts wait as well, so that no
lane starves however long another one's queue is.
"""

from collections.abc import Collection

from mailer.domain.lane import Lane

#: While both wait, one mail in so many is a notice.
ONE_IN = 10


def share(lane: Lane, lanes: Collection[Lane], room: int) -> int:
    """Return how many mails of a lane may be claimed where there is room for so many and mail of `lanes` waits."""
    if lane is Lane.ORDINARY and Lane.NOTICE in lanes and room > 1:
        return room - max(1, room // ONE_IN)
    return room


def next_lane(waiting: Collection[Lane], others: int) -> Lane:
    """Return which of the waiting lanes goes next; `others` mails have gone since the last notice."""
    first = min(waiting)
    if first is Lane.ORDINARY and Lane.NOTICE in waiting and others >= ONE_IN - 1:
        return Lane.NOTICE
    return first
