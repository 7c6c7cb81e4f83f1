"""How is one SMTP connection to port 25 led, whatever the peer does?

The plumbing below the verbs: aiosmtpd's protocol with its command loop, timers and replies replaced. Every wait has an
end (RFC 5321 §4.5.3.2.7), replies to pipelined commands leave together (RFC 2920 §3.2), a peer who talks before his
turn, makes faults or never reads is cut, and no exception reaches the wire: our own fault is `451 4.3.0`.
"""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol, cast

from aiosmtpd.smtp import SMTP

from mailer.net.inbound_doors import FAULTS, Doors, Limits, is_here, neighbours_of, network_of, plain
from mailer.net.inbound_lines import BadLine, EndlessLine, Incoming
from mailer.net.inbound_log import Scarce

_log = logging.getLogger(__name__)
CHUNK = 16 * 1024
#: This machine itself is not kept waiting as strangers are.
SHORT_GREETING_SECONDS = 0.005
NOT_SMTP = frozenset({b"GET", b"POST", b"HEAD", b"PUT", b"CONNECT", b"OPTIONS"})
LAST_WORDS_SECONDS = 5.0
OUR_FAULT = "451 4.3.0 A fault of ours, try again later"
CLOSING = "421 4.3.2 We are closing, come again"
GIVE_WAY = "421 4.7.0 Others wait for your place, and you have brought no mail lately"


class Gone(Exception):
    """The peer has left, or we are done with him."""


class Register(Protocol):
    """Where conversations announce themselves, so that the service can end them; `lines` are those of its log."""

    lines: Scarce

    def came(self, conversation: "Conversation") -> None:
        """A peer was let in."""

    def left(self, conversation: "Conversation") -> None:
        """He is gone."""

    def make_room(self, newcomer: str, now: float) -> bool:
        """Have somebody leave for a peer from this address, if somebody should; return whether he does."""


