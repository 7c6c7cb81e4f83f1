"""Does a flood leave few lines in the log, and lines that tell how big it was?"""

import logging
from collections.abc import Callable

import pytest

from mailer.net.inbound_doors import Limits
from mailer.net.inbound_log import MOST_KEYS, Scarce
from tests.inbound.port25 import DOMAIN, Port25


def test_one_line_a_second_stands_for_all() -> None:
    lines = Scarce(1.0)
    assert [lines.admit("a", now / 10) for now in range(21)] == [1, *[0] * 9, 10, *[0] * 9, 10]


def test_one_peers_flood_hides_nobody_elses_line() -> None:
    lines = Scarce(1.0)
    assert [lines.admit(key, 0.5) for key in ("a", "a", "b", "b")] == [1, 0, 1, 0]


def test_ever_new_peers_do_not_fill_the_memory() -> None:
    lines = Scarce(1.0)
    for number in range(3 * MOST_KEYS):
        lines.admit(str(number), 0.5)
    assert len(lines._written) <= MOST_KEYS


async def test_guesses_and_short_sessions_leave_one_line_each(
    port25: Port25, limits: Callable[..., Limits], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with port25.open(limits()) as inbound:
            inbound.lines = Scarce(3600.0)
            for number in range(5):
                client = await port25.hello()
                await client.ask("MAIL FROM:<>")
                assert await client.ask(f"RCPT TO:<guess{number}@{DOMAIN}>") == "550 5.1.1 No such address here"
                await client.ask("QUIT")
                assert await client.rest() == b""
    told = [record.getMessage().split(" ")[0] for record in caplog.records if record.name.startswith("mailer.net")]
    assert told == ["NOQUEUE:", "disconnect"]
