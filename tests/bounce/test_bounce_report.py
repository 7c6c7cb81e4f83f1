"""Is every delivery report read, and does no other mail, however made, do harm?"""

import time
from base64 import encodebytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.bounce.report import MOST_OCTETS, MOST_RECIPIENTS, Report, ReportedRecipient, read_report

STATUS = """\
Reporting-MTA: dns; mx.example.jp
Arrival-Date: Fri, 10 Apr 2026 15:00:00 +0900

Final-Recipient: rfc822; taro@example.jp
Original-Recipient: rfc822;taro@example.jp
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx2.example.jp
Diagnostic-Code: smtp; 550 5.1.1 <taro@example.jp>:
    User unknown
"""
TARO = ReportedRecipient(
    "taro@example.jp",
    "taro@example.jp",
    "failed",
    "5.1.1",
    "550 5.1.1 <taro@example.jp>: User unknown",
    "mx2.example.jp",
)


def mail(
    status: str = STATUS,
    top: str = 'multipart/report; report-type=delivery-status; boundary="=_b/1"',
    part: str = "Content-Type: message/delivery-status",
) -> bytes:
    text = f"""\
From: MAILER-DAEMON@mx.example.jp
Subject: Undelivered Mail Returned to Sender
Content-Type: {top}

This is a MIME-encapsulated message.

--=_b/1
Content-Type: text/plain

Sorry. --=_b/1 is no boundary here.

--=_b/1
{part}

{status}
--=_b/1
Content-Type: message/rfc822

Subject: original

Final-Recipient: rfc822; nobody@example.jp
Action: failed
Status: 5.0.0

--=_b/1--
"""
    return text.encode()


def recipients(status: str) -> tuple[ReportedRecipient, ...]:
    report = read_report(mail(status))
    assert report is not None
    return report.recipients


class TestReports:
    def test_every_field_is_read(self) -> None:
        assert read_report(mail()) == Report("mx.example.jp", (TARO,))

    def test_crlf_gives_the_same(self) -> None:
        assert read_report(mail().replace(b"\n", b"\r\n")) == read_report(mail())

    @pytest.mark.parametrize(
        "top",
        [
            "multipart/report; boundary==_b/1",
            'MULTIPART/Report;\n\tBoundary="=_b/1";\n\tReport-Type="Delivery-Status"',
            'multipart/report; boundary="=\\_b/1"; charset=utf-8',
        ],
    )
    def test_spellings_of_the_type(self, top: str) -> None:
        assert read_report(mail(top=top.replace("==_b/1", '="=_b/1"'))) == read_report(mail())

    @pytest.mark.parametrize(
        ("part", "status"),
        [
            ("content-type: Message/Global-Delivery-Status; charset=utf-8", STATUS),
            (
                "Content-Type: message/delivery-status\nContent-Transfer-Encoding: BASE64",
                encodebytes(STATUS.replace("\n", "\r\n").encode()).decode(),
            ),
            (
                "Content-Type: message/delivery-status\nContent-Transfer-Encoding: quoted-printable",
                STATUS.replace("taro@", "ta=\nro=40"),
            ),
        ],
    )
    def test_spellings_of_the_part(self, part: str, status: str) -> None:
        report = read_report(mail(status, part=part))
        assert report is not None
        assert report.recipients == (TARO,)

    def test_several_recipients_and_no_group_about_the_mail(self) -> None:
        first = "Final-Recipient: rfc822;a@x.jp\nAction: failed\nStatus: 5.2.2"
        status = first + "\n \n\t\nFinal-Recipient: b@x.jp\nAction: Delayed (x)"
        assert [(one.final_recipient, one.action, one.status) for one in recipients(status)] == [
            ("a@x.jp", "failed", "5.2.2"),
            ("b@x.jp", "delayed", ""),
        ]

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("rfc822; <taro@example.jp>", "taro@example.jp"),
            ('RFC822;"a..b"@docomo.ne.jp', '"a..b"@docomo.ne.jp'),
            ("utf-8; 太郎@example.jp", "太郎@example.jp"),
            ("", ""),
        ],
    )
    def test_spellings_of_a_recipient(self, written: str, read: str) -> None:
        (one,) = recipients(f"Final-Recipient: {written}\nAction: failed")
        assert one.final_recipient == read

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("5.1.1", "5.1.1"),
            ("4.4.7 (expired)", "4.4.7"),
            ("2.0.0", "2.0.0"),
            ("9.1.1", ""),
            ("5", ""),
            ("5.1.1111", ""),
        ],
    )
    def test_spellings_of_a_status(self, written: str, read: str) -> None:
        (one,) = recipients(f"Action: failed\nStatus: {written}")
        assert one.status == read

    def test_the_first_of_repeated_fields_counts(self) -> None:
        (one,) = recipients("Action: delayed\nAction: failed\n folded\nFinal-Recipient: a@x.jp")
        assert (one.action, one.final_recipient) == ("delayed", "a@x.jp")

    def test_what_people_will_see_has_no_control_characters(self) -> None:
        (one,) = recipients("Action: failed\nDiagnostic-Code: smtp; \x1b[31m" + "x" * 3000)
        assert one.diagnostic.startswith("\ufffd[31mxx")
        assert len(one.diagnostic) == 512


