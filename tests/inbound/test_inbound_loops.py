"""Does port 25 do the same on uvloop, which the services use where it is installed?"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from mailer.net.inbound_doors import Limits
from tests.inbound.port25 import VERP, Port25

LIMITS = Limits(greeting_seconds=0.01, seconds=0.4, connections_per_address=2)
Run = Callable[[Coroutine[None, None, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine on a loop of this kind."""
    factory = asyncio.new_event_loop
    if request.param == "uvloop":
        factory = pytest.importorskip("uvloop").new_event_loop

    def on_loop(work: Coroutine[None, None, None]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(work)

    return on_loop


def test_mail_is_taken_the_crowd_turned_away_and_the_idle_cut(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        port25 = Port25(tmp_path)
        async with port25.open(LIMITS):
            sender, idle = await port25.hello(), await port25.hello()
            crowd = await port25.connect(greeted=False)
            assert (await crowd.rest()).startswith(b"421 4.7.0")
            await sender.say("MAIL FROM:<>", f"RCPT TO:<{VERP.make(7)}>", "DATA")
            assert [(await sender.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
            assert await sender.ask("x", ".") == "250 2.0.0 Ok: kept as M1"
            assert await sender.ask("QUIT") == "221 2.0.0 Bye"
            assert await idle.rest() == b"421 4.4.2 Too slow, closing\r\n"
        assert [content for _, content in port25.mails] == [b"x\r\n"]

    with caplog.at_level(logging.WARNING, "mailer.net.inbound_conversation"):
        run(work())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_peer_who_vanishes_is_no_fault_of_ours(run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        port25 = Port25(tmp_path)
        async with port25.open(LIMITS) as inbound:
            peer = await port25.hello()
            await peer.say(*["NOOP"] * 90)
            peer.writer.transport.abort()
            await asyncio.sleep(0.05)
            waiting = await port25.hello()
            closing = asyncio.create_task(inbound.close(5))
            assert (await waiting.rest()).startswith(b"421 4.3.2")
            await closing

    run(work())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
