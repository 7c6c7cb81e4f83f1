"""How does a page reach what the service keeps?

Pages run on the event loop, the service on threads: what writes goes through the one writer and comes back after its
commit, what only reads has a thread of its own. A store that fails or keeps a reader waiting is `Unavailable`, so that
a page can say so before the connection is given up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from mailer.domain.maintenance import Window
from mailer.service import maintenance, receipt, status
from mailer.service.office import Office

Result = TypeVar("Result")
PATIENCE_SECONDS = 20.0


class Unavailable(Exception):
    """The store did not do what a page needs; coming back later helps."""


class Writer(Protocol):
    """The store's one writer, as far as pages know it."""

    failure: Exception | None

    async def do(self, work: Callable[[], Any]) -> Any:
        """Do the work in the next shared transaction; come back after its commit."""


class Desk:
    """What pages may ask for; `failures` are the exceptions of a store that fails."""

    def __init__(self, office: Office, writer: Writer, failures: tuple[type[Exception], ...]) -> None:
        self.office = office
        self._writer = writer
        self._failures: tuple[type[Exception], ...] = (TimeoutError, *failures)
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")

    async def visit(self, token: str, facts: receipt.VisitFacts) -> receipt.ReceiptPage | None:
        """Record a visit and return what its page shows, or None for a token that is none of ours."""
        return await self._answered(self._writer.do(lambda: receipt.visit(self.office, token, facts)))

    async def window(self) -> Window | None:
        """Return the maintenance window that runs now, or None."""
        loop = asyncio.get_running_loop()
        look = partial(maintenance.current, self.office.clock())
        return await self._answered(loop.run_in_executor(self._reader, look))

    async def is_short_of_room(self) -> bool:
        """Tell whether so little room is left for the store that nothing new is begun."""
        loop = asyncio.get_running_loop()
        return await self._answered(loop.run_in_executor(self._reader, status.is_short_of_room))

    def failure(self) -> Exception | None:
        """Return the last error of the store's writer, if it stands."""
        return self._writer.failure

    def close(self) -> None:
        """Let go of the reading thread."""
        self._reader.shutdown()

    async def _answered(self, answer: Awaitable[Result]) -> Result:
        """Wait for the store; what was handed to the writer is done even if nobody waits any longer."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await answer
        except self._failures as error:
            raise Unavailable(str(error) or "the store is busy") from error
