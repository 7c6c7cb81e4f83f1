"""Is what a returned mail says read rightly, and does nothing else ever name a recipient?"""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import Settings
from config.bounces import load_bounces
from mailer.bounce.event import Event
from mailer.bounce.parse import read
from mailer.bounce.quotation import host_in, quoted_reply, stage_in
from mailer.carrier.reason import Reason

BOOK = load_bounces(Settings.model_validate({}))
TARO = "taro@docomo.ne.jp"


def report(*groups: str, text: str = "", original: str = "") -> bytes:
    """Return a delivery status report with these groups of fields about recipients."""
    fields = "\n\n".join(groups)
    return f"""\
From: MAILER-DAEMON@mx.example.jp
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

{text}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.jp

{fields}

--b
Content-Type: text/rfc822-headers

{original}
--b--
""".encode()


def failed(status: str = "5.1.1", diagnostic: str = "smtp; 550 5.1.1 User unknown", recipient: str = TARO) -> str:
    """Return the group of a failed recipient."""
    return f"Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: {status}\nDiagnostic-Code: {diagnostic}"


def notice(text: str, sender: str = "MAILER-DAEMON@mx.example.jp", subject: str = "failure notice") -> bytes:
    """Return a notice in words."""
    return f"From: {sender}\nTo: school@example.jp\nSubject: {subject}\n\n{text}".encode()


def told(content: bytes) -> list[tuple[str, str, str]]:
    """Return recipient, kind and reason of each event."""
    return [(event.recipient, event.kind.value, event.reason.value) for event in read(content, BOOK).events]


def one(content: bytes) -> Event:
    """Return the only event."""
    (event,) = read(content, BOOK).events
    return event


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (failed(), ("hard", "address_unknown")),
        (failed("5.2.2", "smtp; 552 5.2.2 Mailbox full"), ("soft", "mailbox_full")),
        (failed("4.4.1", "smtp; connect to mx.example.jp[192.0.2.1]:25: Connection timed out"), ("soft", "expired")),
        (failed("4.7.1", "smtp; 450 4.7.1 Greylisted"), ("soft", "rate_limited")),
        (failed("5.0.0", ""), ("soft", "unclear")),
        (failed("4.4.0", "").replace("failed", "delayed"), ("delayed", "expired")),
        (failed("4.2.2", "smtp; 452 4.2.2 full").replace("failed", "delayed"), ("delayed", "mailbox_full")),
        (failed("2.0.0", "smtp; 250 ok").replace("failed", "delivered"), ("delivered", "delivered")),
        (failed("2.0.0", "smtp; 250 ok").replace("failed", "relayed"), ("delivered", "delivered")),
        (failed("2.0.0", "smtp; 250 ok").replace("failed", "expanded"), ("delivered", "delivered")),
    ],
)
def test_a_report_says_what_it_says(group: str, expected: tuple[str, str]) -> None:
    assert told(report(group)) == [(TARO, *expected)]


def test_failed_with_a_status_of_success_says_nothing() -> None:
    assert told(report(failed("2.1.5", "smtp; 250 ok"))) == []


def test_the_original_recipient_is_whom_we_wrote_to() -> None:
    event = one(report(f"Original-Recipient: rfc822;{TARO}\n" + failed(recipient="x@forwarded.example")))
    assert (event.recipient, event.final) == (TARO, "x@forwarded.example")


def test_groups_without_blank_lines_are_told_apart() -> None:
    groups = failed() + "\n" + failed("5.2.2", "smtp; 552 full", "hanako@docomo.ne.jp")
    assert [event[0] for event in told(report(groups))] == [TARO, "hanako@docomo.ne.jp"]


def test_a_recipient_without_an_address_is_the_only_one_of_the_mail() -> None:
    content = report(failed(recipient="kijitora"), original=f"To: {TARO}\nSubject: x")
    assert told(content) == [(TARO, "hard", "address_unknown")]


def test_the_words_for_people_tell_the_stage_that_the_fields_do_not() -> None:
    words = f"<{TARO}>: host mfsmax.docomo.ne.jp[192.0.2.1] said: 550 Unknown user (in reply to end of DATA command)"
    group = failed("5.0.0", "smtp; 550 Unknown user").replace("Action", "Remote-MTA: dns; mfsmax.docomo.ne.jp\nAction")
    assert told(report(group, text=words)) == [(TARO, "soft", "recipient_filter")]
    rcpt = words.replace("end of DATA", "RCPT TO")
    assert told(report(group, text=rcpt)) == [(TARO, "hard", "address_unknown")]


def test_what_is_said_of_the_sender_is_not_held_against_the_reader() -> None:
    words = "smtp; 550-Verification failed for <b@school.example> 550-No Such User Here 550 Sender verify failed"
    assert told(report(failed("5.0.0", words))) == [(TARO, "soft", "sender_refused")]


def test_a_notice_in_words_is_read() -> None:
    words = f"""\
Hi. This is the qmail-send program at mx.example.jp.
I'm afraid I wasn't able to deliver your message to the following addresses.

<{TARO}>:
Sorry, no mailbox here by that name. (#5.1.1)

<hanako@docomo.ne.jp>:
192.0.2.1 does not like recipient.
Remote host said: 552 5.2.2 Mailbox full
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <b-1-{"0" * 26}@mail.example.jp>
Message-ID: <q1.b7k3q9z1@mail.example.jp>
To: someone@else.example
"""
    assert told(notice(words)) == [
        (TARO, "hard", "address_unknown"),
        ("hanako@docomo.ne.jp", "soft", "mailbox_full"),
    ]
    mail = read(notice(words), BOOK)
    assert mail.reverse_paths == (f"b-1-{'0' * 26}@mail.example.jp",)
    assert mail.message_ids == ("<q1.b7k3q9z1@mail.example.jp>",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 1000,
        notice(f"<{TARO}>:\nSorry, no mailbox here by that name. (#5.1.1)", "taro@example.jp", "Re: hello"),
        notice(f"> <{TARO}>:\n> 550 5.1.1 User unknown", "hanako@example.jp", "この件ですが"),
        notice("The number of unknown users grows: see a@b.example", "news@example.jp", "Newsletter"),
    ],
)
def test_ordinary_mail_names_nobody(content: bytes) -> None:
    assert told(content) == []


