"""Can everyone read and use the pages, on a small phone and on a large screen?

Real Chromium; the rules of WCAG 2.1 AA are checked by axe-core, without which no page is released.
"""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from mailer.service import maintenance
from tests.conftest import FakeClock
from tests.webhook.served import Served

PHONE = {"width": 360, "height": 640}
SCREEN = {"width": 1280, "height": 800}
AA = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}}
SMALLEST_TEXT = 14  # CSS pixels
#: In how many lines does the Japanese heading stand? A lone last character is no line.
HEADING_LINES = """() => {
    const words = document.createRange();
    words.selectNode(document.querySelector('h1').firstChild);
    return words.getClientRects().length;
}"""

Kind = str


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
def address(served: Served, clock: FakeClock) -> Callable[[Kind], str]:
    """Returns the address of a page of each kind; "maintenance" begins a window."""

    def of(kind: Kind) -> str:
        if kind == "maintenance":
            maintenance.plan(served.office, clock(), clock() + timedelta(hours=2), (), (), "city")
        return served.url("mother@docomo.ne.jp") if kind == "receipt" else f"{served.origin}/"

    return of


async def problems(page: Page) -> list[str]:
    """Return what axe finds wrong."""
    found = await Axe().run(page, options=AA)
    return [f"{each['id']}: {each['nodes'][0]['html'][:80]}" for each in found.response["violations"]]


async def sizes(page: Page) -> tuple[int, int, float]:
    """Return the width of the content, of the window, and the size of the smallest text, in CSS pixels."""
    width, window, smallest = await page.evaluate(
        """() => [document.documentElement.scrollWidth, window.innerWidth, Math.min(...[...document.querySelectorAll(
            'h1,h2,p,li,.text,.en')].map(each => parseFloat(getComputedStyle(each).fontSize)))]"""
    )
    return int(width), int(window), float(smallest)


@pytest.mark.parametrize("english", [False, True], ids=["ja", "en"])
@pytest.mark.parametrize(("kind", "status"), [("receipt", 200), ("missing", 404), ("maintenance", 503)])
async def test_everyone_can_read_the_page(
    chromium: Browser, served: Served, address: Callable[[Kind], str], kind: Kind, status: int, english: bool
) -> None:
    url = address(kind) if kind != "missing" else f"{served.origin}/r/{'A' * 22}"
    for viewport in (PHONE, SCREEN):
        context = await chromium.new_context(
            viewport=viewport, locale="en-US" if english else "ja-JP", java_script_enabled=True  # type: ignore[arg-type]  # a mapping of two numbers
        )  # fmt: skip
        page = await context.new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))  # noqa: B023  # used before the next round
        answer = await page.goto(url)
        assert answer is not None
        assert answer.status == status
        assert await problems(page) == []
        width, window, smallest = await sizes(page)
        assert width <= window
        assert smallest >= SMALLEST_TEXT
        assert await page.evaluate(HEADING_LINES) == 1
        assert requests == [url]
        assert await context.cookies() == []
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(242, 245, 247)"
        assert await page.locator(".en").count() == 0 or english
        await context.close()


async def test_the_page_works_without_javascript(
    chromium: Browser, served: Served, address: Callable[[Kind], str]
) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(address("receipt"))
    assert "受信を確認しました" in await page.locator("h1").inner_text()
    assert "・下校は複数で" in (await page.locator(".text").inner_text()).splitlines()
    await context.close()
