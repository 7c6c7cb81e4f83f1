"""How does what came of an attempt get written down soon and safely?

Outcomes are gathered for a moment and written in one transaction, sooner where something else is about to be written
anyway: both then share a flush to the disk. A write that fails is repeated until the store takes it: nothing is ever
dropped, be it an outcome or a claim that is given back. While some wait that the store refused, `is_safe` is false and
nobody may begin another mail (an end that cannot be written down would be sent twice).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from mailer.schedule.outcome import Outcome

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.03
AGAIN_SECONDS = 1.0
#: Item, attempt, and what came of it: None where nothing was sent, so that the claim is given back.
Settlement = tuple[int, int, Outcome | None]
#: Submits a batch at once; what it returns ends when the batch is durable.
Settle = Callable[[Sequence[Settlement]], Awaitable[object]]


class Ledger:
    """Collects settlements and has them written batch by batch."""

    def __init__(self, settle: Settle) -> None:
        self.is_safe = True
        self._settle = settle
        self._gathered: list[Settlement] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def add(self, item: int, attempt: int, outcome: Outcome | None) -> None:
        """Have one settlement written within a few hundredths of a second."""
        self._gathered.append((item, attempt, outcome))
        self._gather()

    def write(self) -> None:
        """Submit what is gathered now, unless a batch is under way: the next follows soon after it."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._writing is None and self._gathered:
            batch, self._gathered = self._gathered, []
            submitted = self._settle(batch)
            self._writing = asyncio.get_running_loop().create_task(self._see_through(batch, submitted))

    async def drained(self) -> None:
        """Return when everything gathered is written."""
        self.write()
        while self._writing is not None:
            await asyncio.shield(self._writing)
            self.write()

    def _gather(self) -> None:
        if self._alarm is None and self._writing is None:
            self._alarm = asyncio.get_running_loop().call_later(GATHER_SECONDS, self.write)

    async def _see_through(self, batch: list[Settlement], submitted: Awaitable[object]) -> None:
        while True:
            try:
                await submitted
            except Exception as error:
                # Whatever the store's trouble is, these outcomes are facts: keep them and ask again.
                self.is_safe = False
                log.error("%d outcomes cannot be written, sending pauses: %s", len(batch), error)
                await asyncio.sleep(AGAIN_SECONDS)
                submitted = self._settle(batch)
            else:
                self.is_safe = True
                break
        self._writing = None
        if self._gathered:
            self._gather()
