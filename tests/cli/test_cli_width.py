"""Do columns and lines of Japanese text come out right?"""

import pytest

from mailer.cli.width import pad, visible, width, wrap


def test_japanese_signs_take_two_columns() -> None:
    assert [width(text) for text in ("abc", "学校", "ｶﾞｯｺｳ", "が", "①")] == [3, 4, 5, 2, 1]


def test_padding_aligns_mixed_text() -> None:
    assert pad("学校", 6) + "|" == "学校  |"
    assert pad("12", 6, right=True) == "    12"


def test_lines_end_between_any_two_japanese_signs_but_not_before_a_full_stop() -> None:
    assert wrap("学校から保護者へ。送る", 16) == ["学校から保護者", "へ。送る"]
    assert wrap("学校からdocomo.ne.jpへ送る", 14) == ["学校から", "docomo.ne.jpへ", "送る"]


def test_latin_words_stay_whole() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("incomprehensible", 7) == ["incomprehensible"]
    assert wrap("", 7) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a␛[2Jb"),
        ("a\nb", "a␊b"),
        ("\u202eabc", "<U+202E>abc"),
        ("\udc80", "<U+DC80>"),
        ("山田　太郎", "山田　太郎"),
    ],
)
def test_quoted_text_does_not_steer_the_terminal(text: str, shown: str) -> None:
    assert visible(text) == shown
