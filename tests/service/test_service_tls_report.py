"""Is a day's TLS counted once, reported once, and forgotten in time?"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from mailer.report.tls import Counted
from mailer.service import tls_report
from mailer.service.office import Office
from mailer.service.tls_report import Begun, ReportState
from mailer.store import tls_report as store
from mailer.store.database import select, transaction
from mailer.store.tls_report import TlsReport
from tests.conftest import FakeClock
from tests.report.samples import BAD, DAY, GOOD, LOST, WRONG


@pytest.fixture
def told(office: Office, clock: FakeClock) -> Office:
    """An office at noon of the day after one on which sessions were counted."""
    with transaction():
        tls_report.count(DAY, [Counted(GOOD, 5), Counted(replace(BAD, reason="expired"), 2), Counted(WRONG, 1)])
        tls_report.count(DAY, [Counted(GOOD, 1), Counted(replace(BAD, reason="again"), 1), Counted(LOST, 1)])
    clock.now = datetime.fromisoformat("2026-04-11T12:00:00Z")
    return office


def begin(office: Office) -> Begun | None:
    with transaction():
        return tls_report.begin(office, DAY, "town.example")


def plan(office: Office) -> None:
    with transaction():
        tls_report.keep(office, sends=True)


def made(day: date = DAY) -> TlsReport:
    (one,) = store.reports(day)
    return one


def test_what_ended_alike_is_one_figure(told: Office) -> None:
    (figures,) = tls_report.figures(DAY)
    assert (figures.domain, figures.sums, figures.report) == ("town.example", (6, 5), None)
    assert [(one.result.failure, one.sessions) for one in figures.counted] == [
        ("", 6),
        ("certificate-expired", 3),
        ("dnssec-invalid", 1),
        ("tlsa-invalid", 1),
    ]
    assert figures.counted[1].result.reason == "expired"
    assert tls_report.report(told, "desk@city.example.jp", DAY, "town.example").counted == figures.counted


def test_a_day_is_reported_when_it_is_over_at_a_moment_of_its_own(told: Office, clock: FakeClock) -> None:
    clock.now = datetime.fromisoformat("2026-04-10T23:59:00Z")
    plan(told)
    assert store.reports(DAY) == []
    clock.now = datetime.fromisoformat("2026-04-11T00:00:30Z")
    plan(told)
    planned = made().next_at
    assert planned is not None
    assert timedelta(hours=2) < planned - clock.now < timedelta(hours=3)
    clock.advance(seconds=60)
    plan(replace(told, chance=lambda: 0.0))
    assert made().next_at == planned
    assert tls_report.due(told) == []
    clock.now = planned
    assert tls_report.due(told) == [(DAY, "town.example")]


def test_where_none_are_sent_none_is_planned(told: Office) -> None:
    with transaction():
        tls_report.keep(told, sends=False)
    assert store.reports(DAY) == []


def test_a_report_is_one_attempt_at_a_time_and_sent_once(told: Office, clock: FakeClock) -> None:
    plan(told)
    begun = begin(told)
    assert begun is not None
    assert begin(told) is None
    # Who began it has died: somebody else may, half an hour later.
    clock.advance(minutes=30)
    begun = begin(told)
    assert begun is not None
    assert begun.attempts == 2
    with transaction():
        tls_report.sent(told, begun, "mailto:tls@town.example")
    assert (made().state, made().destination, made().settled_at) == (
        ReportState.SENT,
        "mailto:tls@town.example",
        clock.now,
    )
    clock.advance(hours=12)
    assert begin(told) is None
    assert tls_report.due(told) == []


def test_it_is_tried_again_for_a_day_and_then_given_up(told: Office, clock: FakeClock) -> None:
    plan(told)
    first, pauses = clock.now, []
    while True:
        begun = begin(told)
        assert begun is not None
        with transaction():
            again = tls_report.failed(told, begun, "451 later")
        report = made()
        assert report.trouble == "451 later"
        if not again:
            break
        assert report.next_at is not None
        pauses.append(report.next_at - clock.now)
        clock.now = report.next_at
    assert report.state is ReportState.FAILED
    assert timedelta(hours=18) < clock.now - first <= timedelta(hours=24)
    assert pauses == sorted(pauses)
    assert len(pauses) < 12


def test_a_person_may_ask_for_what_was_given_up(told: Office) -> None:
    with transaction():
        assert tls_report.ask_for(told, DAY, "test") == ["town.example"]
    begun = begin(told)
    assert begun is not None
    with transaction():
        tls_report.unwanted(told, begun)
    assert made().state is ReportState.UNWANTED
    with transaction():
        assert tls_report.ask_for(told, DAY, "test") == ["town.example"]
    assert begin(told) is not None


def test_after_a_month_nothing_is_left(told: Office, clock: FakeClock) -> None:
    plan(told)
    clock.now = datetime.fromisoformat("2026-05-10T12:00:00Z")
    plan(told)
    assert tls_report.figures(DAY)
    clock.advance(days=1)
    plan(told)
    left = (
        "SELECT (SELECT COUNT(*) FROM tls_count), (SELECT COUNT(*) FROM tls_policy), (SELECT COUNT(*) FROM tls_report)"
    )
    assert select(left) == [(0, 0, 0)]


def test_a_day_that_is_long_over_is_not_reported(told: Office, clock: FakeClock) -> None:
    clock.now = datetime.fromisoformat("2026-04-13T00:00:00Z")
    plan(told)
    assert store.reports(DAY) == []
