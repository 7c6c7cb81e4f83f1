"""Are commands and contents taken apart rightly, however the bytes come in?"""

import pytest

from mailer.rehearsal.wire import LONGEST_LINE, Overlong, Wire

CONTENTS = {
    b"": b".\r\n",
    b"\r\n": b"\r\n.\r\n",
    b"Subject: x\r\n\r\nhello\r\n": b"Subject: x\r\n\r\nhello\r\n.\r\n",
    b".\r\n..\r\n.x\r\n": b"..\r\n...\r\n..x\r\n.\r\n",
    b"a\n.\nb\r\n": b"a\n.\nb\r\n.\r\n",
    b"a\r.\rb\r\n": b"a\r.\rb\r\n.\r\n",
}


@pytest.mark.parametrize(("content", "sent"), CONTENTS.items())
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_content_ends_at_a_lone_dot_and_nowhere_else(content: bytes, sent: bytes, size: int) -> None:
    wire = Wire(1000)
    flight = b"DATA\r\n" + sent + b"QUIT\r\n"
    taken: list[bytes] = []
    line = None
    for at in range(0, len(flight), size):
        wire.feed(flight[at : at + size])
        line = line or wire.line()
        if line and not taken and (found := wire.content()) is not None:
            taken.append(found)
    assert line == b"DATA"
    assert taken == [content]
    assert wire.line() == b"QUIT"
    assert wire.waiting == 0


def test_lines_end_with_crlf_only() -> None:
    wire = Wire(1000)
    wire.feed(b"NOOP\nRSET\rX\r\nQU")
    assert wire.line() == b"NOOP\nRSET\rX"
    assert wire.line() is None
    wire.feed(b"IT\r\n")
    assert wire.line() == b"QUIT"


def test_chunks_are_counted_not_read() -> None:
    wire = Wire(1000)
    wire.feed(b"\r\n.\r\nab")
    assert wire.chunk(10) is None
    wire.feed(b"cdefNOOP\r\n")
    assert wire.chunk(11) == b"\r\n.\r\nabcdef"
    assert wire.line() == b"NOOP"


def test_nothing_grows_without_end() -> None:
    with pytest.raises(Overlong):
        _feed(b"x" * (LONGEST_LINE + 1)).line()
    with pytest.raises(Overlong):
        _feed(b"x" * 1001).content()
    with pytest.raises(Overlong):
        _feed(b"x" * 1001).chunk(5000)


def test_what_was_said_in_the_clear_is_forgotten() -> None:
    wire = _feed(b"STARTTLS\r\nMAIL FROM:<injected@example.com>\r\n")
    wire.line()
    wire.clear()
    wire.feed(b"EHLO me\r\n")
    assert wire.line() == b"EHLO me"


def _feed(data: bytes) -> Wire:
    wire = Wire(1000)
    wire.feed(data)
    return wire
