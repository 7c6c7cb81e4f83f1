"""How does one hand mails to an MX, as bytes in and bytes out?

The client has no socket, no clock and no `async`. The edge gives it what came (`receive`, `eof`, `fail`), obeys
the events, then writes what is `outgoing`, and arms the deadline of the stage it is `waiting` in. Send the next
transaction before asking for `outgoing`, and its first commands leave in the same write as the content before
it. Whatever the server does becomes a fact or a Closed; after a Closed the client does nothing more.
Raises ClientMisused for calls out of turn, ValueError for a host name that cannot be said: our own bugs.
"""

from collections.abc import Sequence

from mailer.smtp.dialogue import Dialogue
from mailer.smtp.envelope import Heard, Transaction
from mailer.smtp.event import Closed, Event, Ready, Settled, StartTls, Waiting
from mailer.smtp.opening import Opening
from mailer.smtp.reply import KEPT_CHARACTERS, Reply, ReplyReader
from mailer.smtp.state import State
from mailer.smtp.wire import Wire

__all__ = ["Client", "ClientMisused", "Closed", "Event", "Ready", "Settled", "StartTls", "Waiting"]

EHLO_CHARACTERS = 16 * 1024

# Names of their own on the hot path: Python 3.11 looks an enum's member up more slowly than it calls a function.
_STARTTLS, _HANDSHAKE, _READY, _CLOSED = State.STARTTLS, State.HANDSHAKE, State.READY, State.CLOSED


class ClientMisused(RuntimeError):
    """The edge asked for what cannot be at this point: a mistake of ours, never of the server."""


class Client:
    """Our side of one SMTP connection, from the greeting on.

    `starttls`: use TLS where it is offered; `demanded`: and go no further where it is not. `chunking`: use CHUNKING
    where it is offered.
    """

    __slots__ = ("_chunking", "_dialogue", "_leaving", "_opening", "_reader", "_wire")

    def __init__(self, hostname: str, *, starttls: bool, demanded: bool = False, chunking: bool = True) -> None:
        self._wire = Wire()
        self._reader = ReplyReader()
        self._opening = Opening(hostname, starttls, demanded, self._wire)
        self._dialogue = Dialogue(self._wire)
        self._leaving = False
        self._chunking = chunking

    @property
    def room(self) -> int:
        """How many more transactions the client takes now; 0 before it is ready and after `quit`."""
        return self._dialogue.room if self._opening.state is _READY and not self._leaving else 0

    @property
    def waiting(self) -> Waiting | None:
        """The oldest reply awaited, to be asked for after `outgoing`; None when the server owes nothing."""
        return self._wire.waiting

    @property
    def hostname(self) -> str:
        """The name that we give."""
        return self._opening.hostname.decode("ascii")

    @property
    def heard(self) -> Sequence[Heard]:
        """What the server said outside of transactions: greeting, answers to EHLO and STARTTLS, farewell."""
        return self._opening.heard

    def receive(self, data: bytes, at: int = 0, kept_back: int = 0) -> list[Event]:
        """Take bytes from the server, in any piece, heard at a time by the edge's count; return what they led to.

        `kept_back` octets at least of what was outgoing have not left this machine yet: a reply to one of them is none.
        """
        self._opening.at = self._dialogue.at = at
        self._wire.keeps_back(kept_back)
        events: list[Event] = []
        if self._opening.state is _HANDSHAKE and data:
            return self._close("starttls_injected", None)
        if self._opening.state is _CLOSED:
            return events
        replies = self._reader.feed(data)
        if self._opening.state is _STARTTLS and self._more_than_one(replies):
            return self._close("starttls_injected", None)
        for reply in replies:
            self._take(reply, events)
        return events

    def eof(self) -> list[Event]:
        """The server has closed the connection."""
        return self.fail("closed")

    def fail(self, failure: str) -> list[Event]:
        """The connection is lost or given up for `failure`, a word of `envelope.FAILURES`."""
        return self._close(self._opening.ending(failure), None)

    def send(self, transaction: Transaction) -> list[Event]:
        """Queue a transaction, allowed while `room` > 0.

        Returns its end at once where the server's offers rule it out (too big, 8-bit text, SMTPUTF8), else nothing.
        """
        if not self.room:
            raise ClientMisused("there is no room for a transaction")
        return self._dialogue.send(transaction)

    def quit(self) -> None:
        """Say QUIT as soon as nothing is under way; no further transaction is taken."""
        self._leaving = True

    def tls_established(self, *, authenticated: bool = False) -> None:
        """The edge has done the handshake that StartTls asked for, and perhaps proved who the server is."""
        if self._opening.state is not _HANDSHAKE:
            raise ClientMisused("no TLS handshake was asked for")
        self._opening.tls_established(authenticated)
        self._fit_reader()

    def outgoing(self) -> bytes:
        """Return the bytes to write now, none if empty; they count as written."""
        if self._opening.state is _READY:
            self._dialogue.compose()
            if self._leaving and not self._wire.awaited:
                self._opening.leave()
        return self._wire.take()

    # --- inside

    def _take(self, reply: Reply, events: list[Event]) -> None:
        state = self._opening.state
        if state is _READY:
            failure = self._dialogue.take(reply, events)
            if failure:
                events += self._close(failure, reply)
        elif state is not _CLOSED:
            event = self._opening.take(reply)
            self._fit_reader()
            if isinstance(event, Ready):
                self._dialogue.begin(event.capabilities, chunking=self._chunking)
            if event is not None:
                events.append(event)

    def _fit_reader(self) -> None:
        """Only of the answer to EHLO is each line of interest."""
        self._reader.kept = EHLO_CHARACTERS if self._opening.state is State.EHLO else KEPT_CHARACTERS

    def _more_than_one(self, replies: list[Reply]) -> bool:
        """Tell whether more came than the answer to STARTTLS: somebody wants it read as if TLS had protected it."""
        return len(replies) > 1 or (len(replies) == 1 and self._reader.pending)

    def _close(self, failure: str, reply: Reply | None) -> list[Event]:
        if self._opening.state is _CLOSED:
            return []
        events = self._dialogue.abandon(failure)
        return [*events, self._opening.close(failure, reply)]
