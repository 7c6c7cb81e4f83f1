"""Is a slow, a big and an endless request cut?"""

import asyncio
from contextlib import suppress
from threading import Event

import pytest

from tests.webhook.served import Served

GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits in tenths of a second."""
    monkeypatch.setattr("webhook.guard.REQUEST_SECONDS", 0.3)
    monkeypatch.setattr("webhook.guard.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("webhook.guard.LINGER_SECONDS", 0.2)


async def seconds_until_cut(served: Served, first: bytes, drip: bytes = b"") -> tuple[float, bytes]:
    """Send something, then drip; return how long it took to be cut, and what was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    loop = asyncio.get_running_loop()
    began = loop.time()
    writer.write(first)
    answer = b""
    with suppress(ConnectionError):
        while loop.time() < began + 5 and not reader.at_eof():
            if drip:
                writer.write(drip)
            with suppress(TimeoutError):
                answer += await asyncio.wait_for(reader.read(65536), 0.02)
    writer.close()
    return loop.time() - began, answer


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("first", "drip"),
    [
        (b"", b""),
        (b"GET / HT", b""),
        (GET, b""),
        (GET, b"x"),
        (GET + b"X-A: b\r\n", b"X-B: c\r\n"),
        (b"\r\n", b"\r\n"),
        (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (GET + b"\r\nGET / HT", b""),
        (GET + b"\r\n" + GET, b"X-B: c\r\n"),
    ],
)
async def test_a_half_sent_request_is_cut(served: Served, first: bytes, drip: bytes) -> None:
    seconds, _answer = await seconds_until_cut(served, first, drip)
    assert 0.2 < seconds < 2


@pytest.mark.usefixtures("hurried")
async def test_a_slow_head_is_told_408(served: Served) -> None:
    _seconds, answer = await seconds_until_cut(served, GET)
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.usefixtures("hurried")
async def test_a_peer_who_does_not_read_is_dropped(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1)
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport can pause

    async def ask_for_ever() -> None:
        while True:
            writer.write((GET + b"\r\n") * 500)
            await writer.drain()

    with pytest.raises((ConnectionError, TimeoutError)):
        await asyncio.wait_for(ask_for_ever(), 8)
    writer.close()
    assert not reader.at_eof()


async def test_a_connection_serves_several_requests(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    for _ in range(3):
        writer.write(GET + b"\r\n")
        assert (await reader.readuntil(b"</html>")).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    answer = await served.raw((GET + b"\r\n") * 3 + GET + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 ") == 4


async def test_nothing_behind_a_last_request_is_read_as_one(served: Served) -> None:
    answer = await served.raw(GET + b"Connection: close\r\n\r\n" + GET + b"\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (GET + b"X-A: " + b"x" * 20_000, b"431"),
        (GET + b"X-A: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
        (GET + b"".join(b"X-%d: y\r\n" % number for number in range(150)) + b"\r\n", b"431"),
        (b"GET /" + b"x" * 20_000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10000000000\r\n\r\n", b"413"),
        (b"\x16\x03\x01 this is no HTTP\r\n\r\n", b"400"),
        (b"EHLO x\r\n\r\n", b"400"),
        (
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"400",
        ),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", b"400"),
        (b"GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n", b"400"),
        (b"CONNECT evil.example:25 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"400"),
    ],
)
async def test_what_is_too_big_or_no_http_is_refused(served: Served, request_bytes: bytes, status: bytes) -> None:
    answer = await served.raw(request_bytes, wait=False)
    assert answer.startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    ("first", "endless"),
    [
        (b"", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        (b"", b"1\r\nx\r\n" * 5000),
        (b"", b"0" * 65536),
        (b"1;", b"x" * 65536),
        (b"0\r\n", b"X-A: b\r\n" * 5000),
    ],
    ids=["body", "small chunks", "chunk size", "chunk extension", "trailer"],
)
async def test_an_endless_body_is_cut(served: Served, first: bytes, endless: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST /r/x HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + first)
    sent = 0
    with suppress(ConnectionError):
        while sent < 20_000_000:
            writer.write(endless)
            await writer.drain()
            sent += len(endless)
            await asyncio.sleep(0)
    writer.close()
    assert sent < 8_000_000
    with suppress(ConnectionError):
        assert (await reader.read()).count(b"HTTP/1.1 ") <= 1


async def test_a_field_behind_the_body_is_no_field_of_the_head(served: Served) -> None:
    last = b"GET / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    trailer = b"\r\n0\r\nHost: 127.0.0.1\r\n\r\n"
    assert (await served.raw(last + trailer)).startswith(b"HTTP/1.1 400 ")
    assert (await served.raw(last + b"Host: 127.0.0.1\r\n" + trailer)).startswith(b"HTTP/1.1 200 ")


async def test_a_request_that_was_answered_gets_no_second_answer(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    answer = await reader.readuntil(b"</html>")
    writer.write(b"this is no chunk\r\n")
    async with asyncio.timeout(10):
        answer += await reader.read()
    writer.close()
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_who_only_holds_connections_open_keeps_nobody_out(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.guard.CONNECTIONS", 3)
    held = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(3)]
    for reader, writer in held:
        writer.write(GET + b"\r\n" + GET)
        await reader.readuntil(b"</html>")
    assert (await served.raw(GET + b"Connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert (await held[0][0].read()).startswith(b"HTTP/1.1 503 ")
    held[1][1].write(b"Connection: close\r\n\r\n")
    assert (await held[1][0].read()).startswith(b"HTTP/1.1 200 ")
    for _, writer in held:
        writer.close()


async def test_nobody_who_waits_for_an_answer_is_turned_away(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.guard.CONNECTIONS", 1)
    begun, go = Event(), Event()

    def visit(*_: object) -> None:
        begun.set()
        go.wait(10)

    monkeypatch.setattr("mailer.service.receipt.visit", visit)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(GET.replace(b"/ ", b"/r/x ", 1) + b"Connection: close\r\n\r\n")
    assert await asyncio.to_thread(begun.wait, 10)
    assert (await served.raw(b"")).startswith(b"HTTP/1.1 503 ")
    go.set()
    assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
    writer.close()
