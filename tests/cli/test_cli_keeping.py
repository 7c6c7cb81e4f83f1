"""Does what goes on beside a service go on, whatever happens to it?"""

import asyncio
import logging
from functools import partial

import pytest

from mailer import keeping as kept
from mailer.keeping import keeping
from tests.dispatcher.town import until


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the pauses."""
    monkeypatch.setattr(kept, "FIRST_PAUSE_SECONDS", 0.001)


async def fail(seen: list[str], name: str) -> None:
    """Look once, and fail."""
    seen.append(name)
    await asyncio.sleep(0)
    raise KeyError(name)


async def look(seen: list[str]) -> None:
    """Look until cancelled."""
    try:
        while True:
            seen.append("look")
            await asyncio.sleep(0.001)
    finally:
        seen.append("over")


async def test_one_that_fails_is_said_and_begun_anew_and_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    async with asyncio.timeout(5), keeping(partial(fail, seen, "alarms"), partial(look, seen)):
        await until(lambda: min(seen.count("alarms"), seen.count("look")) >= 3)
    assert seen[-1] == "over"
    said = caplog.records[0]
    assert (said.levelno, said.getMessage()[:11]) == (logging.CRITICAL, "fail failed")
    assert said.exc_info is not None


async def test_one_that_is_done_is_done() -> None:
    seen: list[str] = []

    async def done() -> None:
        seen.append("done")

    async with keeping(done):
        await asyncio.sleep(0.02)
    assert seen == ["done"]


async def test_what_goes_wrong_in_the_block_is_told_and_ends_them() -> None:
    seen: list[str] = []

    async def serve() -> None:
        async with keeping(partial(look, seen)):
            await asyncio.sleep(0.005)
            raise ValueError("block")

    with pytest.raises(ValueError, match="block"):
        await serve()
    assert seen[-1] == "over"
