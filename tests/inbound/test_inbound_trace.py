"""Is what we write on top of a mail true, and ours alone?"""

from datetime import UTC, datetime

import pytest

from mailer.net.inbound_trace import Trace

AT = datetime(2026, 4, 10, 6, 0, tzinfo=UTC)


def test_an_ipv6_peer_is_written_as_a_literal() -> None:
    lines = Trace("mx.example", "2001:db8::1", "mail.example.jp", "ESMTP", AT).lines("a@b.example").decode()
    assert lines == (
        "Return-Path: <a@b.example>\r\n"
        "Received: from mx.example ([IPv6:2001:db8::1])\r\n"
        "\tby mail.example.jp with ESMTP;\r\n"
        "\tFri, 10 Apr 2026 06:00:00 +0000\r\n"
    )


@pytest.mark.parametrize("helo", ["a b;(c)", "名前", "x\r\nTo: y", "x" * 1000, ""])
def test_what_a_peer_calls_itself_writes_no_line_of_its_own(helo: str) -> None:
    lines = Trace(helo, "192.0.2.1", "mail.example.jp", "SMTP", AT).lines("").split(b"\r\n")
    assert len(lines) == 5
    assert all(len(line) <= 998 and line.isascii() for line in lines)
    assert b"(c)" not in lines[1]
