"""Which pages are there, and in which order does a request pass the layers?

Gate (whose request, which headers) → body limit → maintenance → page. Nothing here redirects: a redirect would
be built from the Host header of whoever asks.
"""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from webhook.desk import Desk
from webhook.gate import HEALTH, Gate
from webhook.guard import BODY_BYTES
from webhook.health import Health
from webhook.maintenance import DuringMaintenance
from webhook.pages import Pages
from webhook.receipt import ReceiptUrl

Answer = Callable[[Request, Exception], Awaitable[Response]]


def site(desk: Desk, base_url: str) -> ASGIApp:
    """Return the application that serves guardians under `base_url`; call it inside the loop that will run it."""
    pages = Pages()
    monotonic = asyncio.get_running_loop().time

    async def home(request: Request) -> Response:
        return pages.message("home", 200, scope=request.scope)

    routes = [
        Route("/", home),
        Route(HEALTH, Health(desk).answer),
        Route("/r/{token}", ReceiptUrl(desk, pages, monotonic).answer),
    ]
    inner = Inner(routes=routes, exception_handlers={HTTPException: _friendly(pages)})
    inner.router.redirect_slashes = False
    open_pages = DuringMaintenance(inner, desk, pages, monotonic)
    return Gate(RequestBodyLimitMiddleware(open_pages, BODY_BYTES), pages, base_url)


class Inner(Starlette):
    """The pages without Starlette's outermost layer, which answers a fault and raises it again: the gate does that."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the router behind the handling of 404 and 405."""
        return ExceptionMiddleware(self.router, handlers=self.exception_handlers)


def _friendly(pages: Pages) -> Answer:
    names = {404: "missing", 405: "wrong_method"}

    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code not in names:
            return Response(status_code=error.status_code, headers=error.headers)
        return pages.message(names[error.status_code], error.status_code, scope=request.scope, headers=error.headers)

    return answer
