"""Is a wave of refusals told from what a receiver always refuses, and does it end?"""

import pytest

from mailer.carrier.wave import FEWEST, Day, begun, usual_share

USUAL = [Day(980, 20)] * 10
WAVE = Day(700, 300)


@pytest.mark.parametrize(
    ("days", "since"),
    [
        ([], None),
        ([*USUAL, Day(980, 20)], None),
        ([*USUAL, WAVE], 10),
        ([*USUAL, Day(0, FEWEST)], 10),
        ([*USUAL, Day(0, FEWEST - 1)], None),
        ([Day(950, 50)], None),
        ([Day(400, 600)], 0),
    ],
)
def test_a_wave_is_many_and_far_more_than_usual(days: list[Day], since: int | None) -> None:
    assert begun(days) == since


def test_a_wave_that_lasts_is_not_grown_used_to() -> None:
    assert begun([*USUAL[:3], *[WAVE] * 30]) == 3


def test_a_day_as_usual_ends_it() -> None:
    assert begun([*USUAL, WAVE, Day(980, 20)]) is None


def test_the_first_mails_of_a_new_day_do_not_end_it() -> None:
    assert begun([*USUAL, WAVE, Day(2, 3)]) == 10
    assert begun([*USUAL, WAVE, Day(10, FEWEST - 1)]) == 10


def test_what_an_operator_calls_none_is_usual_from_then_on() -> None:
    thawed = [Day(700, 300, thawed=True)] * 3
    assert begun([*USUAL, *thawed]) is None
    assert begun([*USUAL[:1], *thawed, WAVE]) is None


def test_without_history_little_is_usual() -> None:
    assert usual_share([]) == 0.02
    assert usual_share([Day(0, 10_000)]) > 0.98
