"""Which requests are for us, and which headers does every answer carry?

The outermost layer. Links and decisions never come from a Host header, and a Host that is not ours is refused
(RFC 9110 §15.5.20). No page may be kept, framed, indexed, or tell another site where the reader came from:
a receipt URL is a secret. No exception reaches the reader: he sees a page that asks him to come back.
"""

import logging
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webhook.desk import Unavailable
from webhook.pages import Pages

_log = logging.getLogger(__name__)
FIELDS = 100
FIELD_BYTES = 16 * 1024
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
HEALTH = "/healthz"
RETRY_SECONDS = 60
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:@\[\]]+?)\.?(?::[0-9]*)?")

Headers = Sequence[tuple[bytes, bytes]]


class Gate:
    """The application behind its gate; `base_url` is the one name we answer to."""

    def __init__(self, app: ASGIApp, pages: Pages, base_url: str) -> None:
        self._app = app
        self._pages = pages
        self._host = _host(urlsplit(base_url).netloc)
        self._headers = safe_headers(pages.style_hash, secure=base_url.startswith("https:"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = message.get("headers", [])
                message = {**message, "headers": [*given, *self._missing(given)]}
            await send(message)

        refusal = self._refusal(scope)
        try:
            await (refusal or self._app)(scope, receive, send_with_headers)
        except Exception as error:
            answer = self._apology(error)
            if started:
                raise
            await answer(scope, receive, send_with_headers)

    def _missing(self, given: Headers) -> Headers:
        names = {name.lower() for name, _ in given}
        return [(name, value) for name, value in self._headers if name not in names]

    def _refusal(self, scope: Scope) -> Response | None:
        fields: Headers = scope["headers"]
        hosts = [value.decode("latin-1") for name, value in fields if name == b"host"]
        if len(fields) > FIELDS or sum(len(name) + len(value) for name, value in fields) > FIELD_BYTES:
            return Response(status_code=431)
        if len(hosts) != 1:
            return Response(status_code=400)
        host = _host(hosts[0])
        if host == self._host or (host in LOOPBACK and scope["path"] == HEALTH):
            return None
        return Response(status_code=421)

    def _apology(self, error: Exception) -> Response:
        if isinstance(error, Unavailable):
            _log.error("a page could not be served: %s", error)
            return self._pages.message("unavailable", 503, headers={"retry-after": str(RETRY_SECONDS)})
        _log.error("a page could not be served", exc_info=error)
        return self._pages.message("unavailable", 500)


def safe_headers(style_hash: str, *, secure: bool) -> Headers:
    """Return the headers of every answer; `style_hash` names the one style sheet that a browser may apply."""
    policy = (
        f"default-src 'none'; style-src '{style_hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        **({"strict-transport-security": "max-age=31536000"} if secure else {}),
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _host(netloc: str) -> str:
    """Return a Host without its port, in small letters and without a final dot; nothing for what is none."""
    host = HOST.fullmatch(netloc)
    return host[1].lower() if host else ""
