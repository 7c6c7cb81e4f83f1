"""Does any text go out, and is what must not stand in a header refused by name?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.message.text import (
    MAX_NAME_CHARACTERS,
    MAX_SUBJECT_CHARACTERS,
    MAX_TEXT_OCTETS,
    REASONS,
    TextError,
    check_name,
    check_subject,
    check_text,
    clean_text,
)

ANYTHING = st.text(st.characters())


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("①㈱髙﨑～－〜−Ⅳ№㎏德彅∥￠ｶﾅ", "①㈱髙﨑～－〜−Ⅳ№㎏德彅∥￠ｶﾅ"),
        ("👨‍👩‍👧🇯🇵⛑️", "👨‍👩‍👧🇯🇵⛑️"),
        ("一\r\n二\r三\n四\u2028五\u2029六\x85七\v八\f九", "一\n二\n三\n四\n五\n六\n七\n八\n九"),
        ("a\r\r\nb\n\rc", "a\n\nb\n\nc"),
        ("列\t列", "列\t列"),
        ("\0\x1b[31m\x07\x7f", "␀␛[31m␇␡"),
        ("\x1c\x1d\x1e\x1f", "␜␝␞␟"),
        ("\x80\x9f", "\ufffd\ufffd"),
        ("前\ud800後\udfff", "前\ufffd後\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("\ufdcf\ufdd0\ufdef\ufdf0\ufffe\U0003ffff\U0003fffd", "\ufdcf\ufffd\ufffd\ufdf0\ufffd\ufffd\U0003fffd"),
        (".\n..\n", ".\n..\n"),
        ("", ""),
    ],
)
def test_a_text_goes_out_with_visible_signs_for_what_cannot_be_sent(typed: str, sent: str) -> None:
    assert clean_text(typed) == sent


@given(ANYTHING)
def test_a_cleaned_text_can_be_encoded_and_is_not_changed_again(typed: str) -> None:
    cleaned = clean_text(typed)
    assert cleaned.encode().decode() == cleaned
    assert clean_text(cleaned) == cleaned
    assert "\r" not in cleaned


@pytest.mark.parametrize("check", [check_subject, check_name])
@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        ("", "empty", ""),
        (" \u3000", "empty", ""),
        ("a\rb", "line_end", "U+000D"),
        ("a\nBcc: x@example.org", "line_end", "U+000A"),
        ("a\u2028b", "line_end", "U+2028"),
        ("a\x85b", "line_end", "U+0085"),
        ("a\vb", "line_end", "U+000B"),
        ("a\fb", "line_end", "U+000C"),
        ("a\0b", "control", "U+0000"),
        ("a\x1b[0mb", "control", "U+001B"),
        ("a\tb", "control", "U+0009"),
        ("a\x9bb", "control", "U+009B"),
        ("a\x7f", "control", "U+007F"),
        ("a\ud800", "broken", "U+D800"),
        ("a\uffff", "broken", "U+FFFF"),
        ("a\U0010fffe", "broken", "U+10FFFE"),
        ("a\ufdd0", "broken", "U+FDD0"),
    ],
)
def test_a_line_for_a_header_is_refused_with_the_reason(check: object, line: str, reason: str, detail: str) -> None:
    assert callable(check)
    with pytest.raises(TextError) as caught:
        check(line)
    assert (caught.value.reason, caught.value.detail) == (reason, detail)
    assert str(caught.value).startswith(REASONS[reason])


def test_lengths_are_counted_in_characters() -> None:
    check_subject("髙" * MAX_SUBJECT_CHARACTERS)
    check_name("髙" * MAX_NAME_CHARACTERS)
    with pytest.raises(TextError, match="too long"):
        check_subject("a" * (MAX_SUBJECT_CHARACTERS + 1))
    with pytest.raises(TextError, match="too long"):
        check_name("a" * (MAX_NAME_CHARACTERS + 1))


def test_a_body_is_refused_only_when_empty_or_over_the_budget() -> None:
    assert check_text("あ" * (MAX_TEXT_OCTETS // 3)) == "あ" * (MAX_TEXT_OCTETS // 3)
    assert check_text("\0\r\n") == "␀\n"
    with pytest.raises(TextError) as caught:
        check_text("あ" * (MAX_TEXT_OCTETS // 3 + 1))
    assert caught.value.reason == "too_long"
    with pytest.raises(TextError) as caught:
        check_text(" \r\n\u3000")
    assert caught.value.reason == "empty"


@given(ANYTHING)
def test_a_line_that_passes_holds_nothing_hidden(line: str) -> None:
    try:
        check_subject(line)
    except TextError:
        return
    assert line == clean_text(line)
    assert len(line.splitlines()) == 1
