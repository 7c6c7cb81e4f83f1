"""What does the mailer do because the time has come?

Maintenance notices whose lead time is reached are announced, and items past their deadline end as expired. The due
times stand in the store, so a restart forgets none.
"""

import asyncio
import logging
from collections.abc import Callable

from mailer.service import dispatch, maintenance
from mailer.service.office import Office
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0


async def keep_time(office: Office, writer: Writer) -> None:
    """Do what is due once a second until cancelled. A failure is logged and tried again at the next tick."""
    while True:
        await _tried(writer, "maintenance notices", lambda: maintenance.announce_due(office, office.clock()))
        await _tried(writer, "expired items", lambda: dispatch.expire(office, office.clock()))
        await asyncio.sleep(TICK_SECONDS)


async def _tried(writer: Writer, what: str, work: Callable[[], object]) -> None:
    try:
        done = await writer.do(work)
    except Exception as error:
        # The next tick does it: what is due stays due in the store.
        log.error("%s: %s", what, error)
    else:
        if done:
            log.info("%s: %s", what, done)
