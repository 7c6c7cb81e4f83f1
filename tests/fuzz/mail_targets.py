"""What may stand in a mail that comes in: MIME, returned mails and their parts, reports?"""

import gzip
import re
import zlib
from functools import cache
from pathlib import Path
from random import Random

from config import Settings
from config.bounces import load_bounces
from mailer.bounce.address_in import address_in, addresses_in
from mailer.bounce.feedback import complainants, feedback_type
from mailer.bounce.match import about
from mailer.bounce.notice import read_notice
from mailer.bounce.notification import notified
from mailer.bounce.parse import read
from mailer.bounce.quotation import host_in, quoted_reply, stage_in, words_only
from mailer.bounce.rulebook import Rulebook
from mailer.bounce.shape import named_by
from mailer.bounce.status_report import read_status_report
from mailer.mime.automatic import answers_automatically
from mailer.mime.charset import CHARSETS, decode
from mailer.mime.correspondence import MOST_ADDRESSES, read_correspondence
from mailer.mime.entity import LONGEST_FIELD, Entity, decode_words, read_mail, read_parameters
from mailer.report import received, who
from mailer.report.received import Received, read_file
from mailer.report.unreadable import Unreadable
from tests.fuzz.target import MAIL, Target, shown, storable
from tests.fuzz.write_mail import any_mail, returned_mail

#: Mails of which a change leads to more than one in a long one does.
CORPUS, SMALL = Path(__file__).parents[1] / "bounce" / "corpus", 4096
REPORTS = Path(__file__).parents[1] / "report" / "files"
PART = 64 * 1024


@cache
def book() -> Rulebook:
    """Return the data that the product reads returned mails by."""
    return load_bounces(Settings.model_validate({}))


# --- MIME


def _mail(content: bytes) -> None:
    mail = read_mail(content)
    parts = list(mail.entities())
    assert len(parts) <= 100
    for part in parts:
        storable(part.media_type, part.filename, part.words("subject"), part.field("from"), *part.parameters.values())
        storable(part.text())
    answers_automatically(mail)
    correspondence = read_correspondence(mail)
    assert len(correspondence.addressed) <= MOST_ADDRESSES
    storable(*correspondence.addressed, *correspondence.delivered_to)
    assert correspondence.message_id.isascii()
    shown(correspondence.message_id, 250)


def _charset(content: bytes) -> None:
    name, _, text = content.partition(b"|")
    storable(decode(text, name.decode("latin-1")))


def _field(content: bytes) -> None:
    value = decode(content)
    storable(decode_words(value))
    media_type, parameters = read_parameters(value)
    assert len(parameters) <= 30
    storable(media_type, *parameters, *parameters.values())


# --- returned mails and their parts


def _returned(content: bytes) -> None:
    found = read(content, book())
    assert len(found.events) <= 200
    shown(found.subject, 512)
    storable(*found.message_ids, *found.reverse_paths, *found.recipients, found.subject)
    for event in found.events:
        assert event.recipient.count("@") >= 1
        shown(event.diagnostic, 512)
        shown(event.host, 512)
        storable(event.recipient, event.final, event.status, event.diagnostic, event.host)
        about(event, "taro@docomo.ne.jp")


def _notice(content: bytes) -> None:
    notice = read_notice(read_mail(content), book().copies)
    storable(notice.text, *notice.statuses, *notice.feedback)


def _status_report(content: bytes) -> None:
    report = read_status_report(_text(content))
    assert len(report.recipients) <= 200
    for recipient in report.recipients:
        assert re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}|", recipient.status), recipient.status
        address_in(recipient.final)


def _feedback(content: bytes) -> None:
    report, _, original = content.partition(b"\n\n")
    text = _text(report)
    feedback_type(text)
    assert len(complainants(text, Entity(original, b""))) <= 100


def _notification(content: bytes) -> None:
    assert len(list(notified(_text(content)))) <= 300


def _quotation(content: bytes) -> None:
    text = _text(content)
    found = quoted_reply(text)
    assert found is None or found.code // 100 in (4, 5)
    words_only(text)
    stage_in(text)
    host_in(text)


def _shapes(content: bytes) -> None:
    """Try every format at a text, whatever it says of itself."""
    text = _text(content)
    for shape in book().shapes:
        for named in named_by(shape, text):
            assert "@" in named.address


def _addresses(content: bytes) -> None:
    text = _text(content)
    assert len(addresses_in(text)) <= 100
    address_in(text)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


# --- reports


def _report_mail(content: bytes) -> None:
    found = received.read(content)
    if found is not None:
        _hold(found)


