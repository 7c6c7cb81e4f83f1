"""Does an operator see what was counted of TLS, and what becomes of a day's reports?"""

from datetime import UTC, date, timedelta

import pytest

from mailer.clock import system_clock
from mailer.report.tls import Counted
from mailer.service import tls_report
from mailer.store.database import transaction
from tests.cli.town import Town
from tests.report import rfc8460
from tests.report.samples import BAD, GOOD, WRONG

TODAY = system_clock().astimezone(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def counted(town: Town) -> Town:
    """A town that spoke to another one yesterday; its name server is mute."""
    with town.config.open("a") as config:
        config.write('[dns]\nnameservers = ["127.0.0.1:9"]\ntimeout = 0.1\nlifetime = 0.1\n')
    count(town, YESTERDAY)
    return town


def count(town: Town, day: date) -> None:
    with town.office(), transaction():
        tls_report.count(day, [Counted(GOOD, 5), Counted(BAD, 2), Counted(WRONG, 1)])


def test_nothing_to_show(town: Town) -> None:
    assert town.json("reports", "tls") == []
    assert f"On {TODAY} (UTC) no session was counted." in town.done("reports", "tls")
    assert town.json("reports", "send-tls", "--dry-run") == []
    assert "There is nothing to report." in town.done("reports", "send-tls")


def test_what_was_counted(counted: Town) -> None:
    assert counted.json("reports", "tls") == []
    (one,) = counted.json("reports", "tls", "--day", YESTERDAY.isoformat())
    assert (one["domain"], one["successful"], one["failed"], one["report"]) == ("town.example", 5, 3, None)
    assert [session["failure"] for session in one["sessions"]] == ["", "certificate-expired", "tlsa-invalid"]
    shown = counted.done("reports", "tls", "--day", YESTERDAY.isoformat())
    assert "tlsa-invalid" in shown
    assert "mx.town.example[203.0.113.5]" in shown


def test_a_dry_run_shows_the_report_and_sends_nothing(counted: Town) -> None:
    (planned,) = counted.json("reports", "send-tls", "--dry-run")
    rfc8460.check(planned["report"])
    assert planned["report"]["contact-info"] == "postmaster@mail.mimamori-iwamizawa.jp"
    assert (planned["to"], planned["trouble"][:10]) == ([], "_smtp._tls")
    assert counted.json("reports", "tls", "--day", YESTERDAY.isoformat())[0]["report"] is None


def test_what_cannot_be_sent_now_stays_planned(counted: Town) -> None:
    (one,) = counted.json("reports", "send-tls")
    assert (one["report"]["state"], one["report"]["attempts"]) == ("pending", 1)
    shown = counted.done("reports", "send-tls", "--day", YESTERDAY.isoformat())
    assert "waiting" in shown
    assert "_smtp._tls.town.example" in shown


def test_a_day_that_is_not_over_is_not_reported(counted: Town) -> None:
    refused = counted.type("reports", "send-tls", "--day", TODAY.isoformat())
    assert refused.exit_code == 1
    assert f"{TODAY} (UTC) is not over yet" in refused.stderr


def test_where_reports_are_switched_off_only_a_dry_run_is_done(counted: Town) -> None:
    with counted.config.open("a") as config:
        config.write("[reports]\ntls = false\ncontact = 'desk@city.example.jp'\n")
    refused = counted.type("reports", "send-tls")
    assert refused.exit_code == 1
    assert "[reports] tls is false" in refused.stderr
    (planned,) = counted.json("reports", "send-tls", "--dry-run")
    assert planned["report"]["contact-info"] == "desk@city.example.jp"


def test_a_day_is_typed_as_a_day(town: Town) -> None:
    refused = town.type("reports", "tls", "--day", "yesterday")
    assert refused.exit_code == 2
    assert "A day is written like 2026-04-01." in refused.stderr
