"""Do the pages say when they come back, and is nothing confirmed meanwhile?"""

from datetime import timedelta

import httpx2
import pytest

from mailer.service import maintenance
from mailer.store.database import select
from tests.conftest import FakeClock
from tests.webhook.served import Served
from webhook.maintenance import LOOK_SECONDS


@pytest.fixture
def window(served: Served, clock: FakeClock) -> str:
    """A window of two hours that began just now."""
    planned = maintenance.plan(
        served.office, clock() - timedelta(seconds=1), clock() + timedelta(hours=2), ["受信確認"], (), "city"
    )
    return planned.window.id


@pytest.mark.parametrize("path", ["/", "/nothing", "/r/" + "A" * 22])
async def test_every_page_answers_503_with_the_planned_end(window: str, browser: httpx2.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "7200"
    assert "システムメンテナンス中です" in answer.text
    assert "2026年4月10日（金）17:00" in answer.text
    assert "受信確認" in answer.text


async def test_nothing_is_confirmed_and_health_stays_green(
    served: Served, window: str, browser: httpx2.AsyncClient
) -> None:
    assert (await browser.get(served.url("father@ezweb.ne.jp"))).status_code == 503
    assert select("SELECT count(*) FROM visit") == [(0,)]
    health = await browser.get("/healthz")
    assert (health.status_code, health.json()["maintenance"]) == (200, True)


async def test_the_pages_are_back_after_the_end(
    served: Served, window: str, browser: httpx2.AsyncClient, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.maintenance.LOOK_SECONDS", 0.0)
    assert LOOK_SECONDS <= 1
    assert (await browser.get("/")).status_code == 503
    clock.advance(hours=2, seconds=1)
    assert (await browser.get(served.url("father@ezweb.ne.jp"))).status_code == 200