def _report_file(content: bytes) -> None:
    _hold(read_file(content))


def _report_packed(content: bytes) -> None:
    """Pack an input well, so that it is read, unless it begins as if it were packed already."""
    packed = content if content[:2] in (b"\x1f\x8b", b"PK") else gzip.compress(content, 1, mtime=0)
    _hold(read_file(packed))


def _hold(report: Received) -> None:
    """Use a report as the store does."""
    assert 0 < len(report.rows) <= 10_000
    storable(report.organisation, report.contact, report.report_id, report.domain, report.span.zone)
    assert report.span.day.year > 0
    list(who.domains(report))
    for text in (report.organisation, report.contact, report.report_id, report.domain):
        shown(text, 300)


def _zip(member: bytes) -> bytes:
    """Return a zip with one file, as small as one can be."""
    packed = zlib.compress(member)[2:-4]
    facts = (
        zlib.crc32(member).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + len(member).to_bytes(4, "little")
    )
    name = b"\x01\0\0\0r"
    head = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0" + facts + name
    directory = b"PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0\0\0" + facts + name + bytes(14)
    return head + packed + directory + b"PK\x05\x06" + bytes(18)


def _corpus() -> tuple[bytes, ...]:
    mails = (path.read_bytes() for path in sorted(CORPUS.glob("*.eml")))
    return tuple(mail for mail in mails if len(mail) <= SMALL)


def _report(name: str) -> bytes:
    return (REPORTS / name).read_bytes()


def _nested_json(chance: Random) -> bytes:
    depth = int(chance.random() * 3000)
    opening, closing = (b"[", b"]") if chance.random() < 0.5 else (b'{"policies":', b"}")
    return opening * depth + b"1" + closing * depth


_SMALL_XML, _SMALL_JSON = _report("small.xml"), _report("google.json")
_MARKUP = (
    b"<record>",
    b"</record>",
    b"<d:row>",
    b"<a ",
    b"<!DOCTYPE",
    b"<!--",
    b"<![CDATA[",
    b"]]>",
    b"&#xD800;",
    b"&lt;",
    b"xmlns:d=''",
    b"<?xml encoding='utf-7'?>",
)
_JSON = (
    b"[",
    b"{",
    b'{"policies":',
    b'"date-range":',
    b'"9999-12-31T23:59:59Z"',
    b'"0001-01-01T00:00:00Z"',
    b'"\\ud800"',
    b"null",
    b"true",
    b"1e400",
    b"-0",
)
_SES = b"""{"notificationType":"Bounce","mail":{"messageId":"1"},"bounce":{"bouncedRecipients":[{"emailAddress":\
"taro@docomo.ne.jp","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]}}"""
_DSN = b"""Reporting-MTA: dns; mx.example.jp

Original-Recipient: rfc822;taro@docomo.ne.jp
Final-Recipient: rfc822;taro@docomo.ne.jp
Action: failed
Status: 5.1.1
Remote-MTA: dns; mfsmax.docomo.ne.jp
Diagnostic-Code: smtp; 550 5.1.1 User
 unknown
"""
_ARF = b"""Feedback-Type: abuse
User-Agent: x/1
Original-Rcpt-To: <taro@yahoo.co.jp>
Original-Mail-From: <b-1@mail.example.jp>

To: taro@yahoo.co.jp
"""
_FIELDS = (
    b"Final-Recipient: rfc822; ",
    b"Action: failed\n",
    b"Status: ",
    b"Diagnostic-Code: smtp; ",
    b"Original-Rcpt-To: ",
    b"Feedback-Type: ",
    b"\n\n",
    b"a@b.example",
)
_WORDS = (
    b"said: 550 ",
    b"<<< 550 ",
    b">>> RCPT TO:<a@b.example>\n",
    b"host ",
    b"while talking to ",
    b"user unknown",
    b"reason: ",
    b"\n    ",
    b"<a@b.example>: ",
    b"a.",
    b"a-",
)
_QUOTATIONS = (
    b"<taro@docomo.ne.jp>: host mfsmax.docomo.ne.jp[203.0.113.1] said: 550 Unknown user (in reply to RCPT TO command)",
    b">>> RCPT To:<a@b.example>\n<<< 550 5.1.1 <a@b.example>... User unknown\n550 5.1.1 <a@b.example>... User unknown",
    b"   a@b.example\n     SMTP error from remote mail server after RCPT TO:<a@b.example>:\n     550-no\n     550 such",
)
_CHARSET_TEXTS = (b'\x1b$B$"\x1b(B+2AA-', "配信不能".encode())
_CHARSET_SEEDS = tuple(name.encode() + b"|" + text for name in CHARSETS for text in _CHARSET_TEXTS)
_FIELD_SEEDS = (
    b'multipart/report; report-type="delivery-status"; boundary="=_a\\"b"; charset*0=x',
    b"=?iso-2022-jp?B?GyRCSVRDThsoQg==?= =?utf-8?q?=E3=81?= =?utf-7?b?KzJBQS0=?=",
)
_MIME_WORDS = (
    b"Content-Type: ",
    b"multipart/mixed; boundary=b",
    b"\n--b\n",
    b"\n--b--\n",
    b"message/rfc822",
    b"; boundary=",
    b"Content-Transfer-Encoding: base64\n",
    b"quoted-printable",
    b"; charset=utf-7",
    b"; charset=utf-16",
    b"=?",
    b"?=",
    b"?b?",
    b"?q?",
    b"Auto-Submitted: auto-replied\n",
    b"From: mailer-daemon@a.example\n",
    b"owner-",
)
_MAILS = _corpus()
_FILLERS = tuple(filler.encode() for filler in book().fillers)
_HTML = (
    b"<style>",
    b"</style>",
    b"<p>",
    b"<br",
    b"<",
    b"&#",
    b"&#x110000;",
    b"&#xd800;",
    b"&nbsp;",
    b"Content-Type: text/html\n\n",
)

