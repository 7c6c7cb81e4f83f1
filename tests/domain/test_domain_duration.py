"""Does a duration mean what the operators' manual says, and nothing else?"""

from datetime import timedelta

import pytest

from mailer.domain.duration import REASONS, DurationError, parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("007d", timedelta(days=7)),
        ("999999d", timedelta(days=999_999)),
    ],
)
def test_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "15", "m", "15 m", " 15m", "15m\n", "-1h", "+1h", "1.5h", "1h30m", "15M", "１５m", "1w"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DurationError, match="whole number") as caught:
        parse_duration(text)
    assert caught.value.reason == "bad_duration"


@pytest.mark.parametrize("text", ["1234567d", "9" * 5000 + "s"])
def test_too_long_a_duration_is_told_as_such(text: str) -> None:
    with pytest.raises(DurationError, match="whole number") as caught:
        parse_duration(text)
    assert caught.value.reason == "long_duration"


@pytest.mark.parametrize("text", ["0s", "0d", "000m"])
def test_nothing_is_no_duration(text: str) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration(text)
    assert str(caught.value) == REASONS["zero_duration"]
