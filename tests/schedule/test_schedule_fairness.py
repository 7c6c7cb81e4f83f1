"""Does urgent mail go first, and no lane starve?"""

from mailer.domain.lane import Lane
from mailer.schedule.fairness import ONE_IN, next_lane, share

SAFETY, ORDINARY, NOTICE = Lane.SAFETY, Lane.ORDINARY, Lane.NOTICE


def test_safety_has_all_the_room() -> None:
    assert share(SAFETY, list(Lane), 40) == 40


def test_notices_get_a_tenth_of_what_ordinary_mail_would_take() -> None:
    assert share(ORDINARY, [ORDINARY, NOTICE], 40) == 36
    assert share(ORDINARY, [ORDINARY, NOTICE], 4) == 3
    assert share(ORDINARY, [ORDINARY, NOTICE], 1) == 1
    assert share(ORDINARY, [ORDINARY], 40) == 40
    assert share(NOTICE, [ORDINARY, NOTICE], 4) == 4


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