MAIL_TARGETS = (
    Target(
        "mime",
        _mail,
        (any_mail(Random(1)), *_MAILS),
        _MIME_WORDS,
        write=any_mail,
        weight=5,
        longest=MAIL,
    ),
    Target(
        "charset",
        _charset,
        _CHARSET_SEEDS,
        (b"\x1b$B", b"\x1b(J", b"\x1b(I", b"+", b"+2AA-", b"+AGE-"),
        weight=8,
        longest=MAIL,
    ),
    Target(
        "field",
        _field,
        _FIELD_SEEDS,
        (b"=?", b"?=", b"; a=", b'"', b'\\"', b"*0*=", b"  "),
        weight=8,
        longest=2 * LONGEST_FIELD,
    ),
    Target(
        "returned",
        _returned,
        (returned_mail(Random(2)), *_MAILS),
        _FIELDS + _WORDS + _MIME_WORDS + _FILLERS,
        write=returned_mail,
        weight=4,
        longest=MAIL,
    ),
    Target(
        "notice",
        _notice,
        (returned_mail(Random(3)), *_MAILS),
        _HTML + _MIME_WORDS,
        write=returned_mail,
        weight=3,
        longest=MAIL,
    ),
    Target("status-report", _status_report, (_DSN,), _FIELDS, weight=6, longest=MAIL),
    Target("feedback", _feedback, (_ARF,), _FIELDS, weight=6, longest=MAIL),
    Target(
        "notification",
        _notification,
        (_SES, b'{"Message":"{\\"mail\\":1}"}'),
        (*_JSON, b'"mail"', b'{"Message":"'),
        write=_nested_json,
        weight=5,
        longest=MAIL,
    ),
    Target("quotation", _quotation, _QUOTATIONS, _WORDS + _FILLERS, weight=6),
    Target("shapes", _shapes, _QUOTATIONS, (*_WORDS, b"Recipient: <a@b.example>\n", b"; "), weight=1, longest=PART),
    Target(
        "addresses",
        _addresses,
        (b'Taro <taro@docomo.ne.jp>, "a b"@x.example',),
        (b"@", b"a.", b'"', b"a@b."),
        weight=6,
        longest=MAIL,
    ),
    Target(
        "report-mail",
        _report_mail,
        (b"Content-Type: application/xml\n\n" + _SMALL_XML, b"Content-Type: application/tlsrpt+json\n\n" + _SMALL_JSON),
        _MARKUP + _JSON + _MIME_WORDS,
        weight=2,
        longest=MAIL,
    ),
    Target(
        "report-xml", _report_file, (_SMALL_XML, _report("rfc9990.xml")), _MARKUP, (Unreadable,), weight=3, longest=MAIL
    ),
    Target(
        "report-json",
        _report_file,
        (_SMALL_JSON, _report("microsoft.json")),
        _JSON,
        (Unreadable,),
        write=_nested_json,
        weight=3,
        longest=MAIL,
    ),
    Target(
        "report-packed",
        _report_packed,
        (_zip(_SMALL_JSON), _SMALL_XML, gzip.compress(_SMALL_JSON, mtime=0)),
        (b"PK\x03\x04", b"PK\x01\x02", b"\x1f\x8b\x08"),
        (Unreadable,),
        weight=3,
        longest=MAIL,
    ),
)
