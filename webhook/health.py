"""Does this process serve, and does the store answer?

`/healthz` for monitoring: 200 when a read works, the last write did and there is room for more, else 503. Maintenance
does not change it.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from webhook.desk import Desk, Unavailable


class Health:
    """The page behind `/healthz`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, request: Request) -> Response:
        """Look, and say what was found."""
        try:
            window = await self._desk.window()
            short = await self._desk.is_short_of_room()
        except Unavailable:
            return JSONResponse({"status": "failing", "store": "does not answer"}, 503)
        if self._desk.failure() is not None:
            return JSONResponse({"status": "failing", "store": "refuses writes"}, 503)
        if short:
            return JSONResponse({"status": "failing", "store": "has no room"}, 503)
        return JSONResponse({"status": "ok", "store": "ok", "maintenance": window is not None})
