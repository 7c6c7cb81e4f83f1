"""What goes on beside a service's main work as long as that does, whatever happens to it?

Timers, alarms, reports: each is a keeper, a coroutine that looks again and again and never ends by itself. One that
fails all the same must neither be missed without a word nor take the main work with it: it is logged and begun anew.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

log = logging.getLogger(__name__)

Keeper = Callable[[], Coroutine[Any, Any, None]]

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


@asynccontextmanager
async def keeping(*keepers: Keeper) -> AsyncIterator[None]:
    """Keep these going as long as the block lasts; when it ends they are cancelled, and have ended."""
    tasks = [asyncio.create_task(_kept(keeper)) for keeper in keepers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _kept(keeper: Keeper) -> None:
    """Begin a keeper anew each time it fails, after a pause that grows; one that returns is done."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return await keeper()
        except Exception:
            log.critical("%s failed, by a fault of ours; it is begun anew in %d s", _name(keeper), pause, exc_info=True)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _name(keeper: Keeper) -> str:
    work = keeper.func if isinstance(keeper, partial) else keeper
    return str(getattr(work, "__qualname__", work))
