"""Is an outcome written soon, together with others, and never dropped?"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from mailer.dispatcher import ledger as ledger_module
from mailer.dispatcher.ledger import Ledger, Settlement
from mailer.schedule.outcome import Evidence, Outcome, Verdict

OUTCOME = Outcome(
    Verdict.ACCEPTED, Evidence("eod", "mx", code=250, enhanced="2.0.0", text="ok"), datetime(2026, 4, 10, tzinfo=UTC)
)


async def test_outcomes_of_a_moment_are_one_batch() -> None:
    batches: list[list[int]] = []

    def settle(batch: Sequence[Settlement]) -> "asyncio.Future[None]":
        batches.append([item for item, _, _ in batch])
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    ledger = Ledger(settle)
    for item in range(3):
        ledger.add(item, 1, OUTCOME)
    await ledger.drained()
    assert batches == [[0, 1, 2]]


async def test_a_store_that_refuses_is_asked_again_and_sending_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "AGAIN_SECONDS", 0.01)
    seen: list[bool] = []
    written: list[int] = []

    def settle(batch: Sequence[Settlement]) -> "asyncio.Future[None]":
        seen.append(ledger.is_safe)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if len(seen) < 3:
            done.set_exception(OSError("disk full"))
        else:
            written.extend(item for item, _, _ in batch)
            done.set_result(None)
        return done

    ledger = Ledger(settle)
    ledger.add(7, 1, OUTCOME)
    await ledger.drained()
    assert seen == [True, False, False]
    assert ledger.is_safe
    assert written == [7]
