"""Is a mail refused that has gone round in circles, and no other?"""

import pytest

from mailer.net.inbound_hops import HEAD_OCTETS, loops
from tests.inbound.port25 import VERP, Client, Port25

HOP = b"Received: from a.example by b.example; Fri, 10 Apr 2026 06:00:00 +0000\r\n"


@pytest.mark.parametrize(
    ("content", "yes"),
    [
        (HOP * 100 + b"Subject: x\r\n\r\n", True),
        (HOP.replace(b"Received: from", b"RECEIVED :\r\n from") * 100 + b"\r\n", True),
        (HOP * 99 + b"\r\n", False),
        (b"Subject: x\r\n\r\n" + HOP * 200, False),
        (b"X-Received: a\r\n" * 200 + b"\r\n", False),
        (b"Subject: Received: x\r\n" * 200, False),
        (b"", False),
    ],
)
def test_only_hops_in_the_header_are_counted(content: bytes, yes: bool) -> None:
    assert loops(content) is yes


def test_what_is_looked_at_has_room_for_long_hops() -> None:
    assert loops((HOP[:-2] + b"x" * 500 + b"\r\n") * 100 + b"\r\n")
    assert len((HOP[:-2] + b"x" * 500 + b"\r\n") * 100) < HEAD_OCTETS


async def test_a_mail_that_loops_is_refused_and_the_next_one_taken(port25: Port25, peer: Client) -> None:
    async def hand_over(content: bytes) -> str:
        await peer.say("MAIL FROM:<a@b.example>", f"RCPT TO:<{VERP.make(7)}>", "DATA")
        assert [(await peer.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        await peer.send(content)
        return await peer.ask("", "x", ".")

    assert await hand_over(HOP * 100) == "554 5.4.6 Too many hops: this mail goes round in circles"
    assert await hand_over(HOP * 20) == "250 2.0.0 Ok: kept as M1"
    assert len(port25.mails) == 1
