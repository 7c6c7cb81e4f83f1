"""Does the text of bytes come out, whatever charset they are said to be in?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.mime.charset import CHARSETS, decode

FULL = "送信先のメールボックスが一杯です"


@pytest.mark.parametrize("written", ["utf-8", "iso-2022-jp", "cp932", "euc_jp"])
@pytest.mark.parametrize("said", ["", "iso-2022-jp", "us-ascii", "utf-8", "x-unknown"])
def test_japanese_is_read_whatever_is_said(written: str, said: str) -> None:
    assert decode(FULL.encode(written), said) == FULL


def test_nec_row_13_is_read() -> None:
    assert decode(b"\x1b$B\x2d\x21\x2d\x6a\x1b(Babc", "iso-2022-jp") == "①㈱abc"


def test_half_width_katakana_is_read() -> None:
    assert decode(b"\x1b(I\x4a\x5d\x36\x38\x1b(B", "iso-2022-jp") == "ﾊﾝｶｸ"


def test_an_escape_that_nobody_ends_ends_with_the_line() -> None:
    assert decode(b"\x1b$B$3$3\n550 5.1.1 User unknown", "iso-2022-jp") == "ここ\n550 5.1.1 User unknown"


def test_windows_quotes_are_read() -> None:
    assert decode("wasn’t".encode("cp1252"), "Windows-1252") == "wasn’t"


@pytest.mark.parametrize("said", ["idna", "punycode", "zip", "rot13", "unicode_escape", "hex", "uu", "mbcs"])
def test_codecs_that_are_no_charsets_are_never_asked(said: str) -> None:
    assert decode(b"abc\xff", said).startswith("abc")


@given(st.binary(max_size=300), st.sampled_from([*CHARSETS, "", "nonsense"]))
def test_every_bytes_give_a_text(content: bytes, said: str) -> None:
    assert isinstance(decode(content, said), str)


def test_half_a_character_of_utf_7_is_none() -> None:
    assert decode(b"a+2AA-b", "utf-7") == "a\ufffdb"
    assert decode(b"+2D3cAA-", "utf-7") == "\U0001f400"
