"""How is the web put together?

The one place where the configuration, the store and the pages meet. This process holds no DKIM key and never speaks
SMTP. uvicorn runs inside our loop, on our sockets, under our signals.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from socket import socket

import uvicorn
from starlette.types import ASGIApp

from config import Settings
from mailer.appliance import open_office
from mailer.net.sockets import listening
from mailer.store.failure import FAILURES
from mailer.store.writer import Writer
from webhook.desk import Desk
from webhook.guard import GuardedProtocol
from webhook.site import site

KEEP_ALIVE_SECONDS = 5
GRACE_SECONDS = 10


async def run(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve the pages until `stop` is set; `ready` is called once they can be opened."""
    office = open_office(settings, needs=())
    writer = Writer()
    desk = Desk(office, writer, FAILURES)
    try:
        sockets = listening("web", settings.web.listen)
        await serve(site(desk, settings.web.base_url), sockets, ready, stop)
    finally:
        desk.close()
        await asyncio.to_thread(writer.close)


async def serve(app: ASGIApp, sockets: Sequence[socket], ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run an application on these sockets until `stop` is set, then let requests under way end."""
    server = Server(app, ready)
    serving = asyncio.create_task(server.serve(sockets=list(sockets)))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    await serving


class Server(uvicorn.Server):
    """uvicorn as a part of our process."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=GuardedProtocol,
                ws="none",
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                access_log=False,
                log_config=None,
                log_level="error",
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process that runs us."""
        yield
