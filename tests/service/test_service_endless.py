"""Does an attempt that a worker forgot come to an end, and one under way not?"""

import asyncio

import pytest

from mailer import app
from mailer.app import LONGEST_ATTEMPT_SECONDS, Widow
from mailer.service import broadcast, dispatch
from mailer.service.office import Office
from mailer.store.database import transaction
from mailer.store.writer import Writer
from tests.conftest import Register


async def test_only_what_is_seen_under_way_for_too_long_ends(
    office: Office, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "LOOK_FOR_ENDLESS_SECONDS", 0.01)
    register("t-daiichi", "a@docomo.ne.jp")
    request = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, True, "tester", None, None)
    broadcast.send(office, request)
    with transaction():
        (one,) = dispatch.claim(office, ["docomo.ne.jp"], 1, "worker-1")
    seconds = 100.0
    writer = Writer()
    watching = asyncio.create_task(Widow(office, writer).end_endless(lambda: seconds))
    await asyncio.sleep(0.1)
    seconds += LONGEST_ATTEMPT_SECONDS
    await asyncio.sleep(0.1)
    assert dispatch.under_way() == [(one.item_id, 1)]
    seconds += 1
    async with asyncio.timeout(10):
        while dispatch.under_way():  # noqa: ASYNC110 - the store tells nobody of its changes
            await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.to_thread(writer.close)
