"""Is each report kept once and summed, is our own fault told from forgery, and does somebody hear of it?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from config import Settings
from config.bounces import load_bounces
from config.carriers import load_carriers
from mailer.bounce import parse
from mailer.domain import retention
from mailer.domain.alarm import Kind as AlarmKind
from mailer.report import received
from mailer.report.received import Received
from mailer.report.sums import MailSums, TlsSums
from mailer.report.tls import Counted
from mailer.report.value import Span
from mailer.service import alarm, bounce, broadcast, received_report, received_rows, watch
from mailer.service.office import Office
from mailer.service.received_report import DaySums, Kind, NoSuchReport, Sender
from mailer.smtp.tls_result import TlsPolicy, TlsResult
from mailer.store import tls_report
from mailer.store.bounce_events import Criteria
from mailer.store.database import select, transaction
from mailer.store.models import InboundMail
from tests.conftest import FakeClock, Register
from tests.forgetting import forget
from tests.report.received_samples import ADDRESS, GZIPPED, OURS, dmarc, mail, tls

DAY = date(2026, 4, 10)
BOOK = load_bounces(Settings.model_validate({}))
V6 = "2001:db8:25::1"


@pytest.fixture
def town(office: Office, clock: FakeClock) -> Office:
    """The office a day after what is reported, which knows its carriers and its addresses."""
    clock.advance(days=1)
    return replace(office, receiver=load_carriers(Settings.model_validate({})).name, addresses=frozenset({ADDRESS, V6}))


def keep(office: Office, received: Received, mail_id: int | None = None) -> int:
    with transaction():
        return received_report.keep(office, mail_id, received)


def sums(office: Office, kind: Kind | None = None) -> list[DaySums]:
    return received_report.sums(office, 2, kind)


def alarms() -> Sequence[tuple[AlarmKind, str, str]]:
    return [(one.kind, one.subject, one.words) for one in alarm.list_()]


def test_sums_by_day_receiver_and_kind(town: Office) -> None:
    numbers = [keep(town, report) for report in (dmarc("google.xml"), dmarc("outlook.xml"), tls("google.json"))]
    found = {(one.receiver, one.kind): one for one in sums(town)}
    assert sorted(found) == [("google", Kind.DMARC), ("google", Kind.TLS), ("microsoft", Kind.DMARC)]
    google = found["google", Kind.DMARC]
    assert (google.day, google.zone, google.numbers) == (DAY, "UTC", (numbers[0],))
    assert google.mails == MailSums(412, 3, 0, 0, 0, 9, 57, 57)
    assert found["microsoft", Kind.DMARC].mails == MailSums(120, 0, 0, 7, 7, 0, 0, 0)
    assert found["google", Kind.TLS].tls == TlsSums(31, {"certificate-expired": 3, "validation-failure": 1}, 4)
    assert {one.kind for one in sums(town, Kind.TLS)} == {Kind.TLS}


def test_a_reporter_that_no_carrier_is_has_its_domain_as_name(town: Office) -> None:
    keep(town, dmarc("rfc9990.xml"))
    (one,) = sums(town)
    assert (one.receiver, one.day, one.zone) == ("example.ne.jp", DAY, "Japan")
    assert one.mails == MailSums(0, 0, 88, 0, 0, 0, 2, 0)


def test_an_address_that_nobody_named_is_ours_where_we_sent_from_it(office: Office) -> None:
    report = dmarc("outlook.xml")
    keep(office, replace(report, report_id="before"))
    with transaction():
        result = TlsResult(TlsPolicy("no-policy-found", "b.example"), "mx.b.example", "192.0.2.1", ADDRESS)
        tls_report.count(DAY, [Counted(result, 1)])
    keep(office, report)
    before, after = (received_report.show(number).mails[1] for number in sums(office)[0].numbers)
    assert (before.sender, after.sender) == (Sender.STRANGER, Sender.OURS)


def test_a_second_copy_changes_nothing(town: Office) -> None:
    report = dmarc("outlook.xml")
    assert keep(town, report) == keep(town, report)
    assert sums(town)[0].mails.ours == 127
    assert alarm.list_()[0].count == 1


def test_whoever_guesses_the_name_of_a_report_does_not_keep_it_out(town: Office) -> None:
    genuine = tls("google.json")
    forged = replace(genuine, rows=tuple(replace(row, failure="") for row in genuine.rows))
    first, second = keep(town, forged), keep(town, genuine)
    assert (keep(town, forged), keep(town, genuine)) == (first, second)
    (one,) = sums(town)
    assert (one.numbers, one.contradicted) == ((first, second), (first, second))
    assert (one.tls.succeeded, one.tls.failed) == (35 + 31, 4)
    assert [subject for _, subject, _ in alarms()] == ["google"]
    assert [received_report.show(number).contradicts for number in (first, second)] == [[second], [first]]


def test_a_forged_report_of_another_receiver_or_day_does_not_keep_it_out(town: Office) -> None:
    genuine = dmarc("outlook.xml")
    span = Span(genuine.span.begins_at - timedelta(days=90), genuine.span.ends_at - timedelta(days=90))
    for forged in (replace(genuine, organisation="docomo.ne.jp"), replace(genuine, span=span)):
        keep(town, forged)
    number = keep(town, genuine)
    found = {one.receiver: one for one in sums(town)}
    assert (found["microsoft"].numbers, found["microsoft"].contradicted) == ((number,), (number,))
    assert found["microsoft"].mails.failed == 7


def test_the_name_of_a_report_counts_for_its_reporter_alone(town: Office) -> None:
    report = dmarc("outlook.xml")
    first, other = keep(town, report), keep(town, replace(report, contact="a@other.example", organisation="other"))
    assert first != other


def test_another_domain_is_kept_and_not_counted(town: Office) -> None:
    report = dmarc("outlook.xml")
    rows = tuple(replace(row, header_from="other.example") for row in report.rows)
    number = keep(town, replace(report, domain="other.example", rows=rows))
    (one,) = sums(town)
    assert (one.numbers, one.mails.ours, alarms()) == ((number,), 0, [])
    assert [kept.about_us for kept in received_report.show(number).mails] == [False, False]
    sessions = tuple(replace(row, domain=f"x{OURS}") for row in tls("google.json").rows)
    keep(town, replace(tls("google.json"), rows=sessions))
    assert [(day.tls.succeeded, alarms()) for day in sums(town, Kind.TLS)] == [(0, [])]


def test_a_domain_below_ours_is_ours(town: Office) -> None:
    report = dmarc("small.xml")
    keep(town, replace(report, rows=tuple(replace(row, header_from=f"a.{OURS}") for row in report.rows)))
    assert sums(town)[0].mails.ours == 1


def test_a_report_is_shown_with_its_rows_and_its_mail(town: Office) -> None:
    number = InboundMail.insert(
        received_at=town.clock(), reverse_path="", forward_path="", peer="", digest=b"", content=b"", meaning="unread"
    ).execute()
    shown = received_report.show(keep(town, dmarc("google.xml"), number))
    assert tuple(one.row for one in shown.mails) == dmarc("google.xml").rows
    assert (shown.report.mail_id, shown.report.organisation, shown.report.received_at) == (
        *(number, "google.com", town.clock()),
    )
    other = received_report.show(keep(town, tls("microsoft.json")))
    assert [one.row for one in other.sessions] == [row for row in tls("microsoft.json").rows if row.sessions]
    InboundMail.delete().execute()
    assert received_report.show(shown.report.id).report.mail_id is None
    with pytest.raises(NoSuchReport):
        received_report.show(99)


def test_our_own_fault_raises_an_alarm(town: Office) -> None:
    keep(town, dmarc("outlook.xml"))
    ((kind, subject, words),) = alarms()
    assert (kind, subject) == (AlarmKind.REPORTED_MAIL, "microsoft")
    assert words == (
        f"Outlook.com, 2026-04-10 (UTC): 7 mails, from {ADDRESS}: DKIM {OURS}/rsa2026a permerror; SPF {OURS} temperror"
    )


def test_forgery_and_half_a_failure_raise_none(town: Office) -> None:
    keep(town, dmarc("google.xml"))
    keep(town, dmarc("rfc9990.xml"))
    assert not alarms()


def test_a_policy_of_ours_that_failed_raises_an_alarm(town: Office) -> None:
    keep(town, tls("microsoft.json"))
    keep(town, tls("google.json"))
    assert sorted(alarms()) == [
        (
            AlarmKind.REPORTED_TLS,
            "google",
            f"Google Inc., 2026-04-10 (UTC): 4 sessions: certificate-expired {OURS}",
        ),
        (
            AlarmKind.REPORTED_TLS,
            "microsoft",
            "Microsoft Corporation, 2026-04-10 (UTC): 2 sessions: tlsa-invalid no match for 3 1 1",
        ),
    ]


def test_tls_that_failed_without_a_policy_raises_none(town: Office) -> None:
    report = tls("google.json")
    keep(town, replace(report, rows=tuple(replace(row, policy="no-policy-found") for row in report.rows)))
    assert sums(town)[0].tls.failed == 4
    assert not alarms()


def test_old_news_raise_no_alarm(town: Office, clock: FakeClock) -> None:
    clock.advance(days=8)
    keep(town, dmarc("outlook.xml"))
    assert not alarms()


def test_a_day_that_is_far_from_over_is_neither_summed_nor_news(town: Office) -> None:
    report = dmarc("outlook.xml")
    begin = town.clock() + timedelta(days=300)
    keep(town, replace(report, span=Span(begin, begin + timedelta(days=1))))
    assert (sums(town), alarms()) == ([], [])


def test_a_long_report_is_kept_short_and_summed_whole(town: Office) -> None:
    report, other = dmarc("outlook.xml"), tls("google.json")
    forged = [
        replace(report.rows[0], source=f"198.51.{n // 250}.{n % 250}", spf=False, dkim=False) for n in range(2000)
    ]
    strange = [replace(row, disposition=f"d{n}") for n, row in enumerate(forged)]
    number = keep(town, replace(report, rows=(*forged, *strange, *report.rows)))
    rows = received_report.show(number).mails
    assert (sums(town)[0].mails.forged, sums(town)[0].mails.failed) == (120 * 4000, 7)
    assert [one.row.source for one in rows[-4:]] == [""] * 4
    assert len(rows) == received_rows.MOST_EACH + 4
    assert "7 mails, from several" in alarms()[0][2]
    words = [replace(other.rows[1], failure=f"f{n}", policy=f"p{n}") for n in range(1000)]
    number = keep(town, replace(other, rows=(*words, *other.rows)))
    assert len(received_report.show(number).sessions) == received_rows.MOST_EACH + 4
    assert (sums(town, Kind.TLS)[0].tls.failed, sums(town, Kind.TLS)[0].tls.succeeded) == (3004, 31)


def test_strangers_cannot_raise_alarms_without_end(town: Office) -> None:
    report = dmarc("outlook.xml")
    for number in range(alarm.MOST_OF_A_KIND + 5):
        domain = f"r{number}.example"
        keep(town, replace(report, organisation=domain, contact=f"a@{domain}"))
    assert len(alarms()) == alarm.MOST_OF_A_KIND + 1
    assert alarm.OTHERS in {subject for _, subject, _ in alarms()}


def test_an_alarm_ends_when_no_report_repeats_it(town: Office, clock: FakeClock) -> None:
    keep(town, dmarc("outlook.xml"))
    for days, standing in ((2, 1), (1, 0)):
        clock.advance(days=days, minutes=1)
        with transaction():
            received_report.end_quiet(town)
            watch.look(town, {}, (), (), None)
        assert len(alarms()) == standing
    assert alarm.list_(ended=True)[0].cleared_by == received_report.BY_QUIET


def test_a_year_later_a_report_is_forgotten_whole(town: Office, clock: FakeClock) -> None:
    keep(town, dmarc("google.xml"))
    keep(town, tls("google.json"))
    clock.advance(days=364)
    keep(town, dmarc("small.xml"))
    clock.advance(days=2)
    assert forget(town, retention.Kind.REPORTS) == 2
    assert [one.receiver for one in received_report.sums(town, 1000)] == ["exemple.example"]
    assert select("SELECT COUNT(*) FROM reported_mail") == [(1,)]
    assert select("SELECT COUNT(*) FROM reported_tls") == [(0,)]


COMPLAINT = b"""From: feedback@yahoo.com
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

