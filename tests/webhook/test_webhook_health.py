"""Is the health check green only while the store reads and writes?"""

import asyncio

import httpx2
import pytest

from mailer.store.database import select, transaction
from mailer.store.failure import FAILURES
from mailer.store.space import RESERVE
from tests.webhook.served import Served


async def test_it_is_green_while_everything_works(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "store": "ok", "maintenance": False}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9999", "[::1]:80"])
async def test_monitoring_may_call_this_machine_what_it_likes(browser: httpx2.AsyncClient, host: str) -> None:
    assert (await browser.get("/healthz", headers={"Host": host})).status_code == 200


def fails() -> None:
    """Fail as a full disk does."""
    raise FAILURES[0]("database or disk is full")


async def test_it_is_red_while_the_store_refuses_writes(
    served: Served, browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.store.writer.TRY_SECONDS", 60.0)
    with pytest.raises(FAILURES):
        await served.writer.do(fails)
    answer = await browser.get("/healthz")
    assert (answer.status_code, answer.json()["store"]) == (503, "refuses writes")
    await served.writer.do(lambda: None)
    assert (await browser.get("/healthz")).status_code == 200


async def test_it_is_green_again_without_a_visit_once_the_store_takes_writes(
    served: Served, browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.store.writer.TRY_SECONDS", 0.01)
    with pytest.raises(FAILURES):
        await served.writer.do(fails)
    async with asyncio.timeout(10):
        while (await browser.get("/healthz")).status_code != 200:
            pass


async def test_it_is_red_while_there_is_no_room_for_the_store(
    browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr("mailer.store.space.free_octets", lambda _: RESERVE - 1)
        answer = await browser.get("/healthz")
    assert (answer.status_code, answer.json()["store"]) == (503, "has no room")
    assert (await browser.get("/healthz")).status_code == 200


async def test_a_store_that_does_not_answer_is_503_everywhere(
    served: Served, browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.service.maintenance.current", lambda *_: fails())
    health = await browser.get("/healthz")
    assert (health.status_code, health.json()["store"]) == (503, "does not answer")
    page = await browser.get("/")
    assert (page.status_code, page.headers["retry-after"]) == (503, "60")
    assert "ただいまページを表示できません" in page.text
    assert "disk" not in page.text


async def test_a_visit_that_cannot_be_stored_is_not_confirmed(
    served: Served, browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.service.receipt.visit", lambda *_: fails())
    page = await browser.get(served.url("father@ezweb.ne.jp"))
    assert page.status_code == 503
    assert "記録されていないことがあります" in page.text


async def test_a_store_that_somebody_keeps_locked_is_503_and_the_visit_counts_afterwards(
    served: Served, browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.desk.PATIENCE_SECONDS", 0.1)
    url = served.url("father@ezweb.ne.jp")
    with transaction():
        page = await browser.get(url)
        assert page.status_code == 503
        assert "ただいまページを表示できません" in page.text
        assert (await browser.get("/healthz")).status_code == 200
    await served.writer.do(lambda: None)
    assert select("SELECT count(*) FROM visit") == [(1,)]


async def test_a_fault_of_ours_is_a_page_without_its_text(
    served: Served, browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("mailer.service.receipt.visit", broken)
    page = await browser.get(served.url("father@ezweb.ne.jp"))
    assert page.status_code == 500
    assert "secret" not in page.text
    assert page.headers["x-content-type-options"] == "nosniff"
