"""Is every answer of a server a value, however strange, and is memory bounded?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.smtp.reply import (
    KEPT_CHARACTERS,
    MAX_REPLY_OCTETS,
    EnhancedStatus,
    Kind,
    Reply,
    ReplyReader,
    syntax_refusal,
    what_came,
)

WAYS = [
    pytest.param(lambda data: [data], id="whole"),
    pytest.param(lambda data: [data[at : at + 1] for at in range(len(data))], id="bytes"),
    pytest.param(lambda data: [data[at : at + 7] for at in range(0, len(data), 7)], id="sevens"),
]

READ = [
    (b"250 2.1.0 Ok\r\n", [(250, "2.1.0 Ok")]),
    (b"250\r\n", [(250, "")]),
    (b"421 \r\n", [(421, "")]),
    (b"250 a\n250-b\n250 c\n", [(250, "a"), (250, "b\nc")]),
    (b"250-\r\n250\r\n", [(250, "\n")]),
    (b"250 a\r\r\n", [(250, "a")]),
    (b"250-a\r\n550 b\r\n250 c\r\n", [(0, "a\nb"), (250, "c")]),
    (b"250-a\r\n550-b\r\n250 c\r\n", [(0, "a\nb\nc")]),
    (b"199 hm\r\n", [(199, "hm")]),
    (b"650 hm\r\n", [(0, "650 hm")]),
    (b"25 hm\r\n", [(0, "25 hm")]),
    (b"2500 hm\r\n", [(0, "2500 hm")]),
    (b"250x\r\n", [(0, "250x")]),
    (b"\r\n", [(0, "")]),
    (b"250-a\r\nb\r\n250 c\r\n", [(0, "a\nb"), (250, "c")]),
    ("550 宛先不明\r\n".encode(), [(550, "宛先不明")]),
    (b"550 \x93\x9a\0\x1b\r\n", [(550, "\\x93\\x9a\0\x1b")]),
    ("²50 ok\r\n".encode(), [(0, "²50 ok")]),
]


@pytest.mark.parametrize("cut", WAYS)
@pytest.mark.parametrize(("data", "expected"), READ, ids=[repr(data)[2:24] for data, _ in READ])
def test_replies_in_any_pieces(data: bytes, expected: list[tuple[int, str]], cut: object) -> None:
    assert callable(cut)
    reader = ReplyReader()
    replies = [reply for piece in cut(data) for reply in reader.feed(piece)]
    assert [(reply.code, reply.text) for reply in replies] == expected
    assert not reader.pending


@pytest.mark.parametrize(
    ("text", "enhanced"),
    [
        ("5.1.1 <a@x.jp>... User unknown", "5.1.1"),
        ("#5.1.0 Address rejected", "5.1.0"),
        ("5.7.1: no", "5.7.1"),
        ("4.7.28", "4.7.28"),
        ("5.7.515 Access denied", "5.7.515"),
        ("#4.x.2 Too many messages", "None"),
        ("3.1.1 no such class", "None"),
        ("5.1 short", "None"),
        ("5.1.1.1 long", "None"),
        ("5.1.\u00b2 superscript", "None"),
        ("5.1.1234 long", "None"),
        ("5..1 hole", "None"),
        ("Unknown user 5.1.1", "None"),
        ("", "None"),
    ],
)
def test_enhanced_status_stands_at_the_head(text: str, enhanced: str) -> None:
    (reply,) = ReplyReader().feed(f"550 {text}\r\n".encode())
    assert str(reply.enhanced) == enhanced


@pytest.mark.parametrize(
    ("code", "kind", "properties"),
    [
        (250, Kind.POSITIVE, "positive"),
        (354, Kind.INTERMEDIATE, "intermediate"),
        (450, Kind.TRANSIENT, "transient"),
        (421, Kind.CLOSING, "transient"),
        (550, Kind.PERMANENT, "permanent"),
        (199, Kind.UNKNOWN, "unknown"),
        (0, Kind.UNKNOWN, "unknown"),
    ],
)
def test_first_digit_decides(code: int, kind: Kind, properties: str) -> None:
    reply = Reply(code, "")
    names = ("positive", "intermediate", "transient", "permanent", "unknown")
    assert reply.kind is kind
    assert [name for name in names if getattr(reply, name)] == [properties]


def test_long_answer_counts_and_only_its_beginning_is_kept() -> None:
    reader = ReplyReader()
    long = b"250 taken " + b"x" * (1024 * 1024) + b"\r\n"
    replies = [reply for at in range(0, len(long), 65536) for reply in reader.feed(long[at : at + 65536])]
    assert [(reply.code, len(reply.text)) for reply in replies] == [(250, KEPT_CHARACTERS)]
    many = b"250-" + b"y" * 60 + b"\r\n"
    replies = reader.feed(many * 15_000 + b"250 taken\r\n")
    assert [(reply.code, len(reply.text)) for reply in replies] == [(250, KEPT_CHARACTERS)]


@pytest.mark.parametrize("piece", [b"x" * 65536, b"250-" + b"x" * 996 + b"\r\n", b"250-\r\n" * 1000])
def test_endless_answer_is_unreadable_and_takes_no_memory(piece: bytes) -> None:
    reader = ReplyReader()
    replies: list[Reply] = []
    fed = 0
    while not replies:
        replies = reader.feed(piece)
        fed += len(piece)
        held = len(reader._tail) + sum(map(len, reader._lines))
        assert held <= 5 * KEPT_CHARACTERS + len(piece) * (not reader._octets)
    assert replies[0].code == 0
    assert len(replies[0].text) <= KEPT_CHARACTERS
    assert fed <= MAX_REPLY_OCTETS + 2 * len(piece)


def test_text_is_cut_between_characters() -> None:
    (reply,) = ReplyReader().feed(b"550 " + "保護者".encode() * 400 + b"\r\n")
    assert reply.text == ("保護者" * 400)[:KEPT_CHARACTERS]


@pytest.mark.parametrize(
    ("reply", "bare_is_worth_a_try"),
    [
        (Reply(501, "5.1.3 Bad recipient address syntax"), True),
        (Reply(500, ""), True),
        (Reply(553, "5.1.3 no"), True),
        (Reply(555, ""), True),
        (Reply(550, "5.1.3 bad", EnhancedStatus(5, 1, 3)), True),
        (Reply(554, '<"a..b"@ezweb.ne.jp>: Relay access denied'), True),
        (Reply(554, "5.7.1 spam"), False),
        (Reply(550, "5.1.1 unknown", EnhancedStatus(5, 1, 1)), False),
        (Reply(450, "4.1.3 later", EnhancedStatus(4, 1, 3)), False),
        (Reply(250, ""), False),
    ],
)
def test_syntax_refusal(reply: Reply, bare_is_worth_a_try: bool) -> None:
    assert syntax_refusal(reply) is bare_is_worth_a_try


@pytest.mark.parametrize(
    ("failure", "reply", "words"),
    [
        ("refused", Reply(421, "4.7.0 Too many\nconnections"), "refused: 421 4.7.0 Too many connections"),
        ("", Reply(554, "5.7.1 no"), "554 5.7.1 no"),
        ("timeout", None, "timeout"),
        ("garbage", Reply(0, ""), "garbage: ???"),
    ],
)
def test_what_came_is_told_in_one_line(failure: str, reply: Reply | None, words: str) -> None:
    assert what_came(failure, reply) == words


SERVER_BYTES = st.lists(
    st.binary(max_size=40)
    | st.sampled_from(
        [b"250-", b"250 ", b"250\r\n", b"354 go\r\n", b"421\r\n", b"\r\n", b"\n", b"\r", b"550 5.1.1 x\r\n"]
    ),
    max_size=30,
)


@given(SERVER_BYTES)
def test_any_bytes_give_replies_whatever_the_pieces(parts: list[bytes]) -> None:
    whole = ReplyReader().feed(b"".join(parts))
    reader = ReplyReader()
    assert [reply for part in parts for reply in reader.feed(part)] == whole
    assert all(reply.code == 0 or 100 <= reply.code <= 599 for reply in whole)
