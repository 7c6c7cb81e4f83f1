"""How does what came of an attempt get written down soon and safely?

Outcomes are gathered for a moment and written in one transaction. A write that fails is repeated until the
store takes it: an outcome is never dropped, and while outcomes wait that the store refused, `is_safe` is false
and nobody may begin another mail (an end that cannot be written down would be sent twice).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from mailer.schedule.outcome import Outcome

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.02
AGAIN_SECONDS = 1.0
Settlement = tuple[int, int, Outcome]
Settle = Callable[[Sequence[Settlement]], Awaitable[object]]


class Ledger:
    """Collects settlements (item, attempt number, outcome) and has them settled batch by batch."""

    def __init__(self, settle: Settle) -> None:
        self.is_safe = True
        self._settle = settle
        self._gathered: list[Settlement] = []
        self._writing: asyncio.Task[None] | None = None

    def add(self, item: int, attempt: int, outcome: Outcome) -> None:
        """Have one outcome written within a few hundredths of a second."""
        self._gathered.append((item, attempt, outcome))
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def drained(self) -> None:
        """Return when everything gathered is written."""
        while self._writing is not None:
            await asyncio.shield(self._writing)

    async def _write(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        while self._gathered:
            batch, self._gathered = self._gathered, []
            await self._write_batch(batch)
        self._writing = None

    async def _write_batch(self, batch: list[Settlement]) -> None:
        while True:
            try:
                await self._settle(batch)
            except Exception as error:
                # Whatever the store's trouble is, these outcomes are facts: keep them and ask again.
                self.is_safe = False
                log.error("%d outcomes cannot be written, sending pauses: %s", len(batch), error)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self.is_safe = True
                return
