"""What do two verifiers say of the signatures of a mail that arrived?

OpenDKIM, which nobody here wrote, and dkimpy. They are asked about the file as it lies in the maildir, with all
that the receiving server wrote on top of it.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import dkim

from tests.acceptance.packages import Lacking

OPENDKIM = Path(__file__).parents[1] / "message" / "opendkim_verify.py"


def opendkim(mail: bytes, keyfile: Path) -> list[str]:
    """Return a line for each signature, as `SELECTOR pass`."""
    done = subprocess.run(
        [sys.executable, str(OPENDKIM), str(keyfile)], input=_crlf(mail), capture_output=True, check=False
    )
    if done.returncode == 3:
        raise Lacking("libopendkim is missing; install the Debian package opendkim-tools")
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()


def dkimpy(mail: bytes, records: Mapping[str, str]) -> list[bool]:
    """Return for each signature whether it is good."""

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        return records[name.decode().rstrip(".")].encode()

    content = _crlf(mail)
    count = content.split(b"\r\n\r\n", 1)[0].count(b"\r\nDKIM-Signature:")
    return [dkim.DKIM(content).verify(index, dnsfunc=look_up) for index in range(count)]


def _crlf(mail: bytes) -> bytes:
    """Return the mail with the line ends of the wire; in a maildir they are those of Unix."""
    return mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
