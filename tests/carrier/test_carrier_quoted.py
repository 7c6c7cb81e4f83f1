"""Is the reply found in a text, whatever stands around it?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.carrier.quoted import Quoted, reply_in
from mailer.carrier.reason import Reason
from mailer.carrier.rule import STAGES
from tests.carrier.replies import MX, quoted_in


@pytest.mark.parametrize(
    ("text", "code", "enhanced", "words"),
    [
        ("550 5.1.1 User unknown", 550, "5.1.1", "User unknown"),
        ("550-5.1.1 No such\r\n550 5.1.1 user", 550, "5.1.1", "No such user"),
        ("550-5.1.1 No such 550 5.1.1 user", 550, "5.1.1", "No such user"),
        ("smtp; 550 User unknown", 550, "", "User unknown"),
        ("host mx.example.jp[192.0.2.1] said: 450 4.2.0 later", 450, "4.2.0", "later"),
        ("421", 421, "", ""),
        ("421 ", 421, "", ""),
        ("550 #5.1.0 Address rejected", 550, "5.1.0", "Address rejected"),
        ("5.1.1 User unknown", 550, "5.1.1", "User unknown"),
        ("User unknown", 0, "", "User unknown"),
        ("192.0.2.1 is blocked", 0, "", "192.0.2.1 is blocked"),
        ("5500 mails", 0, "", "5500 mails"),
        ("", 0, "", ""),
    ],
)
def test_the_reply_is_found(text: str, code: int, enhanced: str, words: str) -> None:
    assert reply_in(text) == Quoted(code, enhanced, words)


def test_words_without_a_code_never_cost_an_address() -> None:
    reading = quoted_in(MX, "rcpt", "User unknown")
    assert (reading.kind, reading.reason) == ("soft", Reason.ADDRESS_UNKNOWN)


@given(st.sampled_from(STAGES), st.text(max_size=600) | st.from_regex(r"[2-5][0-9]{2}[ -].{0,80}"))
def test_any_text_has_a_meaning(stage: str, text: str) -> None:
    assert quoted_in(MX, stage, text).reason in Reason
