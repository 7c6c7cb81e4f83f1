"""Is the server that showed these certificates the one that the TLSA records name?

RFC 7672: for DANE-EE(3) the record alone decides, neither name nor date of the certificate; for DANE-TA(2) the chain
must lead to the named trust anchor, hold at this time, and be for the host (its name as a DNS name of the certificate;
the common name is not looked at). What failed is said in the words of TLS reports (RFC 8460).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from mailer.smtp.tlsa import CERTIFICATE, DANE_EE, DANE_TA, WHOLE, Tlsa

#: Whoever publishes a trust anchor of his own need not follow the rules of public ones: only what a chain is counts.
_CA = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
_SERVER = ExtensionPolicy.permit_all().require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)


def failure(records: Sequence[Tlsa], chain: Sequence[bytes], names: Sequence[str], now: datetime | None = None) -> str:
    """Return "" if a usable record names this chain (DER, the server's first), else the word for what is wrong.

    `names` are those that a DANE-TA certificate may be for: the host's, and the domain's that the mail goes to (of an
    alias both). The machine's clock says what holds unless `now` does.
    """
    if not chain:
        return "validation-failure"
    try:
        return _failure(records, chain, names, now)
    except Exception:  # what the reading of a hostile certificate may raise stands nowhere
        return "certificate-not-trusted"


def _failure(records: Sequence[Tlsa], chain: Sequence[bytes], names: Sequence[str], now: datetime | None) -> str:
    if any(record.usage == DANE_EE and record.names(chain[0]) for record in records):
        return ""
    anchors = [x509.load_der_x509_certificate(der) for der in dict.fromkeys(_anchors(records, chain))]
    if not anchors:
        return "certificate-not-trusted"
    server, *others = (x509.load_der_x509_certificate(der) for der in chain)
    if any(_leads(server, others, anchors, name, now) for name in names):
        return ""
    if any(_leads(server, others, anchors, name, server.not_valid_after_utc) for name in names):
        return "certificate-expired"
    if any(_leads(server, others, anchors, name, now) for name in _own_names(server)):
        return "certificate-host-mismatch"
    return "certificate-not-trusted"


def _anchors(records: Sequence[Tlsa], chain: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the trust anchors that a record names: in the chain, or whole in the record itself."""
    for record in records:
        if record.usage == DANE_TA:
            yield from (der for der in chain[1:] if record.names(der))
            if (record.selector, record.matching) == (CERTIFICATE, WHOLE):
                yield record.data


def _leads(
    server: x509.Certificate,
    others: list[x509.Certificate],
    anchors: list[x509.Certificate],
    name: str,
    now: datetime | None,
) -> bool:
    policy = PolicyBuilder().store(Store(anchors)).extension_policies(ca_policy=_CA, ee_policy=_SERVER)
    policy = policy if now is None else policy.time(now)
    try:
        policy.build_server_verifier(x509.DNSName(name)).verify(server, others)
    except (VerificationError, ValueError):  # the second: a name that is none
        return False
    return True


def _own_names(server: x509.Certificate) -> list[str]:
    """Return a name that the certificate is for, if it is for any."""
    try:
        names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name.replace("*.", "any.") for name in names.get_values_for_type(x509.DNSName)[:1]]
