"""Was a file taken by a web address that a stranger's DNS names, and if not, why?

One POST for each, with a deadline for the whole. Only addresses of the public internet are asked, so that nobody makes
us ask our own network; redirects are not followed, no proxy is asked, and nothing but the status is read (RFC 9110).
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from mailer.net.resolver import DnsTrouble, NameUnknown, Resolver

PORT = 443
ALL_SECONDS = 60.0
CONNECT_SECONDS = 10.0
LONGEST_LINE = 4096
MOST_ADDRESSES = 4


class NotTaken(Exception):
    """The file was not taken; says why."""


@dataclass(frozen=True, slots=True)
class Poster:
    """Posts files; `may_be_asked` judges addresses."""

    resolver: Resolver
    context: ssl.SSLContext
    may_be_asked: Callable[[str], bool]

    async def post(self, url: str, media_type: str, body: bytes) -> None:
        """Send a file to an https URL in visible ASCII; raise NotTaken unless it is taken (2xx)."""
        parts = urlsplit(url)
        try:
            async with asyncio.timeout(ALL_SECONDS):
                status = await self._exchange(parts, _request(parts, media_type, body))
        except TimeoutError:
            raise NotTaken(f"no answer within {ALL_SECONDS:g} s") from None
        except (EOFError, asyncio.LimitOverrunError):
            raise NotTaken("this is no answer of a web server") from None
        except (OSError, ValueError) as error:  # the second: a name that IDNA refuses
            raise NotTaken(str(error) or type(error).__name__) from error
        if not 200 <= status < 300:
            raise NotTaken(f"HTTP status {status}")

    async def _exchange(self, parts: SplitResult, request: bytes) -> int:
        reader, writer = await self._connect(parts.hostname or "", parts.port or PORT)
        try:
            writer.write(request)
            await writer.drain()
            return _status(await reader.readuntil(b"\n"))
        finally:
            writer.transport.abort()

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the first address that answers."""
        trouble: OSError = OSError(f"{host} has no address that may be asked")
        for address in await self._addresses(host):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(
                        address, port, ssl=self.context, server_hostname=host, limit=LONGEST_LINE
                    )
            except OSError as error:
                trouble = error
        raise trouble

    async def _addresses(self, host: str) -> list[str]:
        try:
            answer = await self.resolver.addresses(host)
        except (DnsTrouble, NameUnknown) as error:
            raise NotTaken(f"the DNS gave no address: {error}") from error
        return [address for address in answer.records if self.may_be_asked(address)][:MOST_ADDRESSES]


def _request(parts: SplitResult, media_type: str, body: bytes) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "User-Agent: mimamori-mailer",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body


def _status(line: bytes) -> int:
    version, _, rest = line.decode("ascii", "replace").partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdecimal():
        raise NotTaken("this is no answer of a web server")
    return int(rest[:3])
