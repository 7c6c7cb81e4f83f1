"""Does an operator see what others report about our mail, and whose matter it is?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from config import Settings
from config.carriers import load_carriers
from mailer.clock import system_clock
from mailer.report.value import Span
from mailer.service import received_report
from mailer.store.database import transaction
from mailer.store.models import InboundMail
from tests.cli.town import Town
from tests.report.received_samples import ADDRESS, OURS, dmarc, tls

BEGIN = (system_clock() - timedelta(days=1)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
YESTERDAY = Span(BEGIN, BEGIN + timedelta(days=1))
DAY = YESTERDAY.day.isoformat()


@pytest.fixture
def reported(town: Town) -> Town:
    """A town of which Google and Microsoft said something about yesterday, and a reader at Yahoo! today."""
    text = town.config.read_text()
    town.config.write_text(text.replace("[delivery]\n", f'[delivery]\nsource_addresses = ["{ADDRESS}"]\n'))
    with town.office() as office, transaction():
        office = replace(office, receiver=load_carriers(Settings.model_validate({})).name)
        columns = ("reverse_path", "forward_path", "peer", "meaning")
        mail = InboundMail.insert(
            **dict.fromkeys(columns, ""), digest=b"", content=b"", received_at=datetime(2026, 4, 11, tzinfo=UTC)
        ).execute()
        received_report.keep(office, mail, replace(dmarc("google.xml"), span=YESTERDAY))
        received_report.keep(office, mail, replace(dmarc("outlook.xml"), span=YESTERDAY))
        received_report.keep(office, mail, replace(tls("google.json"), span=YESTERDAY))
        received_report.complained(office, mail, "yahoo.com", proved=True)
    return town


def test_nothing_was_reported(town: Town) -> None:
    assert town.json("reports", "list") == []
    assert "Nobody has reported anything" in town.done("reports", "list")
    assert town.json("carriers", "show", "google")["reported"] == []


def test_sums_as_one_document(reported: Town) -> None:
    yahoo, google, google_tls, microsoft = reported.json("reports", "list")
    assert (google["day"], google["zone"], google["receiver"], google["reports"]) == (DAY, "UTC", "google", [1])
    assert google["mails"] == {
        **{"ours": 415, "passed": 412, "without_dkim": 3, "without_spf": 0, "failed": 0, "stopped": 0},
        **{"passed_on": 9, "forged": 57, "forged_stopped": 57},
    }
    assert (google["sessions"], google["complaints"]) == (None, None)
    assert google_tls["sessions"] == {
        **{"succeeded": 31, "failed": 4, "against_policy": 4},
        "failures": {"certificate-expired": 3, "validation-failure": 1},
    }
    assert (google_tls["mails"], microsoft["mails"]["failed"]) == (None, 7)
    assert (yahoo["kind"], yahoo["complaints"], yahoo["mails"]) == ("complaint", 1, None)


def test_sums_say_whose_matter_it_is(reported: Town) -> None:
    shown = reported.done("reports", "list")
    assert "3 of ours had no valid DKIM signature: our own fault" in shown
    assert "7 of ours failed SPF and DKIM: our own fault" in shown
    assert "7 of ours were not put into the inbox" in shown
    assert "9 of ours were passed on by others" in shown
    assert "57 came from strangers: somebody forges our domain; 57 of them were stopped" in shown
    assert "our certificate has expired (certificate-expired): 3" in shown
    assert "4 of them failed our own policy" in shown
    assert "readers called 1 of our mails spam" in shown


def test_reports_that_contradict_each_other_are_told(reported: Town) -> None:
    genuine = replace(tls("google.json"), span=YESTERDAY)
    with reported.office() as office, transaction():
        office = replace(office, receiver=load_carriers(Settings.model_validate({})).name)
        forged = replace(genuine, rows=tuple(replace(row, failure="") for row in genuine.rows))
        assert received_report.keep(office, None, genuine) == 3
        assert received_report.keep(office, None, forged) == 5
    (one,) = reported.json("reports", "list", "--kind", "tls")
    assert (one["contradicted"], one["sessions"]["failed"]) == ([3, 5], 4)
    shown = reported.done("reports", "list", "--kind", "tls")
    assert "another report bears the name of 3, 5 and says something else: one may be forged; all are counted" in shown
    assert reported.json("reports", "show", "5")["contradicts"] == [3]
    assert reported.json("reports", "list", "--kind", "dmarc")[0]["contradicted"] == []


def test_complaints_that_nobody_proves_are_not_counted(reported: Town) -> None:
    with reported.office() as office, transaction():
        office = replace(office, receiver=load_carriers(Settings.model_validate({})).name)
        for domain in ("ezweb.ne.jp", "yahoo.com"):
            mail = InboundMail.create(
                received_at=office.clock(),
                **dict.fromkeys(("reverse_path", "forward_path", "peer", "meaning"), ""),
                digest=b"",
                content=b"",
            )
            received_report.complained(office, mail.id, domain, proved=False)
    listed = reported.json("reports", "list", "--kind", "complaint")
    assert [(one["receiver"], one["complaints"], one["unproved"]) for one in listed] == [
        *(("au", 0, [5]), ("yahoo", 1, [4 + 2])),
    ]
    words = "not proved and not counted: 1, which anybody can have written"
    assert reported.done("reports", "list").count(words) == 2
    shown = reported.done("carriers", "show", "au")
    assert words in shown
    assert "of our mails spam" not in shown
    assert [reported.json("reports", "show", str(number))["proved"] for number in (4, 5)] == [True, False]
    assert "all is well" not in reported.done("reports", "show", "5")


def test_where_our_addresses_are_not_known_forgery_is_in_doubt(reported: Town) -> None:
    assert "source_addresses" not in reported.type("reports", "list").stderr
    text = reported.config.read_text()
    reported.config.write_text(text.replace(f'source_addresses = ["{ADDRESS}"]\n', ""))
    assert "[delivery] public_addresses nor source_addresses" in reported.type("reports", "list").stderr


def test_days_and_kinds_are_chosen(reported: Town) -> None:
    assert {one["kind"] for one in reported.json("reports", "list", "--kind", "tls")} == {"tls"}
    assert {one["kind"] for one in reported.json("reports", "list", "--days", "1")} <= {"complaint", "dmarc", "tls"}
    assert reported.type("reports", "list", "--days", "0").exit_code == 2
    assert reported.type("reports", "list", "--kind", "arf").exit_code == 2


def test_one_report_with_its_rows_and_its_mail(reported: Town) -> None:
    found = reported.json("reports", "show", "1")
    assert (found["kind"], found["day"], found["receiver"], found["mail_id"]) == ("dmarc", DAY, "google", 1)
    assert [(one["sender"], one["messages"]) for one in found["mails"]] == [
        *(("ours", 412), ("ours", 3), ("passed_on", 9), ("stranger", 57)),
    ]
    shown = reported.done("reports", "show", "1")
    assert "google.com noreply-dmarc-support@google.com" in shown
    assert "cheap-pills.example softfail" in shown
    assert "certificate-expired" in reported.done("reports", "show", "3")
    assert reported.json("reports", "show", "4")["mails"] == []


def test_another_domain_is_named_in_a_report(reported: Town) -> None:
    report = dmarc("small.xml")
    with reported.office() as office, transaction():
        number = received_report.keep(
            office, None, replace(report, rows=(replace(report.rows[0], header_from="other.example"),))
        )
    assert "another domain's: other.example" in reported.done("reports", "show", str(number))
    assert OURS in reported.done("reports", "show", "1")


def test_a_report_that_is_not_kept_is_refused(reported: Town) -> None:
    refused = reported.type("reports", "show", "99")
    assert refused.exit_code == 1
    assert "There is no report 99" in refused.stderr


def test_reports_stand_beside_their_carrier(reported: Town) -> None:
    kinds = [one["kind"] for one in reported.json("carriers", "show", "gmail.com")["reported"]]
    assert kinds == ["dmarc", "tls"]
    assert "57 came from strangers" in reported.done("carriers", "show", "google")


def test_a_receiver_that_only_reports_is_known(reported: Town) -> None:
    with reported.office() as office, transaction():
        received_report.keep(office, None, replace(dmarc("rfc9990.xml"), span=YESTERDAY))
    (one,) = reported.json("carriers", "show", "example.ne.jp")["reported"]
    assert one["mails"]["passed_on"] == 88


def test_an_alarm_of_a_report_is_told_in_words(reported: Town) -> None:
    shown = reported.done("alarms", "list")
    assert "A report says that mail from us failed both SPF and DKIM: microsoft" in shown
    assert "A report says that TLS with us failed our own policy, which may keep mail back: google" in shown
