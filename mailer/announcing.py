"""Who writes a notice to everyone, and how fast?

The mailer's parent, of which there is one. Between two handfuls it rests several times as long as one took, so that
whoever else wants to write comes first: a command that sends an urgent broadcast, the workers, port 25.
"""

import asyncio
import logging
from functools import partial

from mailer.clock import elapsed
from mailer.service import announcing
from mailer.service.office import Office
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
#: A share of the time: a handful, then so many times its length for others.
REST, LEAST_REST = 2, 0.01


async def keep_announcing(office: Office, writer: Writer) -> None:
    """Write what was begun to be announced, until cancelled; after a failure it goes on a moment later."""
    while True:
        try:
            await announce_all(office, writer)
        except Exception as error:
            log.error("what was begun to be announced cannot be written now: %s", error)
        await asyncio.sleep(LOOK_SECONDS)


async def announce_all(office: Office, writer: Writer) -> None:
    """Write all that was begun to be announced."""
    began = elapsed()
    while await writer.do(partial(announcing.go_on, office)):
        await asyncio.sleep(max(LEAST_REST, REST * (elapsed() - began)))
        began = elapsed()
