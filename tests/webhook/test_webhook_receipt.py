"""Does opening the URL confirm, show what was sent, and give nothing away?"""

import asyncio
import json
import re
import time

import httpx2
import pytest

from mailer.service import broadcast
from mailer.store.database import select
from tests.conftest import FakeClock
from tests.webhook.served import SUBJECT, Served, send
from webhook.pages import TEXT_BYTES, fitting, reads_no_japanese


def confirmed(served: Served) -> int:
    """Return how many households have confirmed the newest broadcast."""
    return int(broadcast.show(served.office, broadcast.list_()[0].id)["confirmed"])


async def test_opening_the_url_confirms_and_shows_what_was_sent(served: Served, browser: httpx2.AsyncClient) -> None:
    answer = await browser.get(served.url("father@ezweb.ne.jp"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "受信を確認しました" in answer.text
    assert "2026年4月10日（金）15:00" in answer.text
    assert SUBJECT in answer.text
    assert "滝川第二小学校からの連絡" in answer.text
    assert "・下校は複数で\n" in answer.text
    assert len(answer.content) < 20_000
    assert confirmed(served) == 1


async def test_it_is_confirmed_once_and_the_page_stays_the_same(
    served: Served, browser: httpx2.AsyncClient, clock: FakeClock
) -> None:
    first = await browser.get(served.url("mother@docomo.ne.jp"))
    clock.advance(hours=5)
    second = await browser.get(served.url("mother@docomo.ne.jp"))
    assert first.text == second.text
    assert confirmed(served) == 2
    assert select("SELECT count(*) FROM visit") == [(2,)]
    assert select("SELECT count(*) FROM receipt") == [(2,)]


async def test_the_page_comes_after_the_commit(served: Served, browser: httpx2.AsyncClient) -> None:
    for address in ("mother@docomo.ne.jp", "father@ezweb.ne.jp"):
        await browser.get(served.url(address))
        assert select("SELECT count(*) FROM visit v JOIN queue_item q ON q.id = v.item_id WHERE q.address = ?", (address,)) == [(1,)]  # fmt: skip  # noqa: E501  # one query


async def test_the_text_is_shown_as_text(served: Served, browser: httpx2.AsyncClient) -> None:
    answer = await browser.get(served.url("father@ezweb.ne.jp"))
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "href" not in answer.text
    assert "https://example.jp/a?b=1" in answer.text


async def test_nobody_is_named(served: Served, browser: httpx2.AsyncClient) -> None:
    answer = await browser.get(served.url("mother@docomo.ne.jp"))
    assert not re.search(r"mother|docomo|児童\d|保護者\d|login", answer.text)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"])
async def test_only_get_confirms(served: Served, browser: httpx2.AsyncClient, method: str) -> None:
    answer = await browser.request(method, served.url("father@ezweb.ne.jp"))
    assert answer.status_code == (200 if method == "HEAD" else 405)
    assert answer.content == b"" or method != "HEAD"
    assert confirmed(served) == 0


async def test_a_visit_is_kept_raw_and_bounded(served: Served, browser: httpx2.AsyncClient) -> None:
    headers = {"User-Agent": "KYOCERA/1.0", "Sec-Purpose": "prefetch", "Accept-Language": "ja", "Cookie": "secret=1"}
    big = {f"X-Big-{number}": "x" * 1500 for number in range(8)}
    await browser.get(served.url("father@ezweb.ne.jp"), headers={**headers, **big})
    ((method, peer, kept),) = select("SELECT method, peer, headers FROM visit")
    assert (method, peer) == ("GET", "127.0.0.1")
    assert dict(json.loads(kept))["user-agent"] == "KYOCERA/1.0"
    assert dict(json.loads(kept))["sec-purpose"] == "prefetch"
    assert "secret" not in kept
    assert len(kept) < 10_000


async def test_wrong_malformed_and_unknown_pages_look_alike(served: Served, browser: httpx2.AsyncClient) -> None:
    token = served.token("father@ezweb.ne.jp")
    wrong = "A" * 22
    paths = [
        f"/r/{wrong}",
        f"/r/{token[:-1]}",
        f"/r/{token}x",
        "/r/%00",
        "/r/%ED%A0%80",
        "/r/",
        "/r",
        "/nothing",
        "/r/..%2f",
    ]
    answers = [await browser.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.text for answer in answers} == {answers[0].text}
    assert "ページが見つかりません" in answers[0].text
    assert select("SELECT count(*) FROM visit") == [(0,)]


async def test_right_and_wrong_tokens_are_answered_at_the_same_tick(
    served: Served, browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.receipt.TICK_SECONDS", 0.2)
    for token in (served.token("father@ezweb.ne.jp"), "A" * 22):
        began = time.monotonic()
        await browser.get(f"/r/{token}")
        assert time.monotonic() - began > 0.19


async def test_a_hundred_people_at_once_are_all_answered(served: Served, browser: httpx2.AsyncClient) -> None:
    urls = [served.url("mother@docomo.ne.jp"), served.url("father@ezweb.ne.jp")] * 50
    answers = await asyncio.gather(*(browser.get(url) for url in urls))
    assert {answer.status_code for answer in answers} == {200}
    assert select("SELECT count(*) FROM visit") == [(100,)]


async def test_after_twenty_wrong_tokens_a_minute_only_right_ones_are_answered(
    served: Served, browser: httpx2.AsyncClient
) -> None:
    answers = [await browser.get(f"/r/{number:022}") for number in range(22)]
    assert [answer.status_code for answer in answers] == [404] * 20 + [429] * 2
    assert answers[-1].headers["retry-after"] == "60"
    assert (await browser.get(served.url("father@ezweb.ne.jp"))).status_code == 200


async def test_a_page_of_a_long_text_stays_small(served: Served, browser: httpx2.AsyncClient) -> None:
    text = "長い文<&>" * 3000
    send(served.office, "t-kouryoj", "t-daini", text=text)
    ((url,),) = select("SELECT max(id) FROM queue_item WHERE address = 'father@ezweb.ne.jp'")
    from mailer.domain.receipt import token

    answer = await browser.get(f"/r/{token(served.office.receipt_key, url)}")
    assert len(answer.content) < 20_000
    assert "続きは、届いたメールでご覧ください。" in answer.text


@pytest.mark.parametrize(
    ("asked", "english"),
    [
        ("", False),
        ("ja,en-US;q=0.7", False),
        ("en-US,ja;q=0.5", False),
        ("en-US,en", True),
        ("pt-BR", True),
        ("*", False),
    ],
)
async def test_who_reads_no_japanese_gets_english_below(
    served: Served, browser: httpx2.AsyncClient, asked: str, english: bool
) -> None:
    answer = await browser.get(served.url("father@ezweb.ne.jp"), headers={"Accept-Language": asked})
    assert "受信を確認しました" in answer.text
    assert ("Your receipt is confirmed" in answer.text) is english
    assert reads_no_japanese(asked) is english


def test_a_text_is_cut_between_characters() -> None:
    assert fitting("短い") == ("短い", False)
    shown, cut = fitting("あ" * TEXT_BYTES)
    assert cut
    assert len(shown) == TEXT_BYTES // 3
