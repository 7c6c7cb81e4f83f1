"""Is a slip of the finger noticed, and nobody's address taken for another's?"""

import pytest

from mailer.domain.likeness import is_near, key_within, other_domains


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("docomo.co.jp", "docomo.ne.jp"),
        ("docomo.jp", "docomo.ne.jp"),
        ("docmo.ne.jp", "docomo.ne.jp"),
        ("docoomo.ne.jp", "docomo.ne.jp"),
        ("docono.ne.jp", "docomo.ne.jp"),
        ("dcoomo.ne.jp", "docomo.ne.jp"),
        ("ezeweb.ne.jp", "ezweb.ne.jp"),
        ("ezwebne.jp", "ezweb.ne.jp"),
        ("gmail.con", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmial.com", "gmail.com"),
        ("softbank.jp", "softbank.ne.jp"),
        ("i.softbank.ne.jp", "i.softbank.jp"),
        ("ne.jp", "e.jp"),
    ],
)
def test_what_is_near(typed: str, domain: str) -> None:
    assert is_near(typed, domain)
    assert is_near(domain, typed)


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("docomo.ne.jp", "docomo.ne.jp"),
        ("au.com", "ezweb.ne.jp"),
        ("docomo.ne.jp", "ezweb.ne.jp"),
        ("i.softbank.jp", "softbank.ne.jp"),
        ("mail.goo.ne.jp", "mail.example.jp"),
        ("omocod.ne.jp", "docomo.ne.jp"),
        ("", "docomo.ne.jp"),
    ],
)
def test_what_is_not(typed: str, domain: str) -> None:
    assert not is_near(typed, domain)


@pytest.mark.parametrize(
    ("pasted", "key"),
    [
        ("a..B@docomo.ne.jp", "a..B@docomo.ne.jp"),
        ('"a..b"@docomo.ne.jp', "a..b@docomo.ne.jp"),
        (".ab@DOCOMO.ne.jp", ".ab@docomo.ne.jp"),
        ("<a..b@docomo.ne.jp>", "a..b@docomo.ne.jp"),
        ("＜ａ..ｂ＠docomo.ne.jp＞", "a..b@docomo.ne.jp"),
        ('"滝川 花子" <a..b@docomo.ne.jp>', "a..b@docomo.ne.jp"),
        ("滝川花子<.ab@docomo.ne.jp>;", ".ab@docomo.ne.jp"),
        ("mailto:a..b@docomo.ne.jp", "a..b@docomo.ne.jp"),
        ("<MAILTO:a..b@docomo.ne.jp?subject=x%20y>", "a..b@docomo.ne.jp"),
        ("a?b@docomo.ne.jp.", "a?b@docomo.ne.jp"),
        ("a..b@docomo.ne.jp。", "a..b@docomo.ne.jp"),
        ("a..b@docomo.ne.jp、", "a..b@docomo.ne.jp"),
        ("「a..b@docomo.ne.jp」", "a..b@docomo.ne.jp"),
        ("(a..b@docomo.ne.jp)", "a..b@docomo.ne.jp"),
        ("'a..b@docomo.ne.jp',", "a..b@docomo.ne.jp"),
        ("a..b @docomo.ne.jp", "a..b@docomo.ne.jp"),
        ("a..b@docomo.ne.jp\u200b", "a..b@docomo.ne.jp"),
        ("", ""),
        ("<>", ""),
        ("mailto:", ""),
        ("a@b@docomo.ne.jp.", ""),
        ("\udcff@docomo.ne.jp", ""),
    ],
)
def test_which_address_a_pasted_text_holds(pasted: str, key: str) -> None:
    assert key_within(pasted) == key


def test_the_local_part_stays_as_it_is() -> None:
    found = other_domains("a..B@docomo.co.jp", ["ezweb.ne.jp", "docomo.ne.jp", "docomo.ne.jp", "docomo.co.jp"])
    assert found == ("a..B@docomo.ne.jp",)