class Conversation(SMTP):
    """One connection; a subclass answers the verbs, each by an `smtp_VERB(argument)` named in `verbs`."""

    verbs: frozenset[str] = frozenset()

    def __init__(self, hostname: str, limits: Limits, doors: Doors, register: Register) -> None:
        self._build(hostname, limits.session_seconds, asyncio.get_running_loop())
        self.limits = limits
        self.peer = self.neighbours = ""
        self.since = self.loop.time()
        self.busy = False
        self.has_place = False
        self.secured = False
        self.counts: Counter[str] = Counter()
        self.incoming = Incoming()
        self._doors = doors
        self._register = register
        self._inside = False
        self._finishing = False
        self._shaking_hands = False
        self._replies: list[bytes] = []
        self._abort: asyncio.TimerHandle | None = None

    def _build(self, hostname: str, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        """Do what aiosmtpd's own `__init__` does, but for its search for AUTH methods and hooks, of which we have none.

        It looks through every attribute anew for each connection, which takes a seventh of all that a mail costs.
        """
        reader = asyncio.StreamReader(limit=CHUNK, loop=loop)
        asyncio.StreamReaderProtocol.__init__(self, reader, self._cb_client_connected, loop)
        self.loop = loop
        self.hostname = hostname
        self.session = self.envelope = self.transport = None
        self._handle_hooks = {}
        self._handler_coroutine = self._original_transport = self._timeout_handle = None
        self._timeout_duration = seconds

    # --- what the loop calls

    def connection_made(self, given: asyncio.BaseTransport) -> None:
        """Let the peer in, or say 421 and close."""
        transport = cast(asyncio.Transport, given)  # uvloop's is none by inheritance
        self.peer = plain(str((transport.get_extra_info("peername") or ("unknown",))[0]))
        self.neighbours = neighbours_of(self.peer)
        if self._doors.enter(self.peer, self.loop.time(), self._register.make_room):
            self._inside = self.has_place = True
            self._register.came(self)
            super().connection_made(transport)
            return
        transport.write(f"421 4.7.0 {self.hostname} Too many connections, come back in a minute\r\n".encode())
        transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Make room for the next peer. Mail that is being stored is stored all the same."""
        if self._abort is not None:
            self._abort.cancel()  # else it would hold all that a session has for some seconds more
        if self._inside:
            self._inside = False
            self._give_place_back()
            self._register.left(self)
            super().connection_lost(error)
            if self.counts:
                self.note("disconnect", "disconnect from unknown[%s] %s", self.peer, self._tally())

    def _give_place_back(self) -> None:
        if self.has_place:
            self.has_place = False
            self._doors.leave(self.peer)

    def eof_received(self) -> bool:
        """Go on writing to a peer who only closed his sending half: the mail he handed over may be under way."""
        asyncio.StreamReaderProtocol.eof_received(self)
        return not self.secured  # TLS knows no half

    def _timeout_cb(self) -> None:
        """End a session that has lasted too long, whatever it does."""
        self.end("421 4.4.2 This session has lasted too long")

    # --- the loop of commands

    async def _handle_client(self) -> None:
        try:
            await self._greet()
            while not self._finishing:
                await self._one_command()
            self.end(CLOSING)
        except (Gone, ConnectionError):
            self.end()
        except TimeoutError:
            self.end("421 4.4.2 Too slow, closing")
        except Exception:
            _log.exception("session with %s ended by a fault of ours", self.peer)
            self.end("421 4.3.0 A fault of ours, try again later")

    async def _greet(self) -> None:
        """Wait a moment before the greeting: who talks already then is no mail server (RFC 5321 §4.3.1)."""
        pause = self.limits.greeting_seconds
        try:
            async with asyncio.timeout(min(pause, SHORT_GREETING_SECONDS) if is_here(self.peer) else pause):
                early = await self._reader.read(1)
        except TimeoutError:
            await self.push(f"220 {self.hostname} ESMTP")
            return
        if early:
            await self.push("554 5.5.0 You talked before the greeting")
        await self.leave()

    async def _one_command(self) -> None:
        try:
            line = await self._line()
            verb, argument = self._read_command(line)
        except EndlessLine as fault:
            await self.push(f"500 5.5.2 {fault}")
            await self.leave()
        except BadLine as fault:
            await self.fault(f"500 5.5.2 {fault}")
        else:
            await self._answer(verb, argument)

    async def secure(self, context: ssl.SSLContext) -> None:
        """Begin TLS. What the peer said before it counts no more (RFC 3207 §4.2)."""
        await self._flush()
        self.incoming.take()
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # asyncio has no other way to drop what was read
        secured = await self._shaken(cast(asyncio.Transport, self.transport), context)
        if secured is None:
            # A transport on its way to TLS does not always say so itself.
            self.connection_lost(None)
            raise Gone
        self._speak_over(secured)

    async def _shaken(self, below: asyncio.Transport, context: ssl.SSLContext) -> asyncio.BaseTransport | None:
        """Shake hands; return None where the peer failed to or has left."""
        self._shaking_hands = True
        try:
            return await self.loop.start_tls(
                below, self, context, server_side=True, ssl_handshake_timeout=self.limits.handshake_seconds
            )
        except OSError as error:
            self.note("tls", "TLS handshake with unknown[%s] failed: %s", self.peer, error)
            below.abort()
            return None
        finally:
            self._shaking_hands = False

    def _speak_over(self, secured: asyncio.BaseTransport) -> None:
        self.secured = True
        self.transport = secured
        # aiosmtpd made these streams over the plain transport and moves them so, too. Python 3.11 has no public way:
        # its `StreamWriter.start_tls` leaves the reader behind, which would then pause and resume the wrong transport.
        self._reader._transport = secured  # type: ignore[attr-defined]
        self._writer._transport = secured  # type: ignore[attr-defined]

    async def _line(self) -> bytes:
        """Return the next line. It must be whole within the time: a peer who drips does not get more of it."""
        if (line := self.incoming.line()) is not None:
            return line
        async with asyncio.timeout(self._doors.patience):
            while (line := self.incoming.line()) is None:
                self.incoming.feed(await self.read())
        return line

    async def read(self) -> bytes:
        """Send the replies that wait, then return what comes next from the peer; raise Gone if nothing will."""
        await self._flush()
        data = await self._reader.read(CHUNK)
        if not data:
            raise Gone
        return data

    def _read_command(self, line: bytes) -> tuple[str, str]:
        word, _, argument = line.partition(b" ")
        if word.upper() in NOT_SMTP:
            raise EndlessLine("This is SMTP")
        try:
            text = argument.strip(b" ").decode()
        except UnicodeDecodeError:
            raise BadLine("Not UTF-8") from None
        if not word.isalpha() or not text.isprintable():
            raise BadLine("Command not recognised")
        return word.decode("ascii").upper(), text

    async def _answer(self, verb: str, argument: str) -> None:
        self.counts["commands"] += 1
        if verb not in self.verbs:
            known = hasattr(self, f"smtp_{verb}")
            await self.fault("502 5.5.1 Command not implemented" if known else "500 5.5.1 Command not recognised")
            return
        self.counts[verb.lower()] += 1
        answer: Callable[[str], Any] = getattr(self, f"smtp_{verb}")
        try:
            await answer(argument)
        except (Gone, ConnectionError, TimeoutError):
            raise
        except Exception:
            _log.exception("%s from %s met a fault of ours", verb, self.peer)
            self.reset()
            await self.push(OUR_FAULT)

    def reset(self) -> None:
        """Forget the mail transaction, not the greeting."""
        self.envelope = self._create_envelope()

    # --- replies

    async def push(self, status: str | bytes) -> None:
        """Answer; the reply leaves with the others of its group, at the latest before we wait for the peer again."""
        text = status if isinstance(status, bytes) else status.encode()
        self._replies.append(text + b"\r\n")

    async def fault(self, reply: str) -> None:
        """Answer a fault of the peer's; too many of them end the session."""
        self.counts["faults"] += 1
        self._doors.spend(self.peer, FAULTS, 1, self.loop.time())
        await self.push(reply)
        if self.counts["faults"] >= self.limits.faults:
            await self.push("421 4.7.0 Too many faults")
            await self.leave()

    async def idle(self, reply: str) -> None:
        """Answer a command that brings no mail nearer; too many of them end the session."""
        self.counts["idle"] += 1
        if self.counts["idle"] > self.limits.idle_commands:
            await self.push("421 4.7.0 Too many commands without mail")
            await self.leave()
        await self.push(reply)

    async def within_bounds(self) -> None:
        """End the session if the peer's address has had enough for this minute."""
        if self._doors.has_had_enough(self.peer, self.loop.time()):
            await self.push("421 4.7.0 Enough from your network for now, come back in a minute")
            await self.leave()

    async def in_turn(self) -> None:
        """End the session if the peer did not wait where he must (RFC 2920 §3.1)."""
        if self.incoming.pending:
            await self.push("554 5.5.0 You talked before my reply")
            await self.leave()

    async def leave(self) -> None:
        """Send what waits and end the session."""
        await self._flush()
        raise Gone

    async def _flush(self) -> None:
        replies, self._replies = self._replies, []
        if self.transport is None or self.transport.is_closing():
            raise Gone
        if replies:
            self._writer.write(b"".join(replies))
        if cast(asyncio.Transport, self.transport).get_write_buffer_size():
            async with asyncio.timeout(self._doors.patience):
                await self._writer.drain()

    def finish(self) -> None:
        """End the session because we close: at once, or when the mail that is being taken in is answered."""
        self._finishing = True
        if not self.busy:
            self.end(CLOSING)

    def give_way(self) -> None:
        """End the session, so that another peer can have its place; nobody waits for the end of TLS."""
        self._give_place_back()
        self.counts["gave_way"] += 1
        self.end(GIVE_WAY)
        self.loop.call_soon(self.drop)

    def drop(self) -> None:
        """Break the connection off."""
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()

    def end(self, last_words: str = "") -> None:
        """Close the connection; a peer who does not read what we wrote is dropped."""
        if self.transport is None or self.transport.is_closing():
            return
        transport = cast(asyncio.Transport, self.transport)
        stuck = transport.get_write_buffer_size() > 0
        if last_words and not stuck and not self._shaking_hands:
            transport.write(b"".join([*self._replies, last_words.encode(), b"\r\n"]))
        transport.close()
        self._abort = self.loop.call_later(0 if stuck else LAST_WORDS_SECONDS, transport.abort)

    def note(self, kind: str, text: str, *values: object) -> None:
        """Write a line about this peer, unless he was given one of this kind a moment ago."""
        lines = self._register.lines.admit(f"{kind} {network_of(self.peer)}", self.loop.time())
        if lines:
            _log.info(text + (f" (one of {lines})" if lines > 1 else ""), *values)

    def _tally(self) -> str:
        return " ".join(f"{name}={count}" for name, count in sorted(self.counts.items()))
