"""Is a window checked, do its notices fall due in time, and do the texts tell guardians what they need?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mailer.domain.maintenance import (
    REASONS,
    MaintenanceError,
    Window,
    called_off,
    check_window,
    due_times,
    japanese_time,
    notice,
    warnings,
)

NOW = datetime(2026, 9, 1, 3, 0, tzinfo=UTC)
BEGIN = datetime(2026, 9, 12, 13, 0, tzinfo=UTC)
WINDOW = Window("M1", BEGIN, BEGIN + timedelta(hours=4), (), NOW)


def reason(window: Window) -> str:
    with pytest.raises(MaintenanceError) as refused:
        check_window(window)
    assert refused.value.reason in REASONS
    return refused.value.reason


def dues(leads: Sequence[timedelta], begins_in: timedelta = BEGIN - NOW) -> list[timedelta]:
    window = replace(WINDOW, begins_at=NOW + begins_in, ends_at=NOW + begins_in + timedelta(hours=4))
    return [due - NOW for due in due_times(window, leads)]


def test_a_window_that_stands() -> None:
    check_window(WINDOW)
    check_window(replace(WINDOW, services=("専用サイト", "受信確認")))
    check_window(replace(WINDOW, begins_at=NOW - timedelta(hours=1)))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ends_at": BEGIN}, "ends_before_begin"),
        ({"begins_at": NOW - timedelta(hours=2), "ends_at": NOW}, "in_the_past"),
        ({"ends_at": BEGIN + timedelta(days=32)}, "window_too_long"),
        ({"services": ("専用\nサイト",)}, "bad_service"),
        ({"services": ("　",)}, "bad_service"),
        ({"services": ("あ" * 61,)}, "bad_service"),
    ],
)
def test_a_window_that_cannot_stand(changes: dict[str, object], expected: str) -> None:
    assert reason(replace(WINDOW, **changes)) == expected  # type: ignore[arg-type]  # each row changes other fields


def test_notices_leave_at_their_lead_times() -> None:
    week, day = timedelta(days=7), timedelta(days=1)
    ahead = BEGIN - NOW
    assert dues((day, week, day)) == [ahead - week, ahead - day]
    assert dues(()) == []


def test_passed_lead_times_leave_as_one_at_once() -> None:
    leads = (timedelta(days=7), timedelta(days=1), timedelta(hours=2))
    assert dues(leads, begins_in=timedelta(hours=3)) == [timedelta(), timedelta(hours=1)]
    assert dues(leads, begins_in=timedelta(hours=1)) == [timedelta()]


def test_nothing_leaves_once_the_window_has_begun() -> None:
    assert dues((timedelta(days=1),), begins_in=timedelta()) == []
    assert dues((timedelta(days=1),), begins_in=-timedelta(hours=1)) == []


MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("begins_in", "leads", "expected"),
    [
        (8 * DAY, (7 * DAY, DAY), ()),
        (7 * DAY, (7 * DAY, DAY), ("at_once",)),
        (2 * DAY, (7 * DAY, DAY), ("at_once",)),
        (DAY, (60 * MINUTE,), ()),
        (DAY, (59 * MINUTE,), ("short_notice",)),
        (MINUTE, (7 * DAY,), ("at_once", "short_notice")),
        (-MINUTE, (7 * DAY,), ("no_notice",)),
        (DAY, (), ("no_notice",)),
    ],
)
def test_whoever_plans_is_told_what_the_notices_cannot_do(
    begins_in: timedelta, leads: tuple[timedelta, ...], expected: tuple[str, ...]
) -> None:
    window = replace(WINDOW, begins_at=NOW + begins_in, ends_at=NOW + begins_in + DAY)
    assert warnings(window, due_times(window, leads)) == expected


@pytest.mark.parametrize(
    ("leads", "expected"),
    [
        ((timedelta(),), "bad_lead"),
        ((timedelta(days=-1),), "bad_lead"),
        ((timedelta(days=91),), "bad_lead"),
        (tuple(timedelta(hours=hour + 1) for hour in range(11)), "too_many_leads"),
    ],
)
def test_lead_times_that_cannot_be(leads: tuple[timedelta, ...], expected: str) -> None:
    with pytest.raises(MaintenanceError) as refused:
        due_times(WINDOW, leads)
    assert refused.value.reason == expected


def test_a_window_runs_from_its_begin_to_its_end() -> None:
    moments = [BEGIN - timedelta(seconds=1), BEGIN, WINDOW.ends_at - timedelta(seconds=1), WINDOW.ends_at]
    assert [WINDOW.runs(moment) for moment in moments] == [False, True, True, False]
    assert not replace(WINDOW, cancelled_at=NOW).runs(BEGIN)


def test_times_are_those_of_japan_with_the_day_of_the_week() -> None:
    assert japanese_time(BEGIN) == "9月12日（土）22:00"
    assert japanese_time(datetime(2026, 12, 31, 15, 5, tzinfo=UTC)) == "1月1日（金）0:05"


def test_the_notice_says_when_what_and_what_it_means() -> None:
    subject, text = notice(WINDOW)
    assert subject == "システムメンテナンスのお知らせ（9月12日（土）22:00から）"
    assert "日時：2026年9月12日（土）22:00 から 2026年9月13日（日）2:00 まで\n" in text
    assert "対象：児童見守りシステムの全サービス\n" in text
    assert "緊急のお知らせは、メンテナンス中でも送信することがあります" in text
    assert "サポート窓口" in text
    _, named = notice(replace(WINDOW, services=("専用サイト", "受信確認")))
    assert "対象：専用サイト、受信確認\n" in named


def test_who_was_told_is_told_that_it_is_off() -> None:
    subject, text = called_off(WINDOW, BEGIN - timedelta(hours=1))
    assert "中止" in subject
    assert "中止になりました" in text
    subject, text = called_off(WINDOW, BEGIN + timedelta(hours=1))
    assert "終了" in subject
    assert "予定より早く終了しました" in text
    assert "2026年9月12日（土）22:00" in text


def test_no_text_claims_more_than_we_know() -> None:
    texts = [*notice(WINDOW), *called_off(WINDOW, NOW), *called_off(WINDOW, BEGIN)]
    assert not any(word in text for text in texts for word in ("到達", "配信済", "届け", "{", "}"))
