"""Does urgent mail go first, and no lane starve?"""

import pytest

from mailer.domain.lane import Lane
from mailer.schedule.fairness import ONE_IN, next_lane, notices_share

SAFETY, ORDINARY, NOTICE = Lane.SAFETY, Lane.ORDINARY, Lane.NOTICE


def test_a_tenth_of_the_room_is_kept_for_notices_that_wait() -> None:
    assert [notices_share(room, 100, chance=0.0) for room in (40, 9, 1, 0)] == [4, 0, 0, 0]
    assert [notices_share(40, notices, chance=0.5) for notices in (0, 1, 9)] == [0, 1, 4]


@pytest.mark.parametrize("room", [1, 2, 7, 15, 40])
def test_that_holds_for_little_room_too(room: int) -> None:
    chances = [step / 100 for step in range(100)]
    share = sum(notices_share(room, 1000, chance) for chance in chances) / (room * len(chances))
    assert share == pytest.approx(1 / ONE_IN, abs=0.002)


def test_one_mail_in_ten_is_a_notice_while_both_wait() -> None:
    others, gone = 0, []
    for _ in range(3 * ONE_IN):
        lane = next_lane([ORDINARY, NOTICE], others)
        others = 0 if lane is NOTICE else others + 1
        gone.append(lane)
    assert gone.count(NOTICE) == 3


def test_nothing_goes_before_safety() -> None:
    assert all(next_lane([SAFETY, NOTICE], others) is SAFETY for others in range(100))
    assert next_lane([NOTICE], 0) is NOTICE
