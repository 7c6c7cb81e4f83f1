"""Is the mail with a report one that a receiver of reports can verify and read?"""

import email
import email.policy
import gzip
import json
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import dkim
import pytest

from mailer.message.keys import public_value
from mailer.message.sign import KeyName
from mailer.message.signer import load_signer
from mailer.report.tls import GZIP
from mailer.report.tls_mail import draft
from mailer.smtp.address import parse_address
from tests.report.samples import OURS, REPORT

PEMS = Path(__file__).parents[1] / "message" / "keys"
FILES = {"rsa1": "rsa2048.pem", "ed1": "ed25519.pem"}
AT = datetime(2026, 4, 11, 3, 4, 5, tzinfo=UTC)
#: Who submits is whose contact it is.
CONTACTS = "city.example.jp"
TO = parse_address("reports@town.example")


@pytest.fixture(scope="module")
def mail() -> bytes:
    """The mail, signed by both keys."""
    signers = [load_signer(selector, (PEMS / file).read_bytes()) for selector, file in FILES.items()]
    unsigned = draft(REPORT, TO, AT, [KeyName(signer.selector, signer.algorithm) for signer in signers])
    return unsigned.signed([signer.sign(digest) for signer, digest in zip(signers, unsigned.digests, strict=True)])


def test_both_signatures_hold_and_cover_what_counts(mail: bytes) -> None:
    records = {f"{name}._domainkey.{OURS}.": public_value((PEMS / file).read_bytes()) for name, file in FILES.items()}
    for index in range(2):
        verifier = dkim.DKIM(mail)
        assert verifier.verify(index, dnsfunc=lambda name, timeout=5: records[name.decode()].encode())
        assert {b"tls-report-domain", b"tls-report-submitter", b"from", b"subject", b"content-type"} <= {
            name.lower() for name in verifier.include_headers
        }
    assert b" l=" not in mail.partition(b"\r\n\r\n")[0]


def test_fields_and_parts_are_those_of_the_rfc(mail: bytes) -> None:
    read = email.message_from_bytes(mail, _class=EmailMessage, policy=email.policy.default)
    assert read.get_content_type() == "multipart/report"
    assert read.get_param("report-type") == "tlsrpt"
    assert (read["TLS-Report-Domain"], read["TLS-Report-Submitter"]) == ("town.example", CONTACTS)
    subject = f"Report Domain: town.example Submitter: {CONTACTS} Report-ID: <20260410.town.example@{OURS}>"
    assert read["Subject"] == subject
    assert (read["From"].addresses[0].addr_spec, read["To"]) == (f"postmaster@{OURS}", "reports@town.example")
    text, file = read.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert "town.example" in text.get_content()
    assert (file.get_content_type(), file.get_filename()) == (GZIP, REPORT.filename)
    assert json.loads(gzip.decompress(file.get_content())) == REPORT.document()


def test_every_line_fits(mail: bytes) -> None:
    assert max(map(len, mail.split(b"\r\n"))) <= 78
    assert mail.isascii()
    assert mail.count(b"\n") == mail.count(b"\r\n") == mail.count(b"\r")


def test_unsigned_it_does_not_leave() -> None:
    with pytest.raises(ValueError, match="key"):
        draft(REPORT, TO, AT, [])
