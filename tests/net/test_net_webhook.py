"""Is a webhook signed as the standard says, and is only a 2xx taken for an answer?"""

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from mailer.net.webhook import post, signed

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
BODY = json.dumps({"text": "監視"}, ensure_ascii=False).encode()


class Server:
    """A web server that gives one answer and keeps what it was asked."""

    def __init__(self, answer: bytes, *, waits: bool = False) -> None:
        self.answer = answer
        self.waits = waits
        self.asked: list[bytes] = []
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        self.asked += [head, await reader.readexactly(length)]
        writer.write(self.answer)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            if self.waits:
                await reader.read()
        writer.close()
        self.ended.set()


@contextlib.asynccontextmanager
async def listening(server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve on loopback; yield the port."""
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls) as listener:
        yield int(listener.sockets[0].getsockname()[1])


def test_the_signature_is_that_of_the_libraries_of_the_standard() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    fields = signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert fields == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


async def test_what_is_sent_is_one_whole_request() -> None:
    server = Server(NO_CONTENT)
    async with listening(server) as port:
        assert await post(f"http://127.0.0.1:{port}/hook?key=a%20b", {"webhook-id": "A1_raised"}, BODY) == ""
    head, body = server.asked
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook?key=a%20b HTTP/1.1"
    assert {f"Host: 127.0.0.1:{port}", "webhook-id: A1_raised", "Content-Type: application/json"} <= set(lines)
    assert body == BODY


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", ""),
        (b"HTTP/1.0 202\r\n\r\n", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", "HTTP status 302"),
        (b"HTTP/1.1 500 Oh\r\n\r\n", "HTTP status 500"),
        (b"220 mx.example ESMTP\r\n", "this is no answer of a web server"),
        (b"HTTP/1.1 \xff\xff\xff\r\n", "this is no answer of a web server"),
        (b"HTTP/1.1 2", "this is no answer of a web server"),
        (b"", "this is no answer of a web server"),
        (b"x" * 100_000, "this is no answer of a web server"),
    ],
)
async def test_answers(answer: bytes, trouble: str) -> None:
    async with listening(Server(answer)) as port:
        assert await post(f"http://127.0.0.1:{port}", {}, BODY) == trouble


async def test_a_server_that_keeps_silent_has_a_deadline() -> None:
    server = Server(b"", waits=True)
    async with listening(server) as port:
        assert await post(f"http://127.0.0.1:{port}", {}, BODY, seconds=0.2) == "no answer within 0.2 s"
        await server.ended.wait()


async def test_nobody_there() -> None:
    async with listening(Server(b"")) as port:
        pass
    assert await post(f"http://127.0.0.1:{port}", {}, BODY) != ""


async def test_a_certificate_must_be_good_and_of_this_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = Server(NO_CONTENT)

    async def posted(name: str) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        async with listening(server, context) as port:
            return await post(f"https://127.0.0.1:{port}/", {}, BODY)

    assert "certificate" in await posted("127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert "certificate" in await posted("127.0.0.2")
    assert server.asked == []
    assert await posted("127.0.0.1") == ""
    assert server.asked[1] == BODY
