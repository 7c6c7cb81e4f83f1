"""What may one HTTP connection cost us?

uvicorn reads heads without a limit and waits for slow peers for ever; this protocol counts and watches the clock. A
request must be whole within `REQUEST_SECONDS` of its first byte (or of the connection), its answer must be on its way
within `ANSWER_SECONDS`, and a peer who does not read it is dropped. What is too big is refused before it is held: every
octet of a request counts, those of its framing too. When too many are inside, a newcomer takes the place of the peer
that has kept us waiting longest, so that whoever only holds connections open keeps nobody out.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

REQUEST_SECONDS = 10.0
ANSWER_SECONDS = 30.0
LINGER_SECONDS = 10.0
HEAD_BYTES = 16 * 1024
BODY_BYTES = 64 * 1024
CONNECTIONS = 1000


class GuardedProtocol(HttpToolsProtocol):
    """One HTTP connection that ends, whatever the peer does."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._waits_since = self.loop.time()
        self._midway = False
        self._in_head = False
        self._size = 0
        self._refused = False

    # --- what the loop calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Let a peer in, instead of another one if too many are inside."""
        super().connection_made(transport)
        self._arm(REQUEST_SECONDS)
        if len(self.connections) > CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching the clock."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, within the limits."""
        if self._refused:
            return
        if self._timer is None:
            self._arm(REQUEST_SECONDS)
        super().data_received(data)
        if self._midway:
            self._size += len(data)
            self._refuse_too_big()

    # --- what the parser calls

    def on_message_begin(self) -> None:
        """A request begins."""
        self._midway = self._in_head = True
        self._size = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field came; one behind the body (RFC 9110 §6.5.1) is none of the head's and is dropped."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is whole; the host of a target in absolute form counts, whatever Host says."""
        self._in_head = False
        target = httptools.parse_url(self.url)
        if target.schema:
            self.headers[:] = [(name, target.host if name == b"host" else value) for name, value in self.headers]
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole; now it is our turn."""
        self._midway = False
        self._arm(ANSWER_SECONDS)
        if not self._refused:
            super().on_message_complete()

    # --- what uvicorn calls

    def on_response_complete(self) -> None:
        """The answer is written; a peer who does not read it may not stay."""
        super().on_response_complete()
        self._waits_since = self.loop.time()
        if self.transport.is_closing():
            self._close()
        elif self.pipeline or not self.cycle.response_complete:
            self._arm(ANSWER_SECONDS)
        elif self._midway:
            self._arm(REQUEST_SECONDS)
        else:
            self._disarm()

    def timeout_keep_alive_handler(self) -> None:
        """The peer asks for nothing more."""
        self._close()

    def send_400_response(self, msg: str) -> None:
        """The peer speaks no HTTP."""
        self._refuse(400)

    # --- our own

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, self._too_slow)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _make_room(self) -> None:
        """Turn away who has asked for nothing longest; if everybody else has asked, that is the newcomer."""
        idle = [one for one in self.connections if isinstance(one, GuardedProtocol) and one._owes_a_request()]
        min(idle, key=lambda one: one._waits_since)._refuse(503)

    def _owes_a_request(self) -> bool:
        return not self._refused and (self.cycle is None or self.cycle.response_complete)

    def _too_slow(self) -> None:
        self._timer = None
        if self.cycle is None or self.cycle.response_complete:
            self._refuse(408)
        else:
            self.transport.abort()

    def _refuse_too_big(self) -> None:
        """Nothing we serve wants a long head, or much of a body."""
        if self._in_head and self._size > HEAD_BYTES:
            self._refuse(431)
        elif self._size > HEAD_BYTES + BODY_BYTES:
            self._refuse(413)

    def _refuse(self, status: int) -> None:
        """Say no in as few bytes as possible and close; nothing of an answer under way is torn."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self._may_answer():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self._close()

    def _may_answer(self) -> bool:
        """Tell whether no answer is under way, and the request at hand has none yet: two would be read as two."""
        if self.cycle is None or not self.cycle.response_started:
            return True
        return self.cycle.response_complete and (self._in_head or not self._midway)

    def _close(self) -> None:
        self._disarm()
        self.transport.close()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)
