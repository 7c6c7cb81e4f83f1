"""Is the TLS that was just set up what the demand asks for?

One `Handshake` a demand and rung: the settings for the handshake, and the check of what the server showed, which is
made before any mail leaves. The settings are made once and shared.
"""

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mailer.net.demand import Demand, Rung
from mailer.smtp import dane

#: X509_V_ERR codes of OpenSSL and the words of TLS reports (RFC 8460) for them; all others are a lack of trust.
EXPIRED, HOST_MISMATCH = 10, 62
_WORDS = {
    EXPIRED: "certificate-expired",
    HOST_MISMATCH: "certificate-host-mismatch",
}


@dataclass(frozen=True, slots=True)
class Failed:
    """What went wrong with TLS: a word of TLS reports, and closer in free words."""

    word: str
    why: str = ""

    @property
    def is_certificate(self) -> bool:
        """Tell whether TLS itself would have worked."""
        return self.word.startswith("certificate-")


@dataclass(frozen=True, slots=True)
class Handshake:
    """How TLS is set up on one rung; `context` None stands for a connection without TLS."""

    context: ssl.SSLContext | None
    demand: Demand
    rung: Rung

    def server_name(self, host: str) -> str:
        """Return the name that the server is asked to show a certificate for: with DANE that of its TLSA records."""
        return self.demand.names[0] if self.rung is Rung.DANE else host

    def check(self, tls: ssl.SSLObject) -> Failed | None:
        """Return what is wrong with the server's certificates, None if nothing."""
        if self.rung is not Rung.DANE:
            return None  # OpenSSL has judged during the handshake, or nothing was asked for
        word = dane.failure(self.demand.tlsa, chain_of(tls), self.demand.names)
        return Failed(word, "no TLSA record stands for the certificates shown") if word else None


@dataclass
class Contexts:
    """The TLS settings; `ca_file` (PEM) stands in the place of the authorities that the system trusts."""

    ca_file: Path | None = None
    any_tls: ssl.SSLContext = field(default_factory=lambda: any_certificate())

    @cached_property
    def trusted(self) -> ssl.SSLContext:
        """Return settings that take only a certificate that the system, or the file in its place, trusts for the host.

        Named as RFC 8461 wants it; and not more strictly than that, as Python does from 3.13 on: a policy asks for a
        valid certificate, not for a neat one.
        """
        context = ssl.create_default_context(cafile=self.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.hostname_checks_common_name = False
        return context

    def handshake(self, demand: Demand, rung: Rung) -> Handshake:
        """Return how to set up TLS on a rung."""
        if rung is Rung.PLAIN:
            return Handshake(None, demand, rung)
        return Handshake(self.trusted if rung is Rung.STS else self.any_tls, demand, rung)


def any_certificate() -> ssl.SSLContext:
    """Return settings that take any certificate (RFC 7435 §3), but no version below 1.2 (RFC 8996)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def failed(error: Exception) -> Failed:
    """Say what broke a handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failed(_WORDS.get(error.verify_code, "certificate-not-trusted"), error.verify_message)
    return Failed("validation-failure", getattr(error, "reason", "") or str(error) or type(error).__name__)


def chain_of(tls: ssl.SSLObject) -> list[bytes]:
    """Return the certificates (DER) that the server showed, its own first.

    Python has a public call for it from 3.13 on; before that the same stands behind an underscore.
    """
    given: list[Any]
    if hasattr(tls, "get_unverified_chain"):
        given = tls.get_unverified_chain() or []
        return [bytes(one) for one in given]
    inner: Any = tls
    given = inner._sslobj.get_unverified_chain() or []
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in given]
