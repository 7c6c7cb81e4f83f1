"""Does a typed time mean the moment a person in Japan expects?"""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.domain.moment import JAPAN, MomentError, parse_moment, written

EIGHT_IN_JAPAN = datetime(2026, 3, 31, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-01T08:00:00+09:00",
        "2026-03-31T23:00:00Z",
        "2026-03-31t23:00:00z",
        "2026-03-31T23:00:00-00:00",
        "2026-04-01T08:00:00",
        "2026-04-01T08:00",
        "2026-04-01 08:00",
    ],
)
def test_forms_of_one_moment(text: str) -> None:
    moment = parse_moment(text)
    assert moment == EIGHT_IN_JAPAN
    assert moment.tzinfo is UTC


def test_fractions_of_a_second_are_kept() -> None:
    assert parse_moment("2026-04-01T08:00:00.25").microsecond == 250_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-04-01",
        "08:00",
        "2026-04-01T8:00",
        "20260401T0800",
        "2026-04-01T08:00+9",
        "２０２６-04-01T08:00",
    ],
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(MomentError) as caught:
        parse_moment(text)
    assert caught.value.reason == "bad_time"


@pytest.mark.parametrize(
    "text",
    ["2026-02-30T08:00", "2026-04-01T25:00", "2026-06-30T23:59:60Z", "2026-04-01T08:00+25:00", "0001-01-01T00:00"],
)
def test_what_no_calendar_has_is_refused(text: str) -> None:
    with pytest.raises(MomentError) as caught:
        parse_moment(text)
    assert caught.value.reason == "no_such_time"


@given(st.integers(min_value=0, max_value=7_000_000_000))
def test_what_we_print_can_be_typed_again(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, JAPAN)
    assert parse_moment(written(moment)) == parse_moment(moment.isoformat()) == moment


def test_programs_read_japan_time_to_the_second() -> None:
    assert written(datetime(2026, 3, 31, 23, 0, 0, 123_456, UTC)) == "2026-04-01T08:00:00+09:00"


@given(st.text(max_size=40))
def test_any_text_gives_a_moment_or_our_error(text: str) -> None:
    with suppress(MomentError):
        assert parse_moment(text).tzinfo is UTC
