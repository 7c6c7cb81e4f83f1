"""Who writes a notice to everyone, and when?

The mailer's parent, of which there is one: it looks once a second what was begun.
"""

import asyncio
import logging

from mailer.service import announcing
from mailer.service.office import Office
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


async def keep_announcing(office: Office, writer: Writer) -> None:
    """Write what was begun to be announced, until cancelled; after a failure it goes on a moment later."""
    while True:
        try:
            await writer.repeat(lambda: bool(announcing.go_on(office)))
        except Exception as error:
            log.error("what was begun to be announced cannot be written now: %s", error)
        await asyncio.sleep(LOOK_SECONDS)
