"""Which DKIM keys do we make and take?

RSA of 2048 to 4096 bits (RFC 8301 §3.2) and Ed25519 (RFC 8463), as unencrypted PEM; a key is protected by who may read
its file. Anything else is refused with words for the person who keeps the keys. Raises SigningKeyError.
"""

from base64 import b64decode, b64encode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 4096
ED25519_OCTETS = 64  # of a signature


class SigningKeyError(ValueError):
    """A private key cannot sign our mail; the text says why and what to do."""


def generate(algorithm: str) -> tuple[bytes, str]:
    """Return a new key of `algorithm` ("rsa" or "ed25519") as PEM, and the value of its DNS record."""
    key: PrivateKey
    if algorithm == "rsa":
        key = generate_private_key(65537, MIN_RSA_BITS)
    elif algorithm == "ed25519":
        key = Ed25519PrivateKey.generate()
    else:
        raise SigningKeyError(f"{algorithm!r} is no algorithm for DKIM keys; there are rsa and ed25519")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, _record(key)


def public_value(pem: bytes) -> str:
    """Return the value of the DNS TXT record for a private key (RFC 6376 §3.6.1, RFC 8463 §4): `v=DKIM1; k=…; p=…`."""
    return _record(read_private_key(pem))


def signature_octets(record: str) -> int:
    """Return how long the signatures of the key with this DNS record are; raise ValueError for no such record."""
    tags = dict(tag.strip().partition("=")[::2] for tag in record.split(";"))
    if tags.get("k") == "ed25519":
        return ED25519_OCTETS
    key = load_der_public_key(b64decode(tags.get("p", "")))
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the record's key is neither RSA nor Ed25519")
    return key.key_size // 8


def read_private_key(pem: bytes) -> PrivateKey:
    """Return the private key in `pem`; raise SigningKeyError if it is none that may sign."""
    key = _parse(pem)
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, RSAPrivateKey):
        raise SigningKeyError("This is neither an RSA nor an Ed25519 key; make one with `mimamori keys new`.")
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise SigningKeyError(
            f"This RSA key has {key.key_size} bits; receivers want {MIN_RSA_BITS} to {MAX_RSA_BITS}."
            " Make one with `mimamori keys new`."
        )
    return key


def _parse(pem: bytes) -> object:
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise SigningKeyError("This key is encrypted; store it without a passphrase, readable by us alone.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningKeyError("This is no private key in PEM form, or it is damaged.") from error


def _record(key: PrivateKey) -> str:
    if isinstance(key, RSAPrivateKey):
        name, raw = "rsa", key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        name, raw = "ed25519", key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k={name}; p={b64encode(raw).decode('ascii')}"
