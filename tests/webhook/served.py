"""How does a test serve the pages? On loopback, by the server of the product, over the test's real store."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mailer.domain.receipt import token
from mailer.service import broadcast
from mailer.service.broadcast import BroadcastRequest
from mailer.service.office import Office
from mailer.store.database import select
from mailer.store.failure import FAILURES
from mailer.store.writer import Writer
from webhook.app import serve
from webhook.desk import Desk
from webhook.site import site

SUBJECT = "【緊急】不審者情報"
TEXT = (
    "本日15時ごろ、江部乙町で不審者が目撃されました。\n\n"
    "・下校は複数で\n"
    "詳しくは https://example.jp/a?b=1 へ <script>alert(1)</script>"
)


@dataclass(frozen=True)
class Served:
    """A served site: its origin, and what stands behind it."""

    origin: str
    port: int
    office: Office
    writer: Writer

    def url(self, address: str) -> str:
        """Return the receipt URL that was sent to an address."""
        return f"{self.origin}/r/{self.token(address)}"

    def token(self, address: str) -> str:
        """Return the receipt token that was sent to an address."""
        ((item_id,),) = select("SELECT id FROM queue_item WHERE address = ?", (address,))
        return token(self.office.receipt_key, item_id)

    async def raw(self, data: bytes, *, wait: bool = True) -> bytes:
        """Send bytes on a connection of their own; return what comes until the other side closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            async with asyncio.timeout(10):
                return await reader.read() if wait else await reader.read(65536)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async def head(self, *fields: str, target: str = "/", method: str = "GET", host: str = "127.0.0.1") -> bytes:
        """Send a request with these header fields and return the whole answer."""
        lines = [f"{method} {target} HTTP/1.1", *([f"Host: {host}"] if host else []), "Connection: close", *fields]
        return await self.raw("".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1"))


@asynccontextmanager
async def serving(office: Office) -> AsyncIterator[Served]:
    """Serve until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    writer = Writer()
    desk = Desk(office, writer, FAILURES)
    ready, stop = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(serve(site(desk, origin), [listener], ready.set, stop))
    await ready.wait()
    try:
        yield Served(origin, port, office, writer)
    finally:
        stop.set()
        await running
        desk.close()
        await asyncio.to_thread(writer.close)


def send(office: Office, *schools: str, text: str = TEXT) -> str:
    """Send a broadcast with receipt URLs and return its id."""
    request = BroadcastRequest(schools, SUBJECT, text, receipt=True, urgent=True, actor="校長")
    return broadcast.send(office, request).id
