"""Which mail carries a report about TLS?

That of RFC 8460 §5.3: a multipart/report (RFC 6522 §3) with a sentence for people and the file, with fields that name
both domains, from an address of the domain that signs. Signed over its whole body, without which nobody reads it.
"""

from base64 import encodebytes
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from mailer.message import header
from mailer.message.compose import Draft
from mailer.message.sign import KeyName, Seal, Shared
from mailer.report.tls import GZIP, Report
from mailer.smtp.address import Address

#: Neither base64 nor the text has a line with `=_` in it.
BOUNDARY = "=_mimamori_tlsrpt"
TEXT = (
    "This is an aggregate report about TLS in SMTP sessions\r\n"
    "Submitter: {submitter}\r\n"
    "Domain: {domain}\r\n"
    "Day (UTC): {day}\r\n"
    "Contact: {contact}\r\n"
)


def draft(report: Report, to: Address, at: datetime, keys: Sequence[KeyName]) -> Draft:
    """Return the mail for one mailbox that lacks only its signatures; `at` is its date (aware).

    Raises ValueError without a key to sign with.
    """
    own = report.reporter.domain
    fields = _fields(report, to, at)
    body = _body(report)
    shared = Shared(own, sender(own), int(at.timestamp()), fields, (), body)
    seal = Seal(shared, keys)
    body_hash, digests = seal.digests(b"", b"")
    return Draft(digests, b"".join(fields) + b"\r\n" + body, body_hash, seal)


def sender(domain: str) -> str:
    """Return the mailbox that reports come from, and come back to."""
    return f"postmaster@{domain}"


def _fields(report: Report, to: Address, at: datetime) -> tuple[bytes, ...]:
    own, submitter = report.reporter.domain, report.submitter
    subject = f"Report Domain: {report.domain}\r\n Submitter: {submitter}\r\n Report-ID: <{report.id}>"
    kind = f'multipart/report; report-type="tlsrpt";\r\n boundary="{BOUNDARY}"'
    return (
        header.named("From", "TLS reports", f"<{sender(own)}>"),
        b"To: <%b>\r\n" % to.header.encode(),
        header.plain("Subject", subject),
        header.plain("Date", format_datetime(at)),
        header.plain("Message-ID", f"<tlsrpt.{report.id}>"),
        header.plain("TLS-Report-Domain", report.domain),
        header.plain("TLS-Report-Submitter", submitter),
        header.plain("Auto-Submitted", "auto-generated"),
        header.plain("MIME-Version", "1.0"),
        header.plain("Content-Type", kind),
    )


def _body(report: Report) -> bytes:
    text = TEXT.format(
        submitter=report.submitter, domain=report.domain, day=report.day, contact=report.reporter.contact
    )
    file = f'attachment;\r\n filename="{report.filename}"'
    return b"".join(
        (
            b"--%b\r\n" % BOUNDARY.encode(),
            header.plain("Content-Type", "text/plain; charset=utf-8"),
            header.plain("Content-Transfer-Encoding", "8bit" if not text.isascii() else "7bit"),
            b"\r\n%b\r\n" % text.encode(),
            b"--%b\r\n" % BOUNDARY.encode(),
            header.plain("Content-Type", GZIP),
            header.plain("Content-Transfer-Encoding", "base64"),
            header.plain("Content-Disposition", file),
            b"\r\n%b\r\n" % encodebytes(report.packed()).replace(b"\n", b"\r\n"),
            b"--%b--\r\n" % BOUNDARY.encode(),
        )
    )
