"""How do many small writes share one flush to the disk?

One thread owns the connection. Whatever is submitted while a commit runs is carried out in the next
one, all in a single transaction; each caller is answered only after that commit (attacks P1: never
acknowledge before the sync). A write that fails takes only itself down: the batch is then repeated one
by one.

`Writer.failure` holds the last error of the store itself until a commit succeeds again: while it stands,
nobody should begin work whose end could not be written down. As nobody may then write, the thread itself
tries every `TRY_SECONDS` whether the store takes a write again (attacks P5: recovery without a person).
What is much is done by `repeat`, handful by handful.
While `has_room` is false nobody should begin work either: what room is left is for what is under way.
After a flush to the disk has failed, the cache may hold what the disk lost: the store is opened anew at once, so that
what is under way can still be written down, and the process is asked to end, to be started again (attacks P4).
"""

import asyncio
import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from mailer.store.database import prove_writable, transaction
from mailer.store.failure import FAILURES, flush_failed, is_locked
from mailer.store.identity import StoreFile
from mailer.store.models import database
from mailer.store.space import is_short

log = logging.getLogger(__name__)

Result = TypeVar("Result")
_Job = tuple[Callable[[], Any], "Future[Any]"]
BATCH = 500
TRY_SECONDS = 2.0
#: How many times as long as a handful took it rests after it, and at least so many seconds.
REST, LEAST_REST = 2, 0.01


def end_in_order() -> None:
    """Ask this process to end as a service manager would."""
    os.kill(os.getpid(), signal.SIGTERM)


class Writer:
    """The one thread through which a process writes to the store; `end` asks the process to end."""

    def __init__(self, end: Callable[[], object] = end_in_order) -> None:
        self.failure: Exception | None = None
        self.has_room = True
        self._end = end
        self._ending = False
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], Result]) -> "Future[Result]":
        """Have `work` done inside the next shared transaction; the future ends after its commit."""
        future: Future[Result] = Future()
        # What was submitted is done: a caller who loses interest must not be able to cancel it, nor stop this thread.
        future.set_running_or_notify_cancel()
        with self._wake:
            if self._closing:
                raise RuntimeError("the store's writer is closed")
            self._jobs.append((work, future))
            self._wake.notify()
        return future

    async def do(self, work: Callable[[], Result]) -> Result:
        """Like `submit`, awaited. A caller that goes away does not undo the work."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    async def repeat(self, work: Callable[[], int]) -> int:
        """Have much `work` done by handfuls, until it returns nought; return the sum. Each is a commit of its own.

        Between two it rests longer than one took, so that whoever else wants to write comes first.
        """
        now = asyncio.get_running_loop().time
        done, began = 0, now()
        while now_done := await self.do(work):
            done += now_done
            await asyncio.sleep(max(LEAST_REST, REST * (now() - began)))
            began = now()
        return done

    def close(self) -> None:
        """Finish what was submitted, then end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    @cached_property
    def _file(self) -> StoreFile:
        return StoreFile(Path(database.obj.database))

    def _run(self) -> None:
        while batch := self._next_batch():
            self._commit(batch)
        if not database.is_closed():
            database.close()

    def _next_batch(self) -> list[_Job]:
        with self._wake:
            pause = None if self.failure is None and self.has_room else TRY_SECONDS
            if not self._wake.wait_for(lambda: self._jobs or self._closing, pause):
                return [(prove_writable, Future())]
            return [self._jobs.popleft() for _ in range(min(BATCH, len(self._jobs)))]

    def _commit(self, batch: list[_Job]) -> None:
        try:
            self._file.must_stand()
            self._look_for_room()
            with transaction():
                results = [work() for work, _ in batch]
        except Exception as error:
            if flush_failed(error):
                self._open_anew(error)
            if is_locked(error):
                self._fail(batch, error)
            else:
                self._one_by_one(batch, error)
        else:
            self.failure = None
            for (_, future), result in zip(batch, results, strict=True):
                future.set_result(result)

    def _look_for_room(self) -> None:
        """Say once when there is too little room to begin anything, and once when there is enough again."""
        place = self._file.path.parent
        if self.has_room == is_short(place):
            self.has_room = not self.has_room
            if self.has_room:
                log.warning("%s: there is room again", place)
            else:
                log.critical("%s: too little room is left; no more mail is begun until there is more", place)

    def _one_by_one(self, batch: list[_Job], error: Exception) -> None:
        if len(batch) == 1:
            self._fail(batch, error)
            return
        for job in batch:
            self._commit([job])

    def _fail(self, batch: list[_Job], error: Exception) -> None:
        if isinstance(error, FAILURES):
            self.failure = error
        for _, future in batch:
            future.set_exception(error)

    def _open_anew(self, error: Exception) -> None:
        if not self._ending:
            self._ending = True
            log.critical("the disk did not keep what was written; this process ends to be started again: %s", error)
            self._end()
        try:
            database.close()
        except FAILURES as trouble:
            log.error("the store cannot be closed: %s", trouble)
