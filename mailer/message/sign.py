"""How are ten thousand mails that share most of their bytes signed one by one?

DKIM (RFC 6376), relaxed/relaxed, canonicalised by dkimpy and signed by `cryptography`: RSA-SHA256 and, beside it,
Ed25519-SHA256 (RFC 8463). What all mails of a letter share is canonicalised and hashed once; each mail adds its own
fields and the end of its body to copies of those hashes. So the own fields come last in h=, which says in which order
fields are hashed (RFC 6376 §3.7). Fields that a reader acts on are named once more than present, so that adding a
second one breaks the signature (RFC 6376 §8.15). No l= (RFC 6376 §8.2), no x=; t= is the time of announcing, so that
every attempt has the same bytes.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from textwrap import wrap
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from dkim.canonicalization import Relaxed

from mailer.message.keys import read_private_key

OVERSIGNED = ("From", "Subject", "To", "Date", "Reply-To")
LINE = 76
PIECE = 72  # characters of b= on one line

_PADDING = PKCS1v15()
_PREHASHED = Prehashed(SHA256())


class Signer(Protocol):
    """One private key: `selector` names it in the DNS, `algorithm` in a=."""

    @property
    def selector(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    def sign(self, digest: bytes) -> bytes:
        """Return the signature of a SHA-256 digest."""
        ...


@dataclass(frozen=True, slots=True)
class RsaSigner:
    """Signs with RSASSA-PKCS1-v1_5 (RFC 6376 §3.3.2)."""

    selector: str
    key: RSAPrivateKey
    algorithm: str = "rsa-sha256"

    def sign(self, digest: bytes) -> bytes:
        """Return the signature of a SHA-256 digest."""
        return self.key.sign(digest, _PADDING, _PREHASHED)


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """Signs with PureEdDSA over the digest (RFC 8463 §3)."""

    selector: str
    key: Ed25519PrivateKey
    algorithm: str = "ed25519-sha256"

    def sign(self, digest: bytes) -> bytes:
        """Return the signature of a SHA-256 digest."""
        return self.key.sign(digest)


def load_signer(selector: str, pem: bytes) -> Signer:
    """Return the signer for a private key in PEM form; raise SigningKeyError if it may not sign."""
    key = read_private_key(pem)
    return RsaSigner(selector, key) if isinstance(key, RSAPrivateKey) else Ed25519Signer(selector, key)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all mails of a letter have in common.

    `fields` are whole header fields with CRLF, `own` the names of the fields that each mail has for itself, `body` goes
    up to the line where the mails part; `identity` is the AUID and `at` the time of signing in seconds since 1970.
    """

    domain: str
    identity: str
    at: int
    fields: tuple[bytes, ...]
    own: tuple[str, ...]
    body: bytes


class Seal:
    """Makes the DKIM-Signature fields of mails that have `shared` in common, one for each signer."""

    def __init__(self, shared: Shared, signers: Sequence[Signer]) -> None:
        """Canonicalise and hash what is shared; raise ValueError without a signer, for unsigned mail never leaves."""
        if not signers:
            raise ValueError("mail needs at least one DKIM key to be signed with")
        self._headers = sha256(b"".join(map(_relaxed, shared.fields)))
        self._body = sha256(Relaxed.canonicalize_body(shared.body))
        self._stamps = [_Stamp(signer, shared) for signer in signers]

    def fields(self, own: bytes, tail: bytes) -> bytes:
        """Return the DKIM-Signature fields of one mail in the order of the signers.

        `own` holds the mail's own fields and `tail` the rest of its body, both in canonical form already.
        """
        headers, body = self._headers.copy(), self._body.copy()
        headers.update(own)
        body.update(tail)
        body_hash = b64encode(body.digest())
        return b"".join([stamp.field(headers.copy(), body_hash) for stamp in self._stamps])


class _Stamp:
    """One signer with the part of its field that stays the same, as written and in canonical form."""

    def __init__(self, signer: Signer, shared: Shared) -> None:
        self._signer = signer
        self._written = _tags(signer, shared).encode("ascii") + b"\r\n bh="
        self._canonical = _relaxed(self._written).removesuffix(b"\r\n")

    def field(self, headers: "hashlib._Hash", body_hash: bytes) -> bytes:
        """Return the field over `headers` (a hash of which nobody else has need) and the hash of the body."""
        headers.update(self._canonical + body_hash + b"; b=")  # RFC 6376 §3.7: b= is empty, and no CRLF follows
        signature = b64encode(self._signer.sign(headers.digest()))
        pieces = [signature[start : start + PIECE] for start in range(0, len(signature), PIECE)]
        return b"".join((self._written, body_hash, b";\r\n b=", b"\r\n ".join(pieces), b"\r\n"))


def _tags(signer: Signer, shared: Shared) -> str:
    """Return the field up to bh=, folded (RFC 6376 §3.5)."""
    present = [field.partition(b":")[0].decode("ascii") for field in shared.fields]
    signed = ": ".join((*present, *shared.own, *OVERSIGNED)).lower()
    tags = (
        f"DKIM-Signature: v=1; a={signer.algorithm}; c=relaxed/relaxed; d={shared.domain}; s={signer.selector};"
        f" i={shared.identity}; t={shared.at}; h={signed};"
    )
    return "\r\n".join(wrap(tags, LINE, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False))


def _relaxed(field: bytes) -> bytes:
    """Return a whole field in the relaxed form (RFC 6376 §3.4.2)."""
    name, _, value = field.partition(b":")
    canonical: list[tuple[bytes, bytes]] = Relaxed.canonicalize_headers([(name, value)])
    return b":".join(canonical[0])
