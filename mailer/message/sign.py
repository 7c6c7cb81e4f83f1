"""How are ten thousand mails that share most of their bytes prepared for their signatures?

DKIM (RFC 6376), relaxed/relaxed, canonicalised by dkimpy: RSA-SHA256 and, beside it, Ed25519-SHA256 (RFC 8463). What
all mails of a letter share is canonicalised and hashed once; each mail adds its own fields and the end of its body to
copies of those hashes. So the own fields come last in h=, which says in which order fields are hashed (RFC 6376 §3.7).
Fields that a reader acts on are named once more than present, so that adding a second one breaks the signature (RFC
6376 §8.15). No l= (RFC 6376 §8.2), no x=; t= is the time of announcing, so that every attempt has the same bytes.

Who holds the private keys signs the digests that come out of here (`message.signer`); here nobody needs a key.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from textwrap import wrap

from dkim.canonicalization import Relaxed

OVERSIGNED = ("From", "Subject", "To", "Date", "Reply-To")
LINE = 76
PIECE = 72  # characters of b= on one line
#: The algorithm that every receiver checks; the biggest check no other.
RSA = "rsa-sha256"


@dataclass(frozen=True, slots=True)
class KeyName:
    """How a key is named in the signature: `selector` in s=, `algorithm` in a= (rsa-sha256, ed25519-sha256)."""

    selector: str
    algorithm: str


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
    """Makes the DKIM-Signature fields of mails that have `shared` in common, one for each key."""

    def __init__(self, shared: Shared, keys: Sequence[KeyName]) -> None:
        """Canonicalise and hash what is shared; raise ValueError without a key, for unsigned mail never leaves."""
        if not keys:
            raise ValueError("mail needs at least one DKIM key to be signed with")
        self._headers = sha256(b"".join(map(_relaxed, shared.fields)))
        self._body = sha256(Relaxed.canonicalize_body(shared.body))
        self._keys = tuple(keys)
        self._stamps = [_Stamp(key, shared) for key in keys]

    def digests(self, own: bytes, tail: bytes) -> tuple[bytes, list[bytes]]:
        """Return the body hash of one mail, and the digest that each key has to sign, in the order of the keys.

        `own` holds the mail's own fields and `tail` the rest of its body, both in canonical form already.
        """
        headers, body = self._headers.copy(), self._body.copy()
        headers.update(own)
        body.update(tail)
        body_hash = b64encode(body.digest())
        return body_hash, [stamp.digest(headers.copy(), body_hash) for stamp in self._stamps]

    def fields(self, body_hash: bytes, signatures: Sequence[bytes], *, at_any_rate: bool = False) -> bytes:
        """Return the DKIM-Signature fields; an empty signature is of a key that nobody has, and gives none.

        Raises ValueError if all are empty, or those of all RSA keys: such mail is unsigned to most receivers, and has
        to leave `at_any_rate` to get fields then.
        """
        if not all(signatures):
            self._do_without(signatures, at_any_rate)
        signed = zip(self._stamps, signatures, strict=True)
        return b"".join([stamp.field(body_hash, signature) for stamp, signature in signed if signature])

    def _do_without(self, signatures: Sequence[bytes], at_any_rate: bool) -> None:
        missing = [key for key, signature in zip(self._keys, signatures, strict=True) if not signature]
        left = {key.algorithm for key in self._keys if key not in missing}
        if not left or (not at_any_rate and RSA not in left and any(key.algorithm == RSA for key in missing)):
            names = ", ".join(key.selector for key in missing)
            raise ValueError(f"there is no private key {names} to sign with; see `mimamori alarms list`")


class _Stamp:
    """One key with the part of its field that stays the same, as written and in canonical form."""

    def __init__(self, key: KeyName, shared: Shared) -> None:
        self._written = _tags(key, shared).encode("ascii") + b"\r\n bh="
        self._canonical = _relaxed(self._written).removesuffix(b"\r\n")

    def digest(self, headers: "hashlib._Hash", body_hash: bytes) -> bytes:
        """Return what is to be signed: `headers` (a hash of which nobody else has need) and the unsigned field."""
        headers.update(self._canonical + body_hash + b"; b=")  # RFC 6376 §3.7: b= is empty, and no CRLF follows
        return headers.digest()

    def field(self, body_hash: bytes, signature: bytes) -> bytes:
        """Return the whole field."""
        encoded = b64encode(signature)
        pieces = [encoded[start : start + PIECE] for start in range(0, len(encoded), PIECE)]
        return b"".join((self._written, body_hash, b";\r\n b=", b"\r\n ".join(pieces), b"\r\n"))


def _tags(key: KeyName, shared: Shared) -> str:
    """Return the field up to bh=, folded (RFC 6376 §3.5)."""
    present = [field.partition(b":")[0].decode("ascii") for field in shared.fields]
    signed = ": ".join((*present, *shared.own, *OVERSIGNED)).lower()
    tags = (
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed; d={shared.domain}; s={key.selector};"
        f" i={shared.identity}; t={shared.at}; h={signed};"
    )
    return "\r\n".join(wrap(tags, LINE, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False))


def _relaxed(field: bytes) -> bytes:
    """Return a whole field in the relaxed form (RFC 6376 §3.4.2)."""
    name, _, value = field.partition(b":")
    canonical: list[tuple[bytes, bytes]] = Relaxed.canonicalize_headers([(name, value)])
    return b":".join(canonical[0])
