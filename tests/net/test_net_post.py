"""Is a file posted whole, only to whom it may be, and only a 2xx taken for "taken"?"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import trustme

from mailer.net import post
from mailer.net.handshake import any_certificate
from mailer.net.post import NotTaken, Poster
from mailer.net.resolver import Resolver
from mailer.rehearsal.dns import DnsServer, Records

HOST = "reports.town.example"
KIND = "application/tlsrpt+gzip"
BODY = bytes(range(256)) * 40
TAKEN = b"HTTP/1.1 201 Created\r\n\r\n"


@dataclass
class Far:
    """A web server that gives one answer, and who posts to it."""

    answer: bytes
    poster: Poster = field(init=False)
    port: int = 0
    asked: list[bytes] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            self.asked.append(await reader.readexactly(len(BODY)))
            writer.write(self.answer)
            await writer.drain()
            if not self.answer:
                await reader.read()
        writer.close()

    async def post(self, path: str = "/v1/tls?x=1", host: str = HOST) -> None:
        """Post the file."""
        await self.poster.post(f"https://{host}:{self.port}{path}", KIND, BODY)


@contextlib.asynccontextmanager
async def served(answer: bytes, permitted: bool = True) -> AsyncIterator[Far]:
    """Serve one answer to whatever is asked, with a certificate that nobody knows."""
    far = Far(answer)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("another.example").configure_cert(tls)
    dns = DnsServer({HOST: Records(a=("127.0.79.19", "127.0.79.11"))})
    await dns.start()
    monotonic = asyncio.get_running_loop().time
    resolver = Resolver([("127.0.0.1", dns.port)], timeout=5.0, lifetime=5.0, monotonic=monotonic)
    far.poster = Poster(resolver, any_certificate(), lambda _: permitted)
    async with await asyncio.start_server(far.talk, "127.0.79.11", 0, ssl=tls) as server:
        far.port = server.sockets[0].getsockname()[1]
        yield far
    await dns.stop()


async def test_a_file_is_one_whole_request_whatever_the_certificate() -> None:
    async with served(TAKEN) as far:
        await far.post()
        head, body = far.asked
    assert body == BODY
    lines = head.decode().splitlines()
    assert lines[0] == "POST /v1/tls?x=1 HTTP/1.1"
    fields = {f"Host: {HOST}:{far.port}", f"Content-Type: {KIND}", f"Content-Length: {len(BODY)}", "Connection: close"}
    assert fields <= set(lines)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: https://reports.town.example/\r\n\r\n", "HTTP status 302"),
        (b"HTTP/1.1 500 No\r\n\r\n", "HTTP status 500"),
        (b"220 mx.town.example ESMTP\r\n", "no answer of a web server"),
        (b"HTTP/1.1 2", "no answer of a web server"),
        (b"x" * 10_000, "no answer of a web server"),
    ],
)
async def test_anything_else_is_not_taken(answer: bytes, why: str) -> None:
    async with served(answer) as far:
        with pytest.raises(NotTaken, match=why):
            await far.post()


async def test_a_mute_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "ALL_SECONDS", 0.2)
    async with served(b"") as far:
        with pytest.raises(NotTaken, match=r"no answer within 0\.2 s"):
            await far.post()


async def test_our_own_network_is_not_asked() -> None:
    async with served(TAKEN, permitted=False) as far:
        with pytest.raises(NotTaken, match="no address that may be asked"):
            await far.post()
        assert far.asked == []


async def test_a_host_that_is_not_there() -> None:
    async with served(TAKEN) as far:
        with pytest.raises(NotTaken, match="the DNS gave no address"):
            await far.post(host="nobody.example")
