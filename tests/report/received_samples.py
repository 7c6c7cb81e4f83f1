"""What do others report to us in tests? Files as real reporters write them, packed and in mails."""

import gzip
import io
import zipfile
from base64 import encodebytes
from pathlib import Path

from mailer.report.dmarc import DmarcReport
from mailer.report.received import read_file
from mailer.report.tls_received import TlsReceived

FILES = Path(__file__).with_name("files")
OURS = "mail.mimamori-iwamizawa.jp"
#: The address that our mail leaves from, in all of them.
ADDRESS = "203.0.113.25"


class Pipe(io.BytesIO):
    """What is written cannot be gone back to."""

    def seekable(self) -> bool:
        """Tell that one cannot go back."""
        return False

    def tell(self) -> int:
        """Refuse to say where one is, as a pipe does."""
        raise OSError("a pipe")

    def seek(self, _offset: int, _whence: int = 0, /) -> int:
        """Refuse to go back."""
        raise OSError("a pipe")


def file(name: str) -> bytes:
    """Return a file as a reporter wrote it."""
    return (FILES / name).read_bytes()


def dmarc(name: str) -> DmarcReport:
    """Return a report about DMARC."""
    report = read_file(file(name))
    assert isinstance(report, DmarcReport)
    return report


def tls(name: str) -> TlsReceived:
    """Return a report about TLS."""
    report = read_file(file(name))
    assert isinstance(report, TlsReceived)
    return report


def zipped(*members: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip as the standard library writes it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", how) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return written.getvalue()


def streamed(name: str, content: bytes) -> bytes:
    """Return a zip whose sizes come after the file, as a program writes one into a pipe."""

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return pipe.getvalue()


def mail(attached: bytes, kind: str = "application/gzip", name: str = "google.com!example!1!2.xml.gz") -> bytes:
    """Return a mail with a sentence for people and one attachment."""
    return b"".join(
        (
            b"From: noreply-dmarc-support@google.com\r\nTo: postmaster@mail.mimamori-iwamizawa.jp\r\n"
            b"Subject: Report domain: mail.mimamori-iwamizawa.jp Submitter: google.com Report-ID: 1\r\n"
            b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b1"\r\n\r\n'
            b"--b1\r\nContent-Type: text/plain\r\n\r\nThis is an aggregate report.\r\n--b1\r\n",
            f'Content-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\n'.encode(),
            b"Content-Transfer-Encoding: base64\r\n\r\n",
            encodebytes(attached).replace(b"\n", b"\r\n"),
            b"--b1--\r\n",
        )
    )


def alone(attached: bytes, kind: str) -> bytes:
    """Return a mail that is nothing but its attachment, as Google writes them."""
    head = (
        f"From: a@google.com\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + encodebytes(attached).replace(b"\n", b"\r\n")


GZIPPED = gzip.compress(file("google.xml"))
