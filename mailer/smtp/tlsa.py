"""Which certificate or key does a TLSA record name, and is this the one?

The record of RFC 6698 in presentation form. Between mail servers only DANE-TA(2) and DANE-EE(3) have a meaning
(RFC 7672); every other record, and one whose digest has a wrong length, is unusable.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

DANE_TA, DANE_EE = 2, 3
CERTIFICATE, PUBLIC_KEY = 0, 1
DIGESTS = {1: hashlib.sha256, 2: hashlib.sha512}
WHOLE = 0
PUBLIC_KEY_PLACE = 6  # of the parts of a TBSCertificate (RFC 5280) once its version is put aside
_VERSION_TAG = 0xA0
_LONG_FORM = 0x80


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One TLSA record."""

    usage: int
    selector: int
    matching: int
    data: bytes

    @property
    def usable(self) -> bool:
        """Tell whether a mail server can be known by this record."""
        if self.usage not in (DANE_TA, DANE_EE) or self.selector not in (CERTIFICATE, PUBLIC_KEY):
            return False
        if self.matching == WHOLE:
            return bool(self.data)
        return self.matching in DIGESTS and len(self.data) == DIGESTS[self.matching]().digest_size

    def names(self, certificate: bytes) -> bool:
        """Tell whether this record names a certificate (DER); ValueError for one that cannot be read."""
        selected = certificate if self.selector == CERTIFICATE else public_key_of(certificate)
        return self.data == (selected if self.matching == WHOLE else DIGESTS[self.matching](selected).digest())


def read_tlsa(text: str) -> Tlsa:
    """Return the record of a text such as `3 1 1 9F86D0…`; ValueError for any other text."""
    usage, selector, matching, *data = text.split()
    return Tlsa(int(usage), int(selector), int(matching), bytes.fromhex("".join(data)))


def strongest(records: Sequence[Tlsa]) -> tuple[Tlsa, ...]:
    """Return the usable records that count: of digests of the same thing only the strongest kind (RFC 7671)."""
    usable = [record for record in records if record.usable]
    best: dict[tuple[int, int], int] = {}
    for record in usable:
        key = (record.usage, record.selector)
        best[key] = max(best.get(key, WHOLE), record.matching)
    return tuple(record for record in usable if record.matching in (WHOLE, best[record.usage, record.selector]))


def public_key_of(certificate: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate just as it stands there, whatever the kind of its key."""
    parts = _parts(_content(x509.load_der_x509_certificate(certificate).tbs_certificate_bytes))
    return parts[PUBLIC_KEY_PLACE - (parts[0][0] != _VERSION_TAG)]


def _content(value: bytes) -> bytes:
    """Return what a DER value holds."""
    start, end = _bounds(value, 0)
    return value[start:end]


def _parts(content: bytes) -> list[bytes]:
    """Return the DER values that follow one another."""
    parts: list[bytes] = []
    at = 0
    while at < len(content):
        _, end = _bounds(content, at)
        parts.append(content[at:end])
        at = end
    return parts


def _bounds(data: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the DER value at `at` begins and ends; the library has checked its form."""
    length, start = data[at + 1], at + 2
    if length & _LONG_FORM:
        digits = length & ~_LONG_FORM
        length, start = int.from_bytes(data[start : start + digits]), start + digits
    return start, start + length
