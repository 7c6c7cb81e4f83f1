"""How many sessions of this process spoke TLS, and how did the others fail?

`observe` is called by whoever speaks, from any thread, and only adds to numbers in memory; every few seconds, and at
the end, what came together is given to the store's writer. What the store does not take is added again later.
"""

import asyncio
import logging
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, date
from functools import partial

from mailer.clock import Clock
from mailer.report.tls import Counted, is_reportable
from mailer.service import tls_report
from mailer.smtp.tls_result import TlsResult
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
#: More different ends than that are not remembered while the store takes nothing.
MOST_KINDS = 20_000
_Key = tuple[date, TlsResult]


class Tally:
    """Counts what it is told."""

    def __init__(self, clock: Clock, writer: Writer) -> None:
        self._clock = clock
        self._writer = writer
        self._lock = threading.Lock()
        self._seen: Counter[_Key] = Counter()
        self._reasons: dict[_Key, str] = {}

    def observe(self, result: TlsResult) -> None:
        """Count one session."""
        if is_reportable(result):
            key = self._clock().astimezone(UTC).date(), replace(result, reason="")
            with self._lock:
                self._add(key, 1, result.reason)

    async def keep_counting(self) -> None:
        """Write every few seconds what came together, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Have what came together written; return once it is, or could not be."""
        with self._lock:
            seen, self._seen = self._seen, Counter()
            reasons, self._reasons = self._reasons, {}
        try:
            for day in sorted({day for day, _ in seen}):
                await self._write(day, seen, reasons)
        finally:
            with self._lock:
                for key, sessions in seen.items():
                    self._add(key, sessions, reasons[key])

    async def _write(self, day: date, seen: "Counter[_Key]", reasons: dict[_Key, str]) -> None:
        keys = [key for key in seen if key[0] == day]
        counted = [Counted(replace(key[1], reason=reasons[key]), seen[key]) for key in keys]
        # From here on it is the writer's, who does it even if this is cancelled.
        taken = [(key, seen.pop(key)) for key in keys]
        try:
            await self._writer.do(partial(tls_report.count, day, counted))
        except Exception as error:
            log.error("what became of TLS cannot be counted: %s", error)
            seen.update(dict(taken))

    def _add(self, key: _Key, sessions: int, reason: str) -> None:
        if key in self._seen or len(self._seen) < MOST_KINDS:
            self._seen[key] += sessions
            self._reasons.setdefault(key, reason)
