"""Does an alarm quote a far server without its addresses, its tricks and its length?"""

import pytest

from mailer.domain.alarm import ADVICE, LONGEST_WORDS, REASONS, Kind, clean


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("550 5.1.1 <taro.yamada@docomo.ne.jp>... User unknown", "550 5.1.1 <***@***>... User unknown"),
        ("taro@docomo.ne.jp", "***@***"),
        ('"a..b"@docomo.ne.jp: no', "***@***: no"),
        ("rejected: taro%40docomo.ne.jp, taro＠docomo.ne.jp", "rejected: ***@***, ***@***"),
        ("to=山田@例え.jp refused", "to=***@*** refused"),
        ("one\r\ntwo\tthree\x00four", "one two three four"),
        ("a\u202eb\u200bc", "a b c"),
        ("  spaces   go  ", "spaces go"),
        ("", ""),
    ],
)
def test_words_from_outside(said: str, shown: str) -> None:
    assert clean(said) == shown


def test_long_words_are_cut() -> None:
    assert clean("x" * 5000) == "x" * (LONGEST_WORDS - 1) + "…"
    assert len(clean("x@" * 5000)) <= LONGEST_WORDS


def test_every_kind_has_its_sentence() -> None:
    assert set(REASONS) == set(ADVICE) == set(Kind)
    assert all("{subject}" in sentence for sentence in REASONS.values())
