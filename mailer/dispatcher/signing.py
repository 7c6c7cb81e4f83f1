"""Who writes and signs mail while the loop speaks?

Threads: RSA lets go of the interpreter, so all cores work. Jobs go to them by the handful.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from mailer.dispatcher.job import Job

log = logging.getLogger(__name__)

#: One more than there are cores: while one waits for the interpreter, another signs.
THREADS = (os.cpu_count() or 1) + 1
#: Few enough that the first mail of a claim leaves soon, enough that handing over between threads costs little.
TOGETHER = 40


class Signing:
    """Writes the contents of jobs beside the loop; `write` makes one."""

    def __init__(self, write: Callable[[Job], bytes]) -> None:
        self._write = write
        self._threads = ThreadPoolExecutor(THREADS, "signing")
        self._under_way: set[asyncio.Task[None]] = set()

    def write(self, jobs: Sequence[Job], done: Callable[[Sequence[Job]], None]) -> None:
        """Have the contents of jobs written; `done` gets them handful by handful. One without content has failed."""
        for start in range(0, len(jobs), TOGETHER):
            task = asyncio.create_task(self._written(jobs[start : start + TOGETHER], done))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Return when everything asked for is written."""
        await asyncio.gather(*self._under_way)
        self._threads.shutdown()

    async def _written(self, jobs: Sequence[Job], done: Callable[[Sequence[Job]], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, self._write_all, jobs)
        done(jobs)

    def _write_all(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            try:
                job.content = self._write(job)
            except Exception:
                log.exception("the mail of %s cannot be made", job.claimed.queue_id)
