"""Which addresses are taken, which are refused with which word, and how are they written?"""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.smtp.address import REASONS, Address, AddressError, parse_address

TAKEN = [
    "taro@docomo.ne.jp",
    "a..b@docomo.ne.jp",
    "abc.@ezweb.ne.jp",
    ".abc@docomo.ne.jp",
    "-abc@ezweb.ne.jp",
    "...@docomo.ne.jp",
    "Taro.Yamada+school@Gmail.com",
    "o'neil!#$%&*/=?^_`{|}~@example.co.jp",
    "山田@example.jp",
    "taro@日本語.jp",
    "taro@xn--wgv71a119e.jp",
    "a@b--c.example",
    "a" * 64 + "@example.jp",
    "a@" + "x" * 63 + ".jp",
    "a" * 64 + "@" + ".".join(["x" * 61] * 3) + ".abc",
]

REFUSED = [
    ("", "empty"),
    ("a b@x.jp", "space"),
    ("a\u3000b@x.jp", "space"),
    ("a\r\nRCPT TO:<b@x.jp>", "control"),
    ("a\n@x.jp", "control"),
    ("a\t@x.jp", "control"),
    ("a\0@x.jp", "control"),
    ("a\x85@x.jp", "control"),
    ("a\u2028@x.jp", "control"),
    ("a\u200b@x.jp", "control"),
    ("\ufeffa@x.jp", "control"),
    ("a\ud800@x.jp", "control"),
    ("a＠x.jp", "fullwidth"),
    ("ａ@x.jp", "fullwidth"),
    ("a@ｘ.jp", "fullwidth"),
    ("a！@x.jp", "fullwidth"),
    ("a～@x.jp", "fullwidth"),
    ("taro", "no_at"),
    ("a@@x", "several_at"),
    ("a@b@x.jp", "several_at"),
    ("alice@example.org)bob@evil.example", "several_at"),
    ("@x.jp", "empty_local"),
    ("a@", "empty_domain"),
    ("a,b@x.jp", "bad_local"),
    ("a(comment)@x.jp", "bad_local"),
    ("<a@x.jp", "bad_local"),
    ("a;@x.jp", "bad_local"),
    ("a:b@x.jp", "bad_local"),
    ("a\\b@x.jp", "bad_local"),
    ('"a\\"b"@x.jp', "bad_local"),
    ('"a,b"@x.jp', "bad_local"),
    ('"a b"@x.jp', "space"),
    ('""@x.jp', "bad_quotes"),
    ('"@x.jp', "bad_quotes"),
    ('"a@x.jp', "bad_quotes"),
    ('a"b"@x.jp', "bad_quotes"),
    ("a@[127.0.0.1]", "literal"),
    ("a@[IPv6:::1]", "literal"),
    ("a@localhost", "no_dot"),
    ("a@127.0.0.1", "bad_domain"),
    ("a@x..jp", "bad_domain"),
    ("a@x.jp.", "bad_domain"),
    ("a@.x.jp", "bad_domain"),
    ("a@-x.jp", "bad_domain"),
    ("a@x-.jp", "bad_domain"),
    ("a@x_y.jp", "bad_domain"),
    ("a@x>.jp", "bad_domain"),
    ("a@x.jp)", "bad_domain"),
    ("a@" + "x" * 64 + ".jp", "bad_domain"),
    ("a@xn--a.jp", "bad_domain"),
    ("a@日本\u0301語、.jp", "bad_domain"),
    ("a" * 65 + "@example.jp", "too_long"),
    ("a" * 64 + "@" + ".".join(["x" * 61] * 3) + ".abcd", "too_long"),
    ("山" * 22 + "@example.jp", "too_long"),
    ("a@" + ".".join(["x" * 60] * 5) + ".jp", "too_long"),
    ("a@" + ".".join(["x" * 61] * 4) + ".example", "too_long"),
    ("a" * 400 + "@x.jp", "too_long"),
]


@pytest.mark.parametrize("text", TAKEN)
def test_good_address_is_kept_as_typed(text: str) -> None:
    address = parse_address(text)
    assert address.text == text
    assert address.key.split("@")[0] == text.split("@")[0]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[repr(text)[:30] for text, _ in REFUSED])
def test_bad_address_is_refused_with_its_word(text: str, reason: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert caught.value.reason == reason
    assert str(caught.value).startswith(REASONS[reason])


def test_every_word_of_the_refusals_is_tried() -> None:
    assert {reason for _, reason in REFUSED} == set(REASONS)


@pytest.mark.parametrize(
    ("text", "quoted", "bare"),
    [
        ("a..b@docomo.ne.jp", b'"a..b"@docomo.ne.jp', b"a..b@docomo.ne.jp"),
        ("abc.@ezweb.ne.jp", b'"abc."@ezweb.ne.jp', b"abc.@ezweb.ne.jp"),
        (".abc@docomo.ne.jp", b'".abc"@docomo.ne.jp', b".abc@docomo.ne.jp"),
        ("-abc@ezweb.ne.jp", b"-abc@ezweb.ne.jp", b"-abc@ezweb.ne.jp"),
        ("Taro@Example.JP", b"Taro@Example.JP", b"Taro@Example.JP"),
        ("taro@日本語.jp", b"taro@xn--wgv71a119e.jp", b"taro@xn--wgv71a119e.jp"),
        ("山田@example.jp", "山田@example.jp".encode(), "山田@example.jp".encode()),
    ],
)
def test_wire_quotes_only_irregular_local_parts(text: str, quoted: bytes, bare: bytes) -> None:
    address = parse_address(text)
    assert (address.wire(), address.wire(bare=True)) == (quoted, bare)
    assert address.header == quoted.decode()
    assert address.irregular == (quoted != bare)


def test_typed_quotes_name_the_same_mailbox() -> None:
    assert parse_address('"a..b"@docomo.ne.jp') == parse_address("a..b@docomo.ne.jp")
    assert parse_address('"a"@docomo.ne.jp').text == "a@docomo.ne.jp"
    assert parse_address('"taro"@docomo.ne.jp').wire() == b"taro@docomo.ne.jp"


def test_key_ignores_case_of_the_domain_alone() -> None:
    assert parse_address("A..b@DoCoMo.ne.jp").key == "A..b@docomo.ne.jp"
    assert parse_address("a..b@docomo.ne.jp").key != parse_address("ab@docomo.ne.jp").key
    assert parse_address("a@BÜCHER.example").key == parse_address("a@bücher.example").key == "a@xn--bcher-kva.example"


def test_only_the_local_part_asks_for_smtputf8() -> None:
    assert parse_address("山田@example.jp").utf8
    assert not parse_address("taro@日本語.jp").utf8


@pytest.mark.parametrize(
    ("local", "domain"), [("a\r\nDATA", "x.jp"), ("a> SIZE=1", "x.jp"), ("a", "x.jp>\r\n"), ("", "x.jp")]
)
def test_no_address_can_be_made_that_breaks_a_command_line(local: str, domain: str) -> None:
    with pytest.raises(ValueError, match=r"address|@"):
        Address(local, domain)


@given(st.text(max_size=80) | st.from_regex(r"[a-z.\"@<>,-]{1,20}@[a-z.\[\]-]{1,20}", fullmatch=True))
def test_any_text_gives_an_address_or_our_error(text: str) -> None:
    address: Address | None = None
    with contextlib.suppress(AddressError):
        address = parse_address(text)
    if address is not None:
        assert not set(address.wire(bare=True)) & set(b"\r\n <>")
        assert address.wire().count(b"@") == 1
        assert parse_address(address.header).key == address.key
