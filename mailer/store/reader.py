"""How does a service look at the store ten times a second without standing in a writer's way?

A thread and a connection of its own that never write: SQLite's readers wait for nobody, and nobody for them.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mailer.store.database import version
from mailer.store.models import database

Result = TypeVar("Result")


class Reader:
    """The one thread through which a process looks at the store."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "store-reader")
        self._version = 0

    async def do(self, work: Callable[[], Result]) -> Result:
        """Have `work`, which only reads, done beside the loop. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def has_news(self) -> bool:
        """Tell whether anybody has written since this was asked last."""
        before, self._version = self._version, await self.do(version)
        return self._version != before

    def close(self) -> None:
        """Close the connection and end the thread."""
        self._thread.submit(database.close)
        self._thread.shutdown()
