"""Are receipt tokens unguessable, steady, and known again by their hash alone?"""

import re
from base64 import urlsafe_b64decode
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from mailer.domain.receipt import hide, token, token_hash, url

KEY = bytes(range(32))


@given(st.integers(0, 2**63 - 1))
def test_a_token_is_128_bits_of_base64url_and_steady(item_id: int) -> None:
    made = token(KEY, item_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", made)
    assert len(urlsafe_b64decode(made + "==")) == 16
    assert made == token(KEY, item_id)
    assert made != token(KEY, item_id + 1)
    assert made != token(bytes(32), item_id)


def test_the_store_holds_the_hash_of_the_very_text() -> None:
    made = token(KEY, 1)
    assert token_hash(made) == sha256(made.encode()).digest()
    assert token_hash(made) != token_hash(made.swapcase())


@given(st.text(st.characters()))
def test_any_text_that_a_visitor_sends_has_a_hash(sent: str) -> None:
    assert len(token_hash(sent)) == 32


def test_the_url_stands_under_the_configured_base() -> None:
    assert url("https://mimamori.example.jp", "abc") == "https://mimamori.example.jp/r/abc"
    assert url("https://mimamori.example.jp/", "abc") == "https://mimamori.example.jp/r/abc"


def test_a_token_that_a_filter_quotes_is_hidden_and_nothing_else() -> None:
    of = token(b"k" * 32, 47)
    assert (
        hide(f"554 blocked: {url('https://m.example', of)} is listed")
        == "554 blocked: https://m.example/r/*** is listed"
    )
    assert hide(f"{url('https://m.example/', of)}\n{url('http://n.example', of)}").count("***") == 2
    assert hide(f"554 http%3A%2F%2Fm.example%2Fr%2F{of} or {of}", of) == "554 http%3A%2F%2Fm.example%2Fr%2F*** or ***"
    for cut in range(1, len(of)):
        assert "***" in hide(f"554 {of[:cut]}=\n{of[cut:]}", of)
    assert hide("550 see https://provider.example/r/help") == "550 see https://provider.example/r/help"
