"""Who writes a notice to everyone, and when?

The mailer's parent, of which there is one: it looks once a second what was begun. On a disk that is nearly full it
waits: what room is left is for what is under way.
"""

import asyncio
import logging

from mailer.service import announcing
from mailer.service.office import Office
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class Announcer:
    """Writes what was begun to be announced; `trouble` says why it cannot, or is empty."""

    def __init__(self, office: Office, writer: Writer) -> None:
        self.trouble = ""
        self._office = office
        self._writer = writer

    async def keep(self) -> None:
        """Write until cancelled; after a failure it goes on a moment later."""
        while True:
            try:
                await self._writer.repeat(self._go_on)
                self.trouble = ""
            except Exception as error:
                self.trouble = str(error)
                log.error("what was begun to be announced cannot be written now: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    def _go_on(self) -> bool:
        return self._writer.has_room and bool(announcing.go_on(self._office))
