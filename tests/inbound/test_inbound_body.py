"""Does a mail end where it ends and nowhere else, and is it kept as it was meant?"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.net.inbound_body import Body

FALSE_ENDS = [
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n",
    b"\r\n\x00.\r\n", b"\r\n.\x00\r\n", b"\r\r\n.\r\r\n", b"\n\r.\n\r",
]  # fmt: skip


def run(stream: bytes, step: int, limit: int = 10_000) -> tuple[bytes, bytes | None, Body]:
    """Feed the stream in steps; return what was kept, what is left over (None: the end did not come), and the body."""
    kept = bytearray()
    body = Body(kept.extend, limit)
    for at in range(0, len(stream), step):
        rest = body.feed(stream[at : at + step])
        if rest is not None:
            return bytes(kept), rest + stream[at + step :], body
    return bytes(kept), None, body


@pytest.mark.parametrize("step", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize(
    ("stream", "kept"),
    [
        (b".\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n...\r\na\r\n.\r\n", b".\r\n..\r\na\r\n"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"\r\r\n\r\n.\r\n", b"\r\n\r\n\r\n"),
        (b"a\nb\rc\r\n.\r\n", b"a\r\nb\r\nc\r\n"),
        ("名前\r\n.\r\n".encode(), "名前\r\n".encode()),
    ],
)
def test_the_mail_is_kept_with_every_line_end_a_crlf(stream: bytes, kept: bytes, step: int) -> None:
    assert run(stream + b"QUIT\r\n", step)[:2] == (kept, b"QUIT\r\n")


@pytest.mark.parametrize("step", [1, 4, 1000])
@pytest.mark.parametrize("false_end", FALSE_ENDS)
def test_a_false_end_does_not_end_the_mail(false_end: bytes, step: int) -> None:
    stream = b"first" + false_end + b"MAIL FROM:<x@evil.example>\r\nlast\r\n.\r\n"
    kept, rest, _body = run(stream, step)
    assert rest == b""
    assert kept.endswith(b"MAIL FROM:<x@evil.example>\r\nlast\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", kept)


def test_what_is_over_the_limit_is_read_and_not_kept() -> None:
    kept, rest, body = run(b"x" * 50_000 + b"\r\n.\r\nNOOP\r\n", 1000, limit=10_000)
    assert rest == b"NOOP\r\n"
    assert body.too_big
    assert len(kept) <= 10_000


def test_a_mail_of_just_the_limit_is_kept() -> None:
    kept, _rest, body = run(b"x" * 98 + b"\r\n.\r\n", 7, limit=100)
    assert not body.too_big
    assert len(kept) == 100


@given(st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n", b"\r\n.\r\n"])), st.integers(1, 4))
def test_however_it_is_cut_the_answer_is_the_same(parts: list[bytes], step: int) -> None:
    stream = b"".join(parts)
    assert run(stream, step)[:2] == run(stream, max(1, len(stream)))[:2]
