"""Do header fields say what was typed, in lines that every server takes?"""

import re
from base64 import b64decode
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.message import header

LINES = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029"), min_size=1)


def _decoded(field: bytes) -> str:
    value = field.decode("ascii").partition(": ")[2].removesuffix("\r\n")
    return str(make_header(decode_header(value.replace("\r\n", ""))))


@given(LINES)
def test_any_line_comes_back_whole_and_fits(line: str) -> None:
    field = header.unstructured("Subject", line)
    assert _decoded(field) == line
    assert all(len(part) <= 76 for part in field.removesuffix(b"\r\n").split(b"\r\n"))
    for word in re.findall(rb"=\?utf-8\?B\?[^?]*\?=", field):
        assert len(word) <= 75
        b64decode(word[len("=?utf-8?B?") : -2]).decode()


def test_a_subject_of_36_characters_takes_three_words() -> None:
    field = header.unstructured("Subject", "不" * 36)
    assert field.count(b"=?utf-8?B?") == 3


@pytest.mark.parametrize("subject", ["Test", "Re: 1 = 1?", "a  b", "x" * 67, 'say "hello" \\o/'])
def test_plain_ascii_stays_as_it_is(subject: str) -> None:
    assert header.unstructured("Subject", subject) == f"Subject: {subject}\r\n".encode()


@pytest.mark.parametrize("subject", ["=?utf-8?q?a=0D=0ABcc:_x@y?=", "a =? b", "x" * 68, " a", "a "])
def test_what_a_reader_could_mistake_or_lose_is_encoded(subject: str) -> None:
    field = header.unstructured("Subject", subject)
    assert field.startswith(b"Subject: =?utf-8?B?")
    assert _decoded(field) == subject


@pytest.mark.parametrize(
    ("display", "field"),
    [
        ("Takikawa Daiichi", b"From: Takikawa Daiichi <a@example.jp>\r\n"),
        ("Daiichi, Takikawa", b'From: "Daiichi, Takikawa" <a@example.jp>\r\n'),
        ('a "b" \\ <c@d>', b'From: "a \\"b\\" \\\\ <c@d>" <a@example.jp>\r\n'),
        ("a  b", b'From: "a  b" <a@example.jp>\r\n'),
        ("西小学校", b"From: =?utf-8?B?6KW/5bCP5a2m5qCh?= <a@example.jp>\r\n"),
        ("=?utf-8?q?x?=", b"From: =?utf-8?B?PT91dGYtOD9xP3g/PQ==?= <a@example.jp>\r\n"),
    ],
)
def test_a_display_name_is_atoms_a_quoted_string_or_encoded_words(display: str, field: bytes) -> None:
    assert header.named("From", display, "<a@example.jp>") == field


@pytest.mark.parametrize("display", ["a" * 70, "a," * 40, "滝" * 10, "滝" * 50, "x" * 50])
def test_a_long_display_name_folds(display: str) -> None:
    field = header.named("From", display, "<t-daiichi@mail.mimamori-iwamizawa.jp>")
    lines = field.removesuffix(b"\r\n").split(b"\r\n")
    assert all(len(line) <= 76 for line in lines)
    assert all(line.startswith(b" ") for line in lines[1:])
    assert _decoded(field) == f"{display} <t-daiichi@mail.mimamori-iwamizawa.jp>"
