"""What do readers see while maintenance goes on?

Every page but the health check answers 503 with the planned end (F4, FAQ ②), and nothing is confirmed: the store may be
under the operator's hands, and a receipt that is lost after it was shown is worse than one asked for again. Whether a
window runs is asked of the store at most once in `LOOK_SECONDS`, because everyone opens the page in the same minute.
"""

import math
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from mailer.domain.maintenance import Window
from webhook.desk import Desk
from webhook.gate import HEALTH
from webhook.pages import Pages, in_both_languages

LOOK_SECONDS = 1.0


class DuringMaintenance:
    """The application, closed while a window runs; `monotonic` counts seconds."""

    def __init__(self, app: ASGIApp, desk: Desk, pages: Pages, monotonic: Callable[[], float]) -> None:
        self._app = app
        self._desk = desk
        self._pages = pages
        self._monotonic = monotonic
        self._window: Window | None = None
        self._looked_at = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        window = None if scope["path"] == HEALTH else await self._running()
        if window is None:
            await self._app(scope, receive, send)
            return
        left = (window.ends_at - self._desk.office.clock()).total_seconds()
        retry = {"retry-after": str(max(1, math.ceil(left)))}
        answer = self._pages.message(
            "maintenance",
            503,
            scope=scope,
            headers=retry,
            end=in_both_languages(window.ends_at),
            services=window.services,
        )
        await answer(scope, receive, send)

    async def _running(self) -> Window | None:
        now = self._monotonic()
        if now >= self._looked_at + LOOK_SECONDS:
            self._looked_at = now
            self._window = await self._desk.window()
        return self._window
