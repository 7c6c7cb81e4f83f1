"""Are command lines found whole wherever the stream is cut, and is memory bounded?"""

import pytest

from mailer.net.inbound_lines import LINE_BYTES, SKIPPED_BYTES, BadLine, EndlessLine, Incoming


def lines(incoming: Incoming) -> list[str]:
    """Return all complete lines; a bad one as its words."""
    found: list[str] = []
    while True:
        try:
            line = incoming.line()
        except BadLine as bad:
            found.append(str(bad))
            continue
        if line is None:
            return found
        found.append(line.decode())


@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_lines_are_found_wherever_the_stream_is_cut(step: int) -> None:
    stream = b"EHLO a\r\nMAIL FROM:<>\r\n\r\nQUI"
    incoming, found = Incoming(), []
    for at in range(0, len(stream), step):
        incoming.feed(stream[at : at + step])
        found += lines(incoming)
    assert found == ["EHLO a", "MAIL FROM:<>", ""]
    assert incoming.take() == b"QUI"
    assert not incoming.pending


def test_a_bare_lf_is_answered_as_a_fault_and_the_next_line_is_read() -> None:
    incoming = Incoming()
    incoming.feed(b"EHLO a\nNOOP\r\n")
    assert lines(incoming) == ["End each line with CRLF", "NOOP"]


def test_a_line_over_the_limit_is_refused_once_and_not_kept() -> None:
    incoming = Incoming()
    for _ in range(8):
        incoming.feed(b"x" * (LINE_BYTES // 2))
        assert incoming.line() is None
        assert len(incoming.take()) <= LINE_BYTES
    incoming.feed(b"x" * (LINE_BYTES * 2))
    assert incoming.line() is None
    incoming.feed(b"\r\nNOOP\r\n")
    assert lines(incoming) == ["Line too long", "NOOP"]


def test_a_line_of_just_the_limit_is_read() -> None:
    incoming = Incoming()
    incoming.feed(b"x" * (LINE_BYTES - 2) + b"\r\n")
    assert lines(incoming) == ["x" * (LINE_BYTES - 2)]


def test_a_line_without_an_end_ends_the_session() -> None:
    incoming = Incoming()
    incoming.feed(b"x" * (SKIPPED_BYTES + 1))
    with pytest.raises(EndlessLine):
        incoming.line()
