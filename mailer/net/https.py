"""Which text does a host publish over HTTPS?

Fetched as RFC 8461 wants a policy fetched: the certificate must be trusted and for this host, no redirect is followed,
the answer must be a plain text of at most 64 KiB, and all of it must come within a minute. Only addresses of the public
internet are asked, so that nobody makes us ask our own network.

Raises `FetchFailed`.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import httptools

from mailer.net.resolver import DnsTrouble, NameUnknown, Resolver

PORT = 443
ALL_SECONDS = 60.0
CONNECT_SECONDS = 10.0
LONGEST_TEXT = 64 * 1024
LONGEST_HEAD = 16 * 1024
MOST_ADDRESSES = 4
OK = 200

#: How it is called in TLS reports (RFC 8460).
FETCH_ERROR, INVALID, UNTRUSTED = "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"


class FetchFailed(Exception):
    """No text could be had: `word` is one of TLS reports, the message says more."""

    def __init__(self, word: str, why: str) -> None:
        super().__init__(why)
        self.word = word


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches texts; `may_be_asked` judges addresses."""

    resolver: Resolver
    context: ssl.SSLContext
    may_be_asked: Callable[[str], bool]
    port: int = PORT

    async def fetch(self, host: str, path: str) -> str:
        """Return the text at https://HOST/PATH."""
        try:
            async with asyncio.timeout(ALL_SECONDS):
                reader, writer = await self._connect(host)
                try:
                    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                    return await _text(reader)
                finally:
                    writer.transport.abort()
        except ssl.SSLCertVerificationError as error:
            raise FetchFailed(UNTRUSTED, error.verify_message) from error
        except TimeoutError:
            raise FetchFailed(FETCH_ERROR, "no answer in time") from None
        except (OSError, ValueError) as error:  # the second: a name that IDNA refuses
            raise FetchFailed(FETCH_ERROR, str(error)) from error

    async def _connect(self, host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the first address that answers; a certificate that is refused is the end of it."""
        trouble: OSError = OSError(f"{host} has no address that may be asked")
        for address in await self._addresses(host):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(address, self.port, ssl=self.context, server_hostname=host)
            except ssl.SSLError:
                raise
            except OSError as error:
                trouble = error
        raise trouble

    async def _addresses(self, host: str) -> list[str]:
        try:
            answer = await self.resolver.addresses(host)
        except (DnsTrouble, NameUnknown) as error:
            raise FetchFailed(FETCH_ERROR, f"the DNS gave no address: {error}") from error
        return [address for address in answer.records if self.may_be_asked(address)][:MOST_ADDRESSES]


async def _text(reader: asyncio.StreamReader) -> str:
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    while not answer.complete:
        data = await reader.read(answer.room())
        if not data:
            break
        answer.taken += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise FetchFailed(FETCH_ERROR, f"no HTTP: {error}") from error
        if answer.has_head:
            _check_head(parser.get_status_code(), answer.headers)
    return answer.text()


def _check_head(status: int, headers: dict[str, str]) -> None:
    if status != OK:
        raise FetchFailed(FETCH_ERROR, f"HTTP status {status}")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "text/plain":
        raise FetchFailed(INVALID, f"the content type is {kind[:80] or 'missing'}, not text/plain")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchFailed(INVALID, "the content is encoded")


class _Answer:
    """What has come of one answer; `taken` counts its bytes, head and framing with them."""

    def __init__(self) -> None:
        self.taken = 0
        self.headers: dict[str, str] = {}
        self.has_head = False
        self.complete = False
        self._body = bytearray()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.complete = True

    def room(self) -> int:
        """Return how many bytes more may come: the parser tells of a header only once it has all of it."""
        left = LONGEST_HEAD + (LONGEST_TEXT if self.has_head else 0) - self.taken
        if left <= 0:
            raise FetchFailed(INVALID, "the answer is longer than may be: 64 KiB of text behind 16 KiB of head")
        return left

    def text(self) -> str:
        """Return the text; where no length was said, the end of the connection ends it."""
        ends_with_connection = self.has_head and not {"content-length", "transfer-encoding"} & self.headers.keys()
        if not self.complete and not ends_with_connection:
            raise FetchFailed(FETCH_ERROR, "the answer is cut short")
        if len(self._body) > LONGEST_TEXT:
            raise FetchFailed(INVALID, f"the text is longer than {LONGEST_TEXT} bytes")
        try:
            return self._body.decode("utf-8")
        except UnicodeDecodeError:
            raise FetchFailed(INVALID, "the text is not UTF-8") from None
