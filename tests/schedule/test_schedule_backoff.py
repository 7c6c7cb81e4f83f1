"""Do the delays between attempts keep their promises?"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.domain.lane import Lane
from mailer.schedule.backoff import DELAYS, after_doubt, next_attempt

NOW = datetime(2026, 4, 10, tzinfo=UTC)


def delay(lane: Lane, attempts: int, chance: float) -> timedelta:
    """Return the delay after so many attempts."""
    return next_attempt(lane, attempts, NOW, chance) - NOW


@given(st.floats(0, 1))
def test_a_safety_item_is_tried_again_within_15_seconds(chance: float) -> None:
    assert timedelta(seconds=8) <= delay(Lane.SAFETY, 1, chance) <= timedelta(seconds=12)


@pytest.mark.parametrize(
    ("lane", "first", "longest"),
    [
        (Lane.SAFETY, timedelta(seconds=10), timedelta(minutes=5)),
        (Lane.ORDINARY, timedelta(seconds=60), timedelta(minutes=30)),
        (Lane.NOTICE, timedelta(minutes=5), timedelta(hours=2)),
    ],
)
def test_the_delay_begins_short_and_doubles_up_to_the_longest(lane: Lane, first: timedelta, longest: timedelta) -> None:
    assert delay(lane, 1, 0.5) == first
    assert delay(lane, 2, 0.5) == 2 * first
    assert delay(lane, 1000, 1) == longest


@given(st.sampled_from(Lane), st.integers(1, 10_000), st.floats(0, 1))
def test_no_delay_is_below_the_first_or_over_the_longest(lane: Lane, attempts: int, chance: float) -> None:
    delays = DELAYS[lane]
    assert delays.first * 0.8 <= delay(lane, attempts, chance) <= delays.longest


def test_jitter_spreads_a_wave() -> None:
    assert len({delay(Lane.ORDINARY, 1, step / 100) for step in range(100)}) == 100


@given(st.floats(0, 1))
def test_three_attempts_that_may_have_left_a_copy_do_not_fit_into_one_restart_of_a_host(chance: float) -> None:
    soon = NOW + timedelta(seconds=10)
    assert after_doubt(1, soon, NOW, chance) == soon
    assert timedelta(minutes=3) <= after_doubt(2, soon, NOW, chance) - NOW <= timedelta(minutes=5)
    late = NOW + timedelta(hours=2)
    assert after_doubt(2, late, NOW, chance) == late
