"""Is every mail well formed, the same at every attempt, and as its school wrote it?"""

import re
from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.message.compose import FOOTER, RECEIPT, Letter
from mailer.message.signer import Signer
from mailer.message.text import MAX_NAME_CHARACTERS, MAX_SUBJECT_CHARACTERS, TextError, clean_text
from mailer.smtp.address import Address, parse_address
from tests.message.pen import Pen

GOLDEN = Path(__file__).parent / "golden"
TO = parse_address("a..b@docomo.ne.jp")
URL = "https://mail.mimamori-iwamizawa.jp/r/abcdefghijklmnopqrstuv"
LEFT = "Q2F.B7K3Q9Z1"
HEADERS = [
    *("DKIM-Signature", "DKIM-Signature", "To", "Message-ID", "From", "Subject", "Date", "MIME-Version"),
    *("Content-Type", "Content-Transfer-Encoding", "List-Id", "Auto-Submitted", "Feedback-ID"),
]

Perl = Callable[[bytes], dict[str, Any]]
MakeLetter = Callable[..., Letter]
Dkimpy = Callable[[bytes], list[bool]]
Tools = tuple[list[Signer], Perl, Dkimpy]

NASTY = st.sampled_from('①㈱髙﨑～－😀\r\n\u2028\x85\v\f\0\x1b\t\ud800 .=?"\\<>@,:;-')
TYPED = st.text(st.one_of(st.characters(), NASTY))
SHOWN = st.one_of(
    st.characters(exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp")),
    st.sampled_from('①㈱髙﨑～－😀 .=?"\\<>@,:;-aA1'),
)
SUBJECT = st.text(SHOWN, min_size=1, max_size=MAX_SUBJECT_CHARACTERS).filter(str.strip)
NAME = st.text(SHOWN, min_size=1, max_size=MAX_NAME_CHARACTERS).filter(str.strip)

CASES: dict[str, dict[str, Any]] = {
    "emergency": {},
    "notice": {
        "receipt": False,
        "from_name": "Takikawa Daiichi (school)",
        "subject": "Maintenance on 2024-04-15",
        "text": "システムメンテナンスのお知らせ\r\n4月15日 1:00～3:00",
    },
    "hostile": {
        "from_name": '髙﨑㈱,"学校"',
        "subject": "=?utf-8?q?a=0D=0ABcc:_x@y?=",
        "text": "①㈱髙﨑～－😀\u2028NEL\x85VT\v\0\x1b[31m\ud800\n.\n..\n" + "長" * 2000,
    },
    "short": {"text": "下校"},
}


def _body(letter: Letter, url: str | None) -> str:
    """Return the text that a guardian must read."""
    text = clean_text(letter.text).rstrip("\n") + "\n\n" + FOOTER.format(school=letter.from_name)
    return text if url is None else f"{text}{RECEIPT}{url}\n"


def _check_lines(mail: bytes) -> None:
    head, _, body = mail.partition(b"\r\n\r\n")
    assert mail.endswith(b"\r\n")
    assert mail.count(b"\r") == mail.count(b"\n") == mail.count(b"\r\n")
    assert all(len(line) <= 78 for line in head.split(b"\r\n"))
    assert all(0 < len(line) <= 76 for line in body.removesuffix(b"\r\n").split(b"\r\n"))
    assert all(len(word) <= 75 for word in re.findall(rb"=\?\S*", head))


def _check_by_email_package(mail: bytes, letter: Letter, url: str | None) -> None:
    parsed = message_from_bytes(mail)
    assert parsed.keys() == HEADERS
    assert not parsed.defects
    assert str(make_header(decode_header(parsed["Subject"]))) == letter.subject
    assert parsedate_to_datetime(parsed["Date"]) == letter.date
    payload = parsed.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode("utf-8").replace("\r\n", "\n") == _body(letter, url)


def _check_by_perl(parsed: dict[str, Any], letter: Letter, url: str | None) -> None:
    assert parsed["names"] == HEADERS
    assert parsed["fields"]["Subject"] == letter.subject
    assert parsed["fields"]["From"].endswith(f" <{letter.from_address}>")
    assert parsed["fields"]["To"] == TO.header
    assert parsed["fields"]["Message-ID"] == f"<{LEFT}@{letter.domain}>"
    assert parsed["body"].replace("\r\n", "\n") == _body(letter, url)


@pytest.mark.parametrize("case", CASES)
def test_a_mail_is_byte_for_byte_the_golden_one(
    case: str, letter: MakeLetter, signers: list[Signer], perl: Perl, opendkim: Callable[[bytes], list[str]]
) -> None:
    """To make one anew, delete its file, run, and read what was written."""
    made = letter(**CASES[case])
    url = URL if made.receipt else None
    mail = Pen(made, signers).write(TO, LEFT, url)
    golden = GOLDEN / f"{case}.eml"
    if not golden.exists():
        golden.write_bytes(mail)
        pytest.fail(f"{golden} was missing and is written; read it before you commit it")
    assert mail == golden.read_bytes()
    _check_lines(mail)
    _check_by_email_package(mail, made, url)
    _check_by_perl(perl(mail), made, url)
    assert opendkim(mail) == ["rsa2026 pass", "ed2026 pass"]


def _check_anything(letter: MakeLetter, tools: Tools, typed: tuple[str, str, str]) -> None:
    """Whatever is typed as subject, name and text goes out as exactly one intended mail that verifies."""
    signers, perl, dkimpy = tools
    subject, name, text = typed
    made = letter(subject=subject, from_name=name, text=text)
    mail = Pen(made, signers).write(TO, LEFT, URL)
    _check_lines(mail)
    _check_by_email_package(mail, made, URL)
    _check_by_perl(perl(mail), made, URL)
    assert dkimpy(mail) == [True, True]


@pytest.fixture(scope="session")
def tools(signers: list[Signer], perl: Perl, dkimpy: Dkimpy) -> Tools:
    """What a property needs to make and check a mail."""
    return signers, perl, dkimpy


@settings(max_examples=100, deadline=None)
@given(st.tuples(SUBJECT, NAME, TYPED))
@example(("=?utf-8?q?a=0D=0ABcc:_x@y?=", "=?utf-8?q?a=0D=0ABcc:_x@y?=", "=?utf-8?q?x?="))
@example((" a  b ", "a  b", "\n\n"))
def test_whatever_is_typed_gives_one_intended_mail(
    letter: MakeLetter, tools: Tools, typed: tuple[str, str, str]
) -> None:
    _check_anything(letter, tools, typed)


@pytest.mark.long
@pytest.mark.timeout(1200)
@settings(max_examples=10_000, deadline=None)
@given(st.tuples(SUBJECT, NAME, TYPED))
def test_ten_thousand_texts_give_one_intended_mail_each(
    letter: MakeLetter, tools: Tools, typed: tuple[str, str, str]
) -> None:
    _check_anything(letter, tools, typed)


def test_the_same_input_gives_the_same_bytes(letter: MakeLetter, signers: list[Signer]) -> None:
    first = Pen(letter(), signers).write(TO, LEFT, URL)
    pen = Pen(letter(), signers)
    pen.write(parse_address("other@ezweb.ne.jp"), "Q30.B7K3Q9Z1", URL + "x")
    assert pen.write(TO, LEFT, URL) == pen.write(TO, LEFT, URL) == first


@pytest.mark.parametrize("length", range(1, 120))
def test_the_url_is_whole_wherever_the_shared_lines_end(
    letter: MakeLetter, signers: list[Signer], dkimpy: Dkimpy, length: int
) -> None:
    made = letter(text="a" * length)
    mail = Pen(made, signers).write(TO, LEFT, URL)
    _check_lines(mail)
    _check_by_email_package(mail, made, URL)
    assert dkimpy(mail) == [True, True]


@pytest.mark.parametrize("typed", ["a..b@docomo.ne.jp", "abc.@ezweb.ne.jp", "-abc@ezweb.ne.jp", "用户@例え.jp"])
def test_to_is_the_one_recipient(
    letter: MakeLetter, signers: list[Signer], opendkim: Callable[[bytes], list[str]], typed: str
) -> None:
    to: Address = parse_address(typed)
    mail = Pen(letter(), signers).write(to, LEFT, URL)
    assert mail.count(b"\r\nTo: ") == 1
    assert b"\r\nTo: " + to.header.encode() + b"\r\n" in mail
    assert opendkim(mail) == ["rsa2026 pass", "ed2026 pass"]


@pytest.mark.parametrize(("receipt", "url"), [(True, None), (False, URL)])
def test_a_receipt_url_belongs_to_letters_with_receipts(
    letter: MakeLetter, signers: list[Signer], receipt: bool, url: str | None
) -> None:
    with pytest.raises(ValueError, match="receipt URL"):
        Pen(letter(receipt=receipt), signers).write(TO, LEFT, url)


@pytest.mark.parametrize("hidden", list("\r\n\0\x1b\u2028\x85\v\f\ud800"))
@pytest.mark.parametrize("place", ["subject", "from_name"])
def test_no_letter_can_be_made_with_hidden_characters_in_its_header(
    letter: MakeLetter, place: str, hidden: str
) -> None:
    with pytest.raises(TextError):
        letter(**{place: f"a{hidden}Bcc: x@example.org"})


def test_a_date_needs_a_zone(letter: MakeLetter) -> None:
    with pytest.raises(ValueError, match="zone"):
        letter(date=datetime(2024, 4, 8))  # noqa: DTZ001  # the mistake under test
