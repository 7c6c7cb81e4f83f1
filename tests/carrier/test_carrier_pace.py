"""Does the pace let through what a rate allows, and nothing more?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.carrier.group import Manners
from mailer.carrier.pace import Pace


def test_without_a_rate_nothing_waits() -> None:
    pace = Pace(None, 1.0)
    assert [pace.take(0.0) for _ in range(1_000)] == [0.0] * 1_000


def test_a_burst_and_then_the_rate() -> None:
    pace = Pace(2.0, 3.0)
    assert [pace.take(100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_who_waits_as_long_as_told_is_let_through() -> None:
    pace, now = Pace(3.0, 1.0), 1_000_000.1
    for _ in range(1_000):
        now += pace.take(now)
        assert pace.take(now) in (0.0, pytest.approx(1 / 3))


def test_a_wait_takes_nothing() -> None:
    pace = Pace(1.0, 1.0)
    pace.take(0.0)
    assert [pace.take(0.5) for _ in range(5)] == [0.5] * 5


def test_a_rest_fills_the_bucket_and_no_more() -> None:
    pace = Pace(10.0, 5.0)
    for _ in range(5):
        pace.take(0.0)
    assert [pace.take(3_600.0) for _ in range(6)] == [0.0] * 5 + [pytest.approx(0.1)]


def test_urgent_mail_has_its_own_rate() -> None:
    pace = Pace(1.0, 1.0, urgent_rate=10.0)
    assert pace.take(0.0) == 0.0
    assert pace.take(0.1) == pytest.approx(0.9)
    assert pace.take(0.1, urgent=True) == 0.0


def test_urgent_mail_is_counted_too() -> None:
    pace = Pace(None, 1.0, urgent_rate=10.0)
    assert pace.take(0.0) == 0.0
    assert pace.take(0.0, urgent=True) == pytest.approx(0.1)


def test_ordinary_mail_stands_back_and_goes_on_at_once_afterwards() -> None:
    pace = Pace(2.0, 1.0, urgent_rate=100.0)
    now = 0.0
    for _ in range(1_000):
        now += pace.take(now, urgent=True)
        assert pace.take(now) > 0.0
    assert pace.take(now) <= 0.5


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.booleans()), max_size=200), st.floats(0.5, 50.0))
def test_never_more_than_the_rate_and_the_burst(steps: list[tuple[float, bool]], rate: float) -> None:
    pace, now, ordinary, urgent = Pace(rate, 4.0, urgent_rate=2 * rate), 0.0, 0, 0
    for step, is_urgent in steps:
        now += step
        if pace.take(now, urgent=is_urgent) == 0.0:
            ordinary, urgent = ordinary + (not is_urgent), urgent + is_urgent
    assert ordinary <= rate * now + 4.001
    assert ordinary + urgent <= 2 * rate * now + 4.001


def test_the_pace_of_a_carriers_manners() -> None:
    pace = Pace.of(Manners(4, 20, 5.0, 50.0, 300))
    assert [pace.take(0.0) for _ in range(6)] == [0.0] * 5 + [pytest.approx(0.2)]
    assert pace.take(1.0, urgent=True) == 0.0
