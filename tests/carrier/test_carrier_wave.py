"""Is a wave of refusals told from what a receiver always refuses?"""

import pytest

from mailer.carrier.wave import FEWEST, Day, is_wave, usual_share

USUAL = [Day(980, 20)] * 10


@pytest.mark.parametrize(
    ("today", "history", "wave"),
    [
        (Day(980, 20), USUAL, False),
        (Day(700, 300), USUAL, True),
        (Day(0, FEWEST), USUAL, True),
        (Day(0, FEWEST - 1), USUAL, False),
        (Day(950, 50), [], False),
        (Day(400, 600), [], True),
        (Day(700, 300), [Day(700, 300)] * 10, False),
    ],
)
def test_a_wave_is_many_and_far_more_than_usual(today: Day, history: list[Day], wave: bool) -> None:
    assert is_wave(today, history) is wave


def test_without_history_little_is_usual() -> None:
    assert usual_share([]) == 0.02
    assert usual_share([Day(0, 10_000)]) > 0.98
