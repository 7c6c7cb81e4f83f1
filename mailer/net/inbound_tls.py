"""With which certificate do we answer STARTTLS, and until when is it good?

The files are read again when they have changed. A certificate that cannot be read never stops mail: the last good one
stays in use, and without any the door does without STARTTLS. An expired one is used on, because whoever sends to us
by port 25 encrypts where he can and does not look (RFC 7435).
"""

import logging
import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509

_log = logging.getLogger(__name__)


class Certificate:
    """A certificate with its chain and its key, both files in PEM.

    `context` is what a handshake takes, None while there is none; `ends_at` is when the certificate ends; `trouble`
    says why the files, as they are now, cannot be used, or is empty.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self.context: ssl.SSLContext | None = None
        self.ends_at: datetime | None = None
        self.trouble = ""
        self._files = (chain, key)
        self._seen: object = None
        self.refresh()

    def refresh(self) -> bool:
        """Read the files if they are not those that were read last; return whether they were read."""
        now = tuple(_look(file) for file in self._files)
        if now == self._seen:
            return False
        self._seen = now
        try:
            self.ends_at, self.context = _read(*self._files)
        except (OSError, ValueError) as error:
            self.trouble = f"{self._files[0]}, {self._files[1]}: {error}"
            _log.error("the certificate for port 25 cannot be used: %s", self.trouble)
        else:
            self.trouble = ""
            _log.info("the certificate for port 25 is good until %s", self.ends_at)
        return True


def _look(file: Path) -> object:
    try:
        found = file.stat()
    except OSError as error:
        return error.errno
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _read(chain: Path, key: Path) -> tuple[datetime, ssl.SSLContext]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.load_cert_chain(chain, key, password=_no_password)
    first = x509.load_pem_x509_certificates(chain.read_bytes())[0]
    return first.not_valid_after_utc, context


def _no_password() -> str:
    """Refuse an encrypted key: OpenSSL would ask at the terminal."""
    raise ValueError("the key is encrypted; a service that starts by itself needs one that is not")
