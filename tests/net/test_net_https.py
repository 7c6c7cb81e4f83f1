"""Is a text fetched only from whom it must come, and only as much as may come?"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable

import pytest
import trustme

from mailer.net import https
from mailer.net.https import Fetcher, FetchFailed
from mailer.net.resolver import Resolver
from mailer.rehearsal.dns import DnsServer, Records

HOST = "mta-sts.town.example"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
CA = trustme.CA()


def answer(body: bytes, head: bytes = HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


@contextlib.asynccontextmanager
async def served(reply: bytes, *, name: str = HOST, ca: trustme.CA = CA, hang: bool = False) -> AsyncIterator[Fetcher]:
    """Serve one reply to whatever is asked, and give a fetcher that finds the server."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(tls)
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(reply)
            await writer.drain()
            if hang:
                await reader.read()
        writer.close()

    dns = DnsServer({HOST: Records(a=("127.0.79.9", "127.0.79.1"))})
    await dns.start()
    server = await asyncio.start_server(talk, "127.0.79.1", 0, ssl=tls)
    monotonic = asyncio.get_running_loop().time
    resolver = Resolver([("127.0.0.1", dns.port)], timeout=5.0, lifetime=5.0, monotonic=monotonic)
    trusted = ssl.create_default_context()
    CA.configure_trust(trusted)
    async with server:
        yield Fetcher(resolver, trusted, lambda _: True, server.sockets[0].getsockname()[1])
    await dns.stop()
    assert all(line.startswith(b"GET /policy.txt HTTP/1.1\r\nHost: mta-sts.town.example\r\n") for line in asked)


async def test_a_text_is_fetched_from_the_first_address_that_answers() -> None:
    async with served(answer(b"hello\r\n")) as fetcher:
        assert await fetcher.fetch(HOST, "/policy.txt") == "hello\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        HEAD + b"\r\nhello",
        answer(b"hello", HEAD.replace(b"1.1", b"1.0")),
    ],
)
async def test_every_way_to_end_a_text(reply: bytes) -> None:
    async with served(reply) as fetcher:
        assert await fetcher.fetch(HOST, "/policy.txt") == "hello"


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (answer(b"", b"HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n"), "sts-policy-fetch-error"),
        (answer(b"hello", b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"), "sts-policy-fetch-error"),
        (answer(b"hello", HEAD.replace(b"plain", b"html")), "sts-policy-invalid"),
        (answer(b"hello", b"HTTP/1.1 200 OK\r\n"), "sts-policy-invalid"),
        (answer(b"hello", HEAD + b"Content-Encoding: gzip\r\n"), "sts-policy-invalid"),
        (answer(b"x" * (64 * 1024 + 1)), "sts-policy-invalid"),
        (HEAD + b"\r\n" + b"x" * 200_000, "sts-policy-invalid"),
        (HEAD + b"X: " + b"x" * 30_000 + b"\r\n\r\nhello", "sts-policy-invalid"),
        (answer(b"\xff\xfe"), "sts-policy-invalid"),
        (answer(b"hello")[:-2], "sts-policy-fetch-error"),
        (b"220 mx ESMTP\r\n", "sts-policy-fetch-error"),
        (b"", "sts-policy-fetch-error"),
    ],
)
async def test_what_is_no_plain_text_of_a_bearable_size_is_refused(reply: bytes, word: str) -> None:
    async with served(reply) as fetcher:
        with pytest.raises(FetchFailed) as caught:
            await fetcher.fetch(HOST, "/policy.txt")
    assert caught.value.word == word


@pytest.mark.parametrize(
    "begun",
    [HEAD + b"X: ", HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: "],
    ids=["a header", "a trailer"],
)
async def test_a_line_that_does_not_end_is_read_only_so_far(begun: bytes) -> None:
    async with served(begun + b"x" * 100_000, hang=True) as fetcher:
        with pytest.raises(FetchFailed, match="longer than"):
            await fetcher.fetch(HOST, "/policy.txt")


@pytest.mark.parametrize(("name", "ca"), [("other.example", CA), (HOST, trustme.CA())])
async def test_who_is_not_trusted_is_not_listened_to(name: str, ca: trustme.CA) -> None:
    async with served(answer(b"hello"), name=name, ca=ca) as fetcher:
        with pytest.raises(FetchFailed) as caught:
            await fetcher.fetch(HOST, "/policy.txt")
    assert caught.value.word == "sts-webpki-invalid"


@pytest.mark.parametrize("reply", [b"", HEAD, answer(b"hello")[:-1], HEAD + b"\r\nhel"])
async def test_who_keeps_silent_is_not_waited_for(reply: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "ALL_SECONDS", 0.3)
    async with served(reply, hang=True) as fetcher:
        with pytest.raises(FetchFailed, match="in time"):
            await fetcher.fetch(HOST, "/policy.txt")


@pytest.mark.parametrize("judge", [lambda _: False])
async def test_no_address_of_our_own_network_is_asked(judge: Callable[[str], bool]) -> None:
    async with served(answer(b"hello")) as fetcher:
        inward = Fetcher(fetcher.resolver, fetcher.context, judge, fetcher.port)
        with pytest.raises(FetchFailed, match="no address"):
            await inward.fetch(HOST, "/policy.txt")


async def test_a_host_that_is_not_there() -> None:
    async with served(answer(b"hello")) as fetcher:
        with pytest.raises(FetchFailed, match="DNS"):
            await fetcher.fetch("nowhere.example", "/policy.txt")
