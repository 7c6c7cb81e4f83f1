"""What happens when a guardian opens the URL in a mail?

Opening it confirms (the FAQ promises that this suffices); the page comes after the commit. Every visit is kept raw,
with its headers, so that people and machines can be told apart later (N7). A wrong, a malformed and an expired token
take the same way and look alike; only how many of them came from one address makes a difference. What is left of a
difference in time between wrong and right ones ends at the next tick: answers leave whole ticks after their request.
"""

import asyncio
from collections.abc import Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response

from mailer.service.receipt import VisitFacts
from webhook.desk import Desk
from webhook.guesses import Guesses
from webhook.pages import Pages

HEADER_BYTES = 8 * 1024
VALUE_BYTES = 1024
RETRY_SECONDS = 60
TICK_SECONDS = 0.01


class ReceiptUrl:
    """The pages behind `/r/{token}`; `monotonic` counts seconds."""

    def __init__(self, desk: Desk, pages: Pages, monotonic: Callable[[], float]) -> None:
        self._desk = desk
        self._pages = pages
        self._guesses = Guesses()
        self._monotonic = monotonic

    async def answer(self, request: Request) -> Response:
        """Record the visit and show what was sent, at the next tick."""
        began = self._monotonic()
        answer = await self._answer(request)
        await asyncio.sleep((began - self._monotonic()) % TICK_SECONDS)
        return answer

    async def _answer(self, request: Request) -> Response:
        page = await self._desk.visit(request.path_params["token"], self._facts(request))
        if page is not None:
            return self._pages.receipt(request.scope, page)
        if self._guesses.too_many(_peer(request), self._monotonic()):
            retry = {"retry-after": str(RETRY_SECONDS)}
            return self._pages.message("patience", 429, scope=request.scope, headers=retry)
        return self._pages.message("missing", 404, scope=request.scope)

    def _facts(self, request: Request) -> VisitFacts:
        return VisitFacts(
            at=self._desk.office.clock(),
            method=request.method,
            peer=_peer(request),
            headers=kept_headers(request.headers.raw),
        )


def kept_headers(raw: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return the headers that a visit keeps, in order and at most 8 KB of them."""
    kept: list[tuple[str, str]] = []
    left = HEADER_BYTES
    for name, value in raw:
        pair = (name.decode("latin-1"), value[:VALUE_BYTES].decode("latin-1"))
        left -= len(pair[0]) + len(pair[1])
        if left < 0:
            break
        kept.append(pair)
    return kept


def _peer(request: Request) -> str:
    return request.client.host if request.client else "unknown"
