"""What does the mailer do because the time has come?

Maintenance notices whose lead time is reached are announced, items past their deadline end as expired, what an
operator stopped for a time goes on, and addresses are put to rest or woken. The due times stand in the store, so a
restart forgets none. When somebody sets the machine's clock, the queue's times are set with it before anything else is
looked at: an item has as long as it was given, by the time that really went by.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from mailer.clock import LEAST_JUMP, SteadyClock
from mailer.service import dispatch, maintenance, stops, suspension, wave
from mailer.service.office import Office
from mailer.store.failure import FAILURES
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0


async def keep_time(office: Office, writer: Writer, clock: SteadyClock) -> None:
    """Do what is due once a second until cancelled; `clock` is the office's."""
    while True:
        await tick(office, writer, clock)
        await asyncio.sleep(TICK_SECONDS)


async def tick(office: Office, writer: Writer, clock: SteadyClock) -> None:
    """Do what is due now. A failure is logged and tried again at the next tick."""
    await _follow(office, writer, clock)
    await _tried(writer.do, "maintenance notices", lambda: maintenance.announce_due(office, office.clock()))
    await _tried(writer.do, "stops and holds whose time is over", lambda: stops.end_over(office))
    await _tried(writer.repeat, "expired items", lambda: dispatch.expire(office, office.clock()))
    await _tried(writer.do, "waves of refusals that are over", lambda: wave.forget(office))
    await _tried(writer.do, "addresses put to rest or woken", lambda: suspension.judge(office))


async def _follow(office: Office, writer: Writer, clock: SteadyClock) -> None:
    """Follow the machine's clock, once the queue has."""
    by = clock.set_by()
    if abs(by) >= LEAST_JUMP:
        log.warning("the machine's clock was set by %+.0f s", by.total_seconds())
        if not await _tried(writer.do, "items whose times were set with it", lambda: dispatch.set_clock(office, by)):
            return
    clock.follow()


async def _tried(do: Callable[[Callable[[], Any]], Awaitable[object]], what: str, work: Callable[[], object]) -> bool:
    """Have it done; return whether it was."""
    try:
        done = await do(work)
    except FAILURES as error:
        # The next tick does it: what is due stays due in the store.
        log.error("%s: the store does not take them, they are tried again: %s", what, error)
        return False
    except Exception:
        log.exception("%s: a fault of ours keeps them from being done, they are tried again", what)
        return False
    if done:
        log.info("%s: done: %s", what, done)
    return True
