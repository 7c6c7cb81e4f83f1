"""Is the report in a mail found, however it is attached, and nothing where there is none?"""

import gzip
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import Settings
from config.bounces import load_bounces
from mailer.bounce import parse
from mailer.message.sign import KeyName
from mailer.report.received import read
from mailer.report.tls_mail import draft
from mailer.report.tls_received import TlsReceived
from mailer.smtp.address import parse_address
from tests.report import samples
from tests.report.received_samples import GZIPPED, alone, dmarc, file, mail, tls, zipped

XML = file("google.xml")
OCTETS = "application/octet-stream"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(mail(GZIPPED), id="gzip"),
        pytest.param(mail(zipped(("a.xml", XML)), "application/zip", "a.zip"), id="zip"),
        pytest.param(mail(XML, "text/xml", "a.xml"), id="xml"),
        pytest.param(mail(XML, "text/plain", "a.XML"), id="by its name"),
        pytest.param(mail(GZIPPED, OCTETS, "a.gz"), id="octets with a name"),
        pytest.param(mail(GZIPPED, OCTETS, "a"), id="octets that are gzip"),
        pytest.param(mail(XML, OCTETS, "a"), id="octets that are xml"),
        pytest.param(mail(XML, "image/png", "a.png"), id="a picture that is none"),
        pytest.param(mail(GZIPPED, "application/x-zip-compressed; x=gzip", "a"), id="a type that lies"),
        pytest.param(alone(zipped(("a.xml", XML)), 'application/zip; name="a.zip"'), id="no multipart"),
        pytest.param(mail(mail(GZIPPED), "message/rfc822", "a.eml"), id="passed on by a person"),
    ],
)
def test_a_report_is_found(content: bytes) -> None:
    assert read(content) == dmarc("google.xml")


def test_the_second_attachment_is_tried_where_the_first_is_none() -> None:
    first = mail(b"{}", "application/json", "a.json").replace(b"--b1--\r\n", b"")
    assert read(first + mail(GZIPPED).partition(b"report.\r\n")[2]) == dmarc("google.xml")


def test_reports_about_tls() -> None:
    assert read(mail(gzip.compress(file("google.json")), "application/tlsrpt+gzip", "a.json.gz")) == tls("google.json")
    assert read(mail(file("google.json"), "application/tlsrpt+json", "a")) == tls("google.json")


def test_a_mail_that_we_write_can_be_read() -> None:
    at = datetime(2026, 4, 11, tzinfo=UTC)
    made = draft(samples.REPORT, parse_address("tls@town.example"), at, [KeyName("s1", "rsa")])
    report = read(made.content)
    assert isinstance(report, TlsReceived)
    assert (report.report_id, report.contact) == (samples.REPORT.id, "desk@city.example.jp")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"Subject: hello\r\n\r\n<feedback/>", id="text"),
        pytest.param(mail(b"not gzip"), id="not gzip"),
        pytest.param(mail(gzip.compress(bytes(10_000_000))), id="bomb"),
        pytest.param(mail(b"%PDF-1.4", "application/pdf", "a.pdf"), id="something else"),
    ],
)
def test_no_report(content: bytes) -> None:
    assert read(content) is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(mail(GZIPPED), id="DMARC"),
        pytest.param(mail(XML, "text/xml", "a.xml"), id="DMARC in plain sight"),
        pytest.param(mail(gzip.compress(file("google.json")), "application/tlsrpt+gzip", "a.json.gz"), id="TLS"),
    ],
)
def test_a_report_is_no_returned_mail(content: bytes) -> None:
    assert parse.read(content, load_bounces(Settings.model_validate({}))).events == ()


@given(st.integers(0, len(mail(GZIPPED))), st.integers(0, 30), st.binary(max_size=8))
def test_never_raises(at: int, cut: int, put: bytes) -> None:
    content = mail(GZIPPED)
    read(content[:at] + put + content[at + cut :])
