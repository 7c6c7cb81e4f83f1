"""Do strangers' verifiers accept the signatures, and does any meddling break them?"""

from collections.abc import Callable

import pytest

from mailer.message.compose import Frozen, Letter
from mailer.message.keys import SigningKeyError
from mailer.message.sign import KeyName, Seal, Shared
from mailer.message.signer import Signer, load_signer
from mailer.smtp.address import parse_address
from tests.message.pen import Pen

TO = parse_address("a..b@docomo.ne.jp")
URL = "https://mail.mimamori-iwamizawa.jp/r/abcdefghijklmnopqrstuv"

Verify = Callable[[bytes], list[bool]]
OpenDkim = Callable[[bytes], list[str]]


@pytest.fixture(scope="module")
def mail(letter: Callable[..., Letter], signers: list[Signer]) -> bytes:
    """One signed mail."""
    return Pen(letter(), signers).write(TO, "Q2F.B7K3Q9Z1", URL)


def test_dkimpy_accepts_both_signatures(mail: bytes, dkimpy: Verify) -> None:
    assert dkimpy(mail) == [True, True]


def test_opendkim_accepts_both_signatures(mail: bytes, opendkim: OpenDkim) -> None:
    assert opendkim(mail) == ["rsa2026 pass", "ed2026 pass"]


@pytest.mark.parametrize(
    "field", ["From: x@example.org", "Subject: x", "To: x@example.org", "Date: x", "Reply-To: x@y"]
)
@pytest.mark.parametrize("top", [True, False])
def test_a_second_field_breaks_both(mail: bytes, dkimpy: Verify, opendkim: OpenDkim, field: str, top: bool) -> None:
    added = field.encode() + b"\r\n"
    meddled = added + mail if top else mail.replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n", 1)
    assert dkimpy(meddled) == [False, False]
    assert all("fail" in line for line in opendkim(meddled))


def test_text_added_to_the_body_breaks_both(mail: bytes, dkimpy: Verify, opendkim: OpenDkim) -> None:
    meddled = mail + b"SGVsbG8=\r\n"
    assert dkimpy(meddled) == [False, False]
    assert all("fail" in line for line in opendkim(meddled))


def test_the_signature_names_the_school_and_the_announcing_time(mail: bytes) -> None:
    fields = mail.split(b"\r\nTo: ")[0].replace(b"\r\n ", b" ").split(b"\r\n")
    assert len(fields) == 2
    for field, algorithm in zip(fields, (b"rsa-sha256", b"ed25519-sha256"), strict=True):
        tags = dict(tag.strip().split(b"=", 1) for tag in field.partition(b":")[2].split(b";"))
        assert tags[b"a"] == algorithm
        assert tags[b"i"] == b"t-daiichi@mail.mimamori-iwamizawa.jp"
        assert tags[b"d"] == b"mail.mimamori-iwamizawa.jp"
        assert tags[b"t"] == b"1712557800"
        assert tags[b"c"] == b"relaxed/relaxed"
        assert not {b"l", b"x"} & set(tags)
        names = tags[b"h"].replace(b" ", b"").split(b":")
        assert [names.count(name) for name in (b"from", b"subject", b"to", b"date", b"reply-to")] == [2, 2, 2, 2, 1]
        assert {b"message-id", b"list-id", b"content-type", b"feedback-id"} < set(names)


def test_an_empty_shared_body_is_signed_rightly(letter: Callable[..., Letter], signers: list[Signer]) -> None:
    shared = Shared("example.jp", "a@example.jp", 0, (b"From: a@example.jp\r\n",), ("To", "Message-ID"), b"")
    whole = Shared("example.jp", "a@example.jp", 0, (b"From: a@example.jp\r\n",), ("To", "Message-ID"), b"QUJD\r\n")
    own = b"to:b@example.jp\r\nmessage-id:<1@example.jp>\r\n"
    keys = [KeyName(signer.selector, signer.algorithm) for signer in signers]
    assert Seal(shared, keys).digests(own, b"QUJD\r\n") == Seal(whole, keys).digests(own, b"")


def test_unsigned_mail_never_leaves(letter: Callable[..., Letter]) -> None:
    with pytest.raises(ValueError, match="at least one DKIM key"):
        Pen(letter(), [])


def test_a_key_that_nobody_has_gives_no_signature_but_without_rsa_no_mail_leaves(letter: Callable[..., Letter]) -> None:
    draft = Frozen(letter(), [KeyName("a", "rsa-sha256"), KeyName("b", "ed25519-sha256")]).draft(
        TO, "Q2F.B7K3Q9Z1", URL
    )
    assert draft.signed([b"x", b""]).count(b"DKIM-Signature:") == 1
    with pytest.raises(ValueError, match="no private key a to sign"):
        draft.signed([b"", b"x"])
    assert draft.signed([b"", b"x"], at_any_rate=True).count(b"DKIM-Signature:") == 1
    for at_any_rate in (False, True):
        with pytest.raises(ValueError, match="no private key a, b to sign"):
            draft.signed([b"", b""], at_any_rate=at_any_rate)


def test_one_rsa_key_is_enough_when_another_was_retired(letter: Callable[..., Letter]) -> None:
    names = [KeyName("old", "rsa-sha256"), KeyName("new", "rsa-sha256"), KeyName("b", "ed25519-sha256")]
    draft = Frozen(letter(), names).draft(TO, "Q2F.B7K3Q9Z1", URL)
    assert draft.signed([b"", b"x", b"y"]).count(b"DKIM-Signature:") == 2


def test_a_letter_of_ed25519_alone_needs_that(letter: Callable[..., Letter]) -> None:
    draft = Frozen(letter(), [KeyName("b", "ed25519-sha256")]).draft(TO, "Q2F.B7K3Q9Z1", URL)
    assert draft.signed([b"x"]).count(b"DKIM-Signature:") == 1
    with pytest.raises(ValueError, match="no private key b to sign"):
        draft.signed([b""])


def test_a_weak_key_is_no_signer(pem: Callable[[str], bytes]) -> None:
    with pytest.raises(SigningKeyError, match="1024 bits"):
        load_signer("weak", pem("rsa1024.pem"))
