"""Was a message taken by a webhook, and if not, why?

One signed POST as Standard Webhooks 1.0 wants it: whoever knows the secret can tell that it is ours, when it was sent,
and whether it came before. One connection for each, with a deadline for the whole; certificates are checked, redirects
are not followed, no proxy is asked, and nothing but the status is read (RFC 9110).
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

DEADLINE_SECONDS = 10.0
LONGEST_LINE = 4096
PORTS = {"https": 443, "http": 80}


class NoAnswer(Exception):
    """What came back is not the beginning of an answer."""


def signed(secret: bytes, message_id: str, at: int, body: bytes) -> dict[str, str]:
    """Return the header fields of a message sent at this time (in seconds since 1970)."""
    content = f"{message_id}.{at}.".encode() + body
    digest = hmac.new(secret, content, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


async def post(url: str, fields: Mapping[str, str], body: bytes, seconds: float = DEADLINE_SECONDS) -> str:
    """Send JSON to a URL that the configuration has checked; return what went wrong, empty if it was taken (2xx)."""
    try:
        async with asyncio.timeout(seconds):
            status = await _exchange(urlsplit(url), _request(urlsplit(url), fields, body))
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except (EOFError, asyncio.LimitOverrunError, NoAnswer):
        return "this is no answer of a web server"
    except OSError as error:
        return str(error) or type(error).__name__
    return "" if 200 <= status < 300 else f"HTTP status {status}"


async def _exchange(url: SplitResult, request: bytes) -> int:
    reader, writer = await asyncio.open_connection(
        url.hostname, url.port or PORTS[url.scheme], ssl=True if url.scheme == "https" else None, limit=LONGEST_LINE
    )
    try:
        writer.write(request)
        await writer.drain()
        return _status(await reader.readuntil(b"\n"))
    finally:
        writer.transport.abort()


def _request(url: SplitResult, fields: Mapping[str, str], body: bytes) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    common = {
        "Host": url.netloc,
        "User-Agent": "mimamori-mailer",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in {**common, **fields}.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body


def _status(line: bytes) -> int:
    version, _, rest = line.decode("ascii", "replace").partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/1.") or not code.isdecimal():
        raise NoAnswer
    return int(code)
