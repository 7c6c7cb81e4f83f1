"""Is a slip of the finger noticed, and nobody's address taken for another's?"""

import pytest

from mailer.domain.likeness import is_near, other_domains


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


def test_the_local_part_stays_as_it_is() -> None:
    found = other_domains("a..B@docomo.co.jp", ["ezweb.ne.jp", "docomo.ne.jp", "docomo.ne.jp", "docomo.co.jp"])
    assert found == ("a..B@docomo.ne.jp",)
