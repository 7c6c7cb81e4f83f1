"""Is the argument of MAIL and RCPT read as the RFC says, and nothing else?"""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.net.inbound_path import Path, PathError, read_argument


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("TO:<a@b.example>", "a@b.example"),
        ("to: <a@b.example>", "a@b.example"),
        ("TO:<a..b@docomo.ne.jp>", "a..b@docomo.ne.jp"),
        ("TO:<.abc.@ezweb.ne.jp>", ".abc.@ezweb.ne.jp"),
        ('TO:<"a b>c"@b.example>', '"a b>c"@b.example'),
        ('TO:<"a\\"b"@b.example>', '"a\\"b"@b.example'),
        ("TO:<a@[192.0.2.1]>", "a@[192.0.2.1]"),
        ("TO:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"),
        ("TO:<@one.example,@two.example:a@b.example>", "a@b.example"),
        ("TO:<Postmaster>", "Postmaster"),
        ("TO:<>", ""),
        ("TO:<名前@例え.jp>", "名前@例え.jp"),
    ],
)
def test_a_path_is_kept_as_it_was_typed(argument: str, text: str) -> None:
    path, parameters = read_argument("TO:", argument)
    assert path.text == text
    assert parameters == {}


def test_parameters_are_named_in_capitals() -> None:
    path, parameters = read_argument("FROM:", "FROM:<> size=100 BODY=8BITMIME SMTPUTF8")
    assert path == Path("", "")
    assert parameters == {"SIZE": "100", "BODY": "8BITMIME", "SMTPUTF8": ""}


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("", "501 5.5.4"),
        ("<a@b.example>", "501 5.5.4"),
        ("TO:a@b.example", "501 5.5.4"),
        ("TO:<a@b.example", "501 5.5.4"),
        ("TO:<", "501 5.5.4"),
        ('TO:<"@b.example>', "501 5.5.4"),
        ("TO:<a@b.example>x", "501 5.5.4"),
        ("TO:<a@b.example> =x", "501 5.5.4"),
        ("TO:<a@[>", "553 5.1.3"),
        ("TO:<a>", "553 5.1.3"),
        ("TO:<a b@c.example>", "553 5.1.3"),
        ("TO:<a@b@c.example>", "553 5.1.3"),
        ("TO:<a@-b.example>", "553 5.1.3"),
        ("TO:<a@b..example>", "553 5.1.3"),
        ("TO:<@b.example>", "553 5.1.3"),
        (f"TO:<{'a' * 65}@b.example>", "553 5.1.3"),
        (f"TO:<a@{'b.' * 130}example>", "553 5.1.3"),
    ],
)
def test_what_is_no_path_is_refused_with_its_reply(argument: str, code: str) -> None:
    with pytest.raises(PathError, match=f"^{code} "):
        read_argument("TO:", argument)


@given(st.text())
def test_any_text_gives_a_path_or_our_error(text: str) -> None:
    with suppress(PathError):
        read_argument("TO:", f"TO:{text}")
