"""Is a server known by its TLSA records, and nobody else by them?"""

import hashlib
from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from mailer.smtp.dane import failure
from mailer.smtp.tlsa import Tlsa, public_key_of, read_tlsa, strongest
from tests.smtp.certificates import DAY, NOW, Made, make

HOST, DOMAIN = "mx.town.example", "town.example"
ROOT = make("root", authority=True)
MIDDLE = make("middle", ROOT, authority=True)
SERVER = make(HOST, MIDDLE, names=(HOST,))
STRANGER = make("stranger", make("other root", authority=True), names=(HOST,))
CHAIN = (SERVER, MIDDLE, ROOT)


def selected(made: Made, selector: int) -> bytes:
    """Return what a record with this selector is about, as the library encodes it."""
    if selector == 0:
        return made.der
    return made.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def record(usage: int, selector: int, matching: int, made: Made) -> Tlsa:
    data = selected(made, selector)
    digests = {0: data, 1: hashlib.sha256(data).digest(), 2: hashlib.sha512(data).digest()}
    return Tlsa(usage, selector, matching, digests[matching])


def judged(records: Sequence[Tlsa], chain: Sequence[Made], names: Sequence[str] = (HOST, DOMAIN)) -> str:
    return failure(records, [made.der for made in chain], names, NOW)


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("usage", [2, 3])
def test_every_usable_kind_of_record_names_its_server_and_no_other(usage: int, selector: int, matching: int) -> None:
    one = record(usage, selector, matching, SERVER if usage == 3 else ROOT)
    assert one.usable
    assert judged([one], CHAIN) == ""
    assert judged([one], (STRANGER,)) != ""


def test_of_an_ee_record_neither_name_nor_date_counts() -> None:
    old = make("whoever", names=("other.example",), until=-10 * DAY)
    assert judged([record(3, 1, 1, old)], (old,)) == ""


def test_a_trust_anchor_in_the_middle_of_a_chain() -> None:
    assert judged([record(2, 0, 1, MIDDLE)], CHAIN) == ""
    assert judged([record(2, 0, 1, MIDDLE)], (SERVER, MIDDLE)) == ""


def test_a_trust_anchor_whole_in_the_record_need_not_be_sent() -> None:
    assert judged([record(2, 0, 0, ROOT)], (SERVER, MIDDLE)) == ""
    assert judged([record(2, 0, 1, ROOT)], (SERVER, MIDDLE)) == "certificate-not-trusted"


def test_a_trust_anchor_vouches_for_the_host_or_the_domain_only() -> None:
    anchor = [record(2, 1, 1, MIDDLE)]
    for_domain = make("x", MIDDLE, names=(DOMAIN,))
    assert judged(anchor, (for_domain, MIDDLE)) == ""
    wildcard = make("x", MIDDLE, names=("*.town.example",))
    assert judged(anchor, (wildcard, MIDDLE)) == ""
    assert judged(anchor, (wildcard, MIDDLE), ("a.b.town.example",)) == "certificate-host-mismatch"
    other = make("x", MIDDLE, names=("mx.other.example",))
    assert judged(anchor, (other, MIDDLE)) == "certificate-host-mismatch"
    assert judged(anchor, (make(HOST, MIDDLE), MIDDLE)) == "certificate-not-trusted"


def test_a_trust_anchor_vouches_only_for_a_time() -> None:
    old = make(HOST, MIDDLE, names=(HOST,), until=-10 * DAY)
    assert judged([record(2, 0, 1, MIDDLE)], (old, MIDDLE)) == "certificate-expired"


def test_what_only_stands_beside_the_anchor_is_not_vouched_for() -> None:
    assert judged([record(2, 0, 1, ROOT)], (STRANGER, ROOT)) == "certificate-not-trusted"
    signed_by_a_server = make(HOST, SERVER, names=(HOST,))
    assert judged([record(2, 0, 1, ROOT)], (signed_by_a_server, *CHAIN)) == "certificate-not-trusted"


def test_one_record_of_many_suffices() -> None:
    assert judged([record(3, 1, 1, STRANGER), record(2, 0, 1, ROOT)], CHAIN) == ""


def test_nothing_shown_and_nonsense_shown() -> None:
    assert failure([record(3, 1, 1, SERVER)], [], [HOST], NOW) == "validation-failure"
    assert failure([record(3, 1, 1, SERVER)], [b"\x30\x03abc"], [HOST], NOW) == "certificate-not-trusted"
    assert failure([Tlsa(2, 0, 0, b"no certificate")], [SERVER.der], [HOST], NOW) == "certificate-not-trusted"


@pytest.mark.parametrize(
    "text",
    ["0 1 1 " + "ab" * 32, "1 0 1 " + "ab" * 32, "3 2 1 " + "ab" * 32, "3 1 3 " + "ab" * 32, "3 1 1 abcd", "3 1 2 00"],
)
def test_unusable_records(text: str) -> None:
    assert not read_tlsa(text).usable
    assert strongest([read_tlsa(text)]) == ()


def test_a_record_is_read_as_it_is_presented() -> None:
    assert read_tlsa("3 1 1 " + "AB" * 16 + " " + "cd" * 16) == Tlsa(3, 1, 1, b"\xab" * 16 + b"\xcd" * 16)


@pytest.mark.parametrize("nonsense", ["", "3 1", "3 1 x ab", "3 1 1 xy"])
def test_nonsense_is_no_record(nonsense: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal|not enough|hexadecimal"):
        read_tlsa(nonsense)


def test_a_weaker_digest_beside_a_stronger_one_does_not_count() -> None:
    weak, strong, other = record(3, 1, 1, STRANGER), record(3, 1, 2, SERVER), record(2, 1, 1, ROOT)
    assert strongest([weak, strong, other]) == (strong, other)
    assert strongest([record(3, 1, 0, SERVER), strong]) == (record(3, 1, 0, SERVER), strong)


def test_the_key_is_taken_as_it_stands_in_the_certificate() -> None:
    assert public_key_of(SERVER.der) == selected(SERVER, 1)


def test_a_certificate_of_a_version_that_nobody_uses_is_not_trusted() -> None:
    second = SERVER.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01", 1)
    assert second != SERVER.der
    for records in ([record(3, 1, 1, SERVER)], [record(2, 0, 1, ROOT)]):
        assert failure(records, [second, MIDDLE.der, ROOT.der], [HOST], NOW) == "certificate-not-trusted"


# The library still reads a serial number of zero, and warns of it; some day it will raise ValueError.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.binary(max_size=200), st.integers(0, 700))
def test_no_certificate_breaks_the_judgement(noise: bytes, at: int) -> None:
    spoilt = SERVER.der[:at] + noise + SERVER.der[at + len(noise) :]
    answer = failure([record(3, 1, 1, SERVER), record(2, 0, 1, ROOT)], [spoilt, MIDDLE.der, ROOT.der], [HOST], NOW)
    assert answer == "" or answer in {
        "certificate-not-trusted",
        "certificate-host-mismatch",
        "certificate-expired",
    }


def test_certificates_of_the_tests_are_read_by_the_library() -> None:
    assert x509.load_der_x509_certificate(SERVER.der).issuer == MIDDLE.certificate.subject