A reader pressed the button.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Example/1.0
Version: 1
Original-Rcpt-To: mother@yahoo.com
Original-Rcpt-To: father@yahoo.com
Original-Rcpt-To: uncle@example.co.jp

--b
Content-Type: message/rfc822

From: t-daiichi@mail.mimamori-iwamizawa.jp

--b--
"""


def arrive(office: Office, content: bytes) -> int:
    """Have a mail come in to the postmaster, as the inbound service does; return its number."""
    with transaction():
        facts = bounce.InboundFacts("", (f"postmaster@{OURS}",), "192.0.2.1", content, None)
        number, _ = bounce.keep(office, bounce.pack(facts))
        meaning = bounce.learn(office, number, parse.read(content, BOOK))
        received_report.learn(office, number, meaning, received.read(content))
    return number


def test_complaints_are_counted_by_mail_and_receiver(town: Office) -> None:
    first, second = arrive(town, COMPLAINT), arrive(town, COMPLAINT)
    with transaction():
        received_report.learn(town, first, bounce.REPORT, None)
    example, yahoo = sums(town)
    assert (yahoo.kind, yahoo.receiver, yahoo.day, yahoo.zone) == (
        *(Kind.COMPLAINT, "yahoo", DAY + timedelta(days=1), "Japan"),
    )
    assert (example.receiver, len(example.numbers), len(yahoo.numbers)) == ("example.co.jp", 2, 2)
    assert {received_report.show(number).report.mail_id for number in yahoo.numbers} == {first, second}


def test_only_a_complaint_that_proves_itself_counts(town: Office, register: Register) -> None:
    register("t-daiichi", "mother@yahoo.com")
    broadcast.send(
        town, broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", receipt=False, urgent=True, actor="t")
    )
    (item_id,) = (number for (number,) in select("SELECT id FROM queue_item"))
    genuine = COMPLAINT.replace(b"From: t-daiichi", f"Return-Path: <{town.verp.make(item_id)}>\nFrom: t".encode())
    forged, proved = arrive(town, COMPLAINT), arrive(town, genuine)
    example, yahoo = sums(town, Kind.COMPLAINT)
    shown = {number: received_report.show(number).report for number in (*yahoo.numbers, *example.numbers)}
    assert {(one.receiver, one.mail_id): one.proved for one in shown.values()} == {
        ("yahoo", forged): False,
        ("yahoo", proved): True,
        ("example.co.jp", forged): False,
        ("example.co.jp", proved): False,
    }
    assert (yahoo.complaints, len(yahoo.unproved), example.complaints, len(example.unproved)) == (1, 1, 0, 2)


def test_a_report_that_came_in_waits_for_no_person(town: Office) -> None:
    number = arrive(town, mail(GZIPPED))
    assert [one.numbers for one in sums(town)] == [(1,)]
    (kept,) = bounce.listed(Criteria(mail=number), 9)
    assert kept.meaning == bounce.REPORT
    other = arrive(town, mail(b"something", "application/pdf", "a.pdf"))
    assert bounce.listed(Criteria(unread=True), 9)[0].mail_id == other
