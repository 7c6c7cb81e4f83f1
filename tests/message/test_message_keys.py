"""Are good DKIM keys made and taken, and weak or unreadable ones refused with words?"""

from base64 import b64decode
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailer.message.keys import SigningKeyError, generate, public_value, read_private_key, signature_octets


@pytest.mark.parametrize(("algorithm", "kind"), [("rsa", RSAPrivateKey), ("ed25519", Ed25519PrivateKey)])
def test_a_new_key_signs_and_has_its_record(algorithm: str, kind: type) -> None:
    pem, record = generate(algorithm)
    assert isinstance(read_private_key(pem), kind)
    assert record == public_value(pem)
    assert record.startswith(f"v=DKIM1; k={algorithm}; p=")


def test_the_records_hold_what_the_rfcs_say() -> None:
    rsa = b64decode(generate("rsa")[1].rpartition("p=")[2])
    assert load_der_public_key(rsa)
    assert len(b64decode(generate("ed25519")[1].rpartition("p=")[2])) == 32


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_the_length_of_a_signature_is_known_from_the_record(algorithm: str) -> None:
    pem, record = generate(algorithm)
    key = read_private_key(pem)
    signed = key.sign(b"x") if isinstance(key, Ed25519PrivateKey) else key.sign(b"x", PKCS1v15(), SHA256())
    assert signature_octets(record) == len(signed)


@pytest.mark.parametrize("record", ["", "v=DKIM1", "v=DKIM1; k=rsa; p=", "v=DKIM1; k=rsa; p=AAAA"])
def test_a_record_without_a_key_is_refused(record: str) -> None:
    with pytest.raises(ValueError, match=r"serialized data|ASN\.1|parse"):
        signature_octets(record)


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(SigningKeyError, match="rsa and ed25519"):
        generate("dsa")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rsa1024.pem", "has 1024 bits"),
        ("p256.pem", "neither an RSA nor an Ed25519 key"),
        ("encrypted.pem", "is encrypted"),
    ],
)
def test_a_key_that_must_not_sign_is_refused(pem: Callable[[str], bytes], name: str, words: str) -> None:
    with pytest.raises(SigningKeyError, match=words):
        read_private_key(pem(name))


@pytest.mark.parametrize("junk", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(SigningKeyError, match="no private key"):
        read_private_key(junk)


def test_a_public_key_is_no_private_key(pem: Callable[[str], bytes]) -> None:
    with pytest.raises(SigningKeyError, match="no private key"):
        read_private_key(pem("rsa2048.pem").replace(b"PRIVATE", b"PUBLIC"))


@pytest.mark.parametrize("name", ["rsa2048-pkcs1.pem", "rsa2048.pem"])
def test_both_pem_forms_and_any_line_ends_are_taken(pem: Callable[[str], bytes], name: str) -> None:
    value = public_value(pem("rsa2048.pem"))
    assert public_value(pem(name)) == value
    assert public_value(pem(name).replace(b"\n", b"\r\n")) == value