def test_an_automatic_answer_is_one_of_its_writer() -> None:
    content = b"From: Taro <taro@docomo.ne.jp>\nAuto-Submitted: auto-replied\nSubject: x\n\n550 5.1.1 user unknown\n"
    assert told(content) == [(TARO, "autoreply", "autoreply")]


@pytest.mark.parametrize("words", ["My mailbox is full of work until Monday.", "550 5.1.1 User unknown here till May"])
def test_who_is_away_and_quotes_our_mail_is_not_taken_for_dead(words: str) -> None:
    """A vacation program's answer has the null reverse-path, as a server's report has (RFC 3834)."""
    content = f"""\
Return-Path: <>
From: {TARO}
To: b-1@mail.example.jp
Subject: Re: news
Auto-Submitted: auto-replied

{words}

----- Original Message -----
From: school@mail.example.jp
To: {TARO}
Subject: news
Message-ID: <q1.b@mail.example.jp>

Text.
""".encode()
    assert told(content) == [(TARO, "autoreply", "autoreply")]


def test_a_complaint_names_its_readers_and_a_report_of_authentication_is_none() -> None:
    text = f"""\
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
Original-Rcpt-To: <{TARO}>
Original-Rcpt-To: hanako@docomo.ne.jp

--b--
"""
    assert told(text.encode()) == [
        (TARO, "complaint", "complaint"),
        ("hanako@docomo.ne.jp", "complaint", "complaint"),
    ]
    assert told(text.replace("abuse", "auth-failure").encode())[0][1] == "report"


@pytest.mark.parametrize(
    ("text", "code", "enhanced", "words"),
    [
        (
            "host x[1.2.3.4] said: 550 5.1.1 <a@b.jp>... User unknown (in reply",
            550,
            "5.1.1",
            "<a@b.jp>... User unknown",
        ),
        (
            ">>> RCPT TO:<a@b.jp>\n<<< 550-5.1.1 line one\n<<< 550 5.1.1 line two\n\nmore",
            550,
            "5.1.1",
            "line one line two",
        ),
        ("(reason: 552 5.2.2 full)", 552, "5.2.2", "full)"),
        ("#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##", 550, "5.1.1", "RESOLVER"),
        ("Remote Server returned '550 5.1.10 not found'", 550, "5.1.10", "not found'"),
        ("Sorry, no such user. 550 sorry (#5.1.1 - chkusr)", 550, "5.1.1", "sorry"),
    ],
)
def test_a_quoted_reply_is_found(text: str, code: int, enhanced: str, words: str) -> None:
    reply = quoted_reply(text)
    assert reply is not None
    assert (reply.code, reply.enhanced) == (code, enhanced)
    assert reply.text.startswith(words)


@pytest.mark.parametrize("text", ["port 587", "192.0.2.550", "id 5500", "v4.2.1", "at 12:450", ""])
def test_numbers_that_are_no_replies_are_none(text: str) -> None:
    assert quoted_reply(text) is None


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("(in reply to RCPT TO command)", "rcpt"),
        ("(in reply to end of\n    DATA command)", "eod"),
        ("SMTP error from remote mail server after MAIL FROM:<x>", "mail"),
        (">>> DATA\n<<< 550 no", "data"),
        ("nothing", ""),
    ],
)
def test_the_stage_is_found(text: str, stage: str) -> None:
    assert stage_in(text) == stage


def test_the_host_is_found() -> None:
    assert host_in("... while talking to mx.example.jp.:") == "mx.example.jp"
    assert host_in("host mx1.example.jp [192.0.2.1]: 550") == "mx1.example.jp"


@pytest.mark.parametrize(
    "content",
    [
        report(*[failed(recipient=f"u{number}@docomo.ne.jp") for number in range(50_000)]),
        report(failed(diagnostic="smtp; 550 " + "x" * 1_000_000)),
        report("Final-Recipient: rfc822; " + "a" * 500_000 + "\nAction: failed\nStatus: 5.1.1"),
        notice("<" * 500_000),
        notice(("a" * 127 + "@") * 20_000),
        notice("550 5.1.1 \n" * 100_000),
        notice("\n" * 500_000 + f"<{TARO}>:"),
        notice("<a@b.example>:\n" * 100_000),
        notice('{"mail":' * 50_000),
        notice("said: " * 200_000),
        report(
            *["Action: failed\n\n--b\nContent-Type: message/delivery-status\n"] * 90, original="To: " + "a" * 16_000
        ),
    ],
    ids=[
        "recipients",
        "diagnostic",
        "address",
        "brackets",
        "locals",
        "replies",
        "lines",
        "names",
        "json",
        "words",
        "parts",
    ],
)
def test_hostile_mails_cost_little(content: bytes) -> None:
    began = time.process_time()
    mail = read(content, BOOK)
    assert time.process_time() - began < 3
    assert len(mail.events) <= 200


@given(st.binary(max_size=500))
def test_every_bytes_give_events_or_none(content: bytes) -> None:
    for prefix in (b"", b"From: mailer-daemon@x.example\n\n", b"Content-Type: multipart/report; boundary=b\n\n--b\n"):
        for event in read(prefix + content, BOOK).events:
            assert isinstance(event.reason, Reason)
