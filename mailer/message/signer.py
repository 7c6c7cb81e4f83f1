"""Who holds a private key, and signs a digest with it?

`cryptography` signs: dkimpy's own RSA is slower by a factor of about 25 and not constant in time.
"""

from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from mailer.message.keys import read_private_key

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
