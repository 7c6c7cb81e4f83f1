"""Does a worker keep to its share, learn what a site wants, and leave it alone when it blocks us?"""

from dataclasses import replace
from datetime import UTC, datetime

from mailer.carrier.group import Manners
from mailer.dispatcher.limits import LONGEST_URGENT_PAUSE, Lesson, Limits
from mailer.domain.lane import Lane


def limits(connections: int = 20, share: int = 10, rate: float | None = None) -> Limits:
    made = Limits(Manners(connections, 100, rate, rate, 300), workers=2)
    made.lease(share)
    return made


def test_a_share_of_the_connections_has_the_same_part_of_the_pace() -> None:
    half = limits(rate=10.0)
    assert sum(half.take(Lane.ORDINARY, now / 100) == 0.0 for now in range(1000)) in range(50, 57)


def test_nothing_is_allowed_without_a_lease() -> None:
    assert limits(share=0).connections == 0


def test_few_jobs_are_in_hand_and_fewer_where_the_pace_is_slow() -> None:
    assert limits().jobs() == 40
    assert limits(rate=4.0).jobs() == 4
    assert limits(share=0).jobs() == 40


def test_what_is_refused_at_one_moment_counts_once() -> None:
    one = limits()
    assert one.refused(alive=6, now=100.0)
    assert [one.refused(alive=6, now=100.1) for _ in range(9)] == [False] * 9
    assert one.connections == 6
    assert one.refused(alive=6, now=102.0)
    assert one.connections == 5


def test_a_lesson_of_another_worker_is_taken_over() -> None:
    one, other = limits(), limits()
    one.refused(alive=0, now=100.0)
    other.heed(one.lesson(100.0), 100.0)
    assert one.connections == other.connections == 5


def test_after_a_block_ordinary_mail_rests_and_urgent_mail_only_a_while() -> None:
    blocked = limits()
    assert blocked.block(100.0)
    assert not blocked.block(101.0)
    assert not blocked.may_try(Lane.SAFETY, 101.0 + LONGEST_URGENT_PAUSE - 1)
    assert blocked.may_try(Lane.SAFETY, 101.0 + LONGEST_URGENT_PAUSE)
    assert not blocked.may_try(Lane.ORDINARY, 101.0 + 299)
    assert blocked.may_try(Lane.ORDINARY, 101.0 + 300)


def test_an_operator_ends_a_rest() -> None:
    blocked = limits()
    blocked.block(100.0)
    blocked.hurry()
    assert blocked.may_try(Lane.NOTICE, 100.0)


def test_a_rest_from_another_clock_is_no_longer_than_the_manners_say() -> None:
    one = limits()
    one.heed(Lesson(20, 100, rest=10_000_000.0), 100.0)
    assert one.may_try(Lane.ORDINARY, 100.0 + 300)


def test_in_some_minutes_of_the_hour_only_urgent_mail_leaves() -> None:
    shy = Limits(Manners(20, 100, None, None, 300, frozenset({59, 0, 1})), workers=1)
    full_hour, later = datetime(2026, 4, 10, 6, 0, 30, tzinfo=UTC), datetime(2026, 4, 10, 6, 2, tzinfo=UTC)
    assert [shy.is_quiet_time(lane, full_hour) for lane in Lane] == [False, True, True]
    assert not any(shy.is_quiet_time(lane, later) for lane in Lane)


def test_a_mail_that_is_taken_after_a_block_ends_the_rest_for_all() -> None:
    one, other = limits(), limits()
    one.block(100.0)
    other.heed(one.lesson(100.0), 100.0)
    assert not one.succeeded(taken_at=99.0, now=100.5)
    assert not one.may_try(Lane.ORDINARY, 100.5)
    assert one.succeeded(taken_at=130.0, now=130.5)
    assert one.may_try(Lane.ORDINARY, 130.5)
    other.heed(one.lesson(130.5), 130.5)
    assert not other.may_try(Lane.ORDINARY, 130.5)
    other.heed(replace(one.lesson(130.5), taken=True), 130.5)
    assert other.may_try(Lane.ORDINARY, 130.5)


def test_hearing_of_a_rest_again_does_not_put_off_urgent_mail() -> None:
    one = limits()
    one.block(100.0)
    one.heed(Lesson(20, 100, rest=290.001), 110.0)
    assert one.may_try(Lane.SAFETY, 100.0 + LONGEST_URGENT_PAUSE)


def test_a_block_at_the_next_try_is_told_to_the_others() -> None:
    one, other = limits(), limits()
    one.block(100.0)
    other.heed(one.lesson(100.0), 100.0)
    assert one.block(130.0)
    other.heed(one.lesson(130.0), 130.1)
    assert not other.may_try(Lane.ORDINARY, 425.0)
    assert not other.may_try(Lane.SAFETY, 159.0)
    assert other.may_try(Lane.SAFETY, 161.0)
