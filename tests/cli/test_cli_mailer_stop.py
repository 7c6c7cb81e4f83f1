"""Does a mailer that waits for the workers of an earlier one heed a stop?"""

import asyncio
from pathlib import Path

from mailer.app import unless
from mailer.liveness import alive, all_gone


async def test_a_stop_ends_the_waiting_for_an_earlier_mailers_workers(tmp_path: Path) -> None:
    stop = asyncio.Event()
    with alive(tmp_path):
        waiting = asyncio.create_task(unless(stop, all_gone(tmp_path)))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        stop.set()
        assert not await asyncio.wait_for(waiting, 5)


async def test_once_they_are_gone_it_goes_on(tmp_path: Path) -> None:
    with alive(tmp_path):
        waiting = asyncio.create_task(unless(asyncio.Event(), all_gone(tmp_path)))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, 5)