class TestOtherMail:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n",
            b"\r\n\r\nhello",
            b"Subject: x\n\nAction: failed\n",
            mail(top="text/plain"),
            mail(top='multipart/mixed; boundary="=_b/1"'),
            mail(top="multipart/report"),
            mail(top='multipart/report; boundary="other"'),
            mail(top='multipart/report; report-type=feedback-report; boundary="=_b/1"'),
            mail(top='multipart/report; report-type=disposition-notification; boundary="=_b/1"'),
            mail(part="Content-Type: text/plain"),
            mail(part="Content-Type: message/delivery-status").split(b"--=_b/1")[0],
        ],
    )
    def test_it_is_no_report(self, content: bytes) -> None:
        assert read_report(content) is None

    def test_an_unreadable_part_reports_nothing(self) -> None:
        part = "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64"
        assert read_report(mail("A", part=part)) == Report("", ())

    def test_a_report_cut_off_is_read_as_far_as_it_goes(self) -> None:
        report = read_report(mail()[: mail().index(b"Status: 5.1.1")])
        assert report is not None
        assert [(one.action, one.status) for one in report.recipients] == [("failed", "")]


def hostile() -> dict[str, bytes]:
    many = 200_000
    return {
        "recipients": mail("\n\n".join(["Action: failed\nFinal-Recipient: a@x.jp"] * many)),
        "parts": mail().replace(b"--=_b/1\n", b"--=_b/1\nA: b\n\n" * many, 1),
        "fields": mail("\n".join(f"F{number}: x" for number in range(many))),
        "folds": mail("Action: failed\n" + " x\n" * many),
        "one field": mail("Action: " + "x" * 20_000_000),
        "quotes": mail(top='multipart/report; boundary="' + '\\"' * many),
        "parameters": mail(top="multipart/report" + "; a=b" * many),
        "blank lines": mail("Action: x\n" + (" " * 50 + "\n") * many),
        "spaces": mail("Action: x\n" + " " * 20_000_000),
        "base64": mail("QQ==" * many, part="Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64"),
        "nested": b"Content-Type: multipart/report; boundary=a\n\n--a\n" * many,
        "nothing": b"\n" * 20_000_000,
    }


@pytest.mark.parametrize("name", sorted(hostile()))
def test_no_mail_takes_long(name: str) -> None:
    content = hostile()[name]
    begun = time.process_time()
    report = read_report(content)
    assert time.process_time() - begun < 1.0
    assert report is None or len(report.recipients) <= MOST_RECIPIENTS + 1


def test_only_the_beginning_is_looked_at() -> None:
    late = mail().replace(b"Sorry.", b"Sorry. " + b"x" * MOST_OCTETS)
    assert read_report(late) is None


PIECES = st.lists(st.sampled_from([*mail().splitlines(True), b"\n", b"\r", b"\0", b"\xff", b";", b'"', b"--=_b/1\n"]))


@given(st.one_of(st.binary(max_size=500), PIECES.map(b"".join)))
@settings(max_examples=500, deadline=None)
def test_any_bytes_give_a_report_or_none(content: bytes) -> None:
    report = read_report(content)
    assert report is None or all(isinstance(one.status, str) for one in report.recipients)
