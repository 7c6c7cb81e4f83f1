"""How does a session begin, turn to TLS, and end?

Greeting, EHLO, HELO where EHLO is not known (RFC 5321 §3.2, §4.1.4), STARTTLS and EHLO again (RFC 3207 §4.2), QUIT
(RFC 5321 §4.1.1.10). What follows what stands in `state.SESSION`; here stands what is said on the way. Where TLS is
demanded, a server without it is left before any mail. REQUIRETLS counts as offered only by a server whose name was
proved in the handshake (RFC 8689).
"""

from dataclasses import replace

from mailer.smtp import command
from mailer.smtp.capabilities import NOTHING, Capabilities, read_capabilities
from mailer.smtp.envelope import Heard
from mailer.smtp.event import Closed, Event, Ready, StartTls
from mailer.smtp.reply import KEPT_CHARACTERS, Kind, Reply, Stage
from mailer.smtp.state import SESSION, Cue, State
from mailer.smtp.wire import Wire

#: Why a connection ends when the server ends it there; elsewhere it is "refused" before transactions, "closed" after.
_ENDINGS = {State.STARTTLS: "starttls_refused", State.QUIT: ""}


class Opening:
    """The connection's own state, moved by the table."""

    __slots__ = ("_authenticated", "_demanded", "_starttls", "_wire", "at", "heard", "hostname", "state")

    def __init__(self, hostname: str, starttls: bool, demanded: bool, wire: Wire) -> None:
        self.hostname = command.checked_hostname(hostname)
        self._starttls = starttls
        self._demanded = demanded
        self._authenticated = False
        self._wire = wire
        self.state = State.CONNECT
        self.at = 0  # when what is taken now was heard, by the edge's count
        self.heard: list[Heard] = []

    def take(self, reply: Reply) -> Event | None:
        """Obey one reply outside of transactions; return what the edge must know, if anything."""
        early = self._wire.unsent and reply.kind is not Kind.CLOSING  # it answers what was not said yet
        self.heard.append((self._wire.answered()[0], self.at, reply))
        cue: Kind | Cue = reply.kind
        capabilities = read_capabilities(reply.text) if self.state is State.EHLO else NOTHING
        if self.state is State.EHLO and reply.positive and capabilities.starttls and self._starttls:
            cue = Cue.UPGRADE
        state = SESSION[self.state].get(cue)
        if state is None or early:
            return self.close(self.ending("garbage"), reply)
        if state is State.CLOSED:
            return self.close(self.ending("refused"), reply)
        if state is State.READY and self._demanded:
            return self.close("tls_not_offered", None)
        return self._enter(state, capabilities)

    def tls_established(self, authenticated: bool) -> None:
        """Forget what was offered in plain and greet again (RFC 3207 §4.2). STARTTLS is asked for only once."""
        self._starttls = self._demanded = False
        self._authenticated = authenticated
        self._enter(SESSION[self.state][Cue.TLS], NOTHING)

    def leave(self) -> None:
        """Say QUIT; whatever comes then changes nothing."""
        self._enter(SESSION[self.state][Cue.LEAVE], NOTHING)

    def ending(self, failure: str) -> str:
        """Return the word for an end with `failure` at this point: after QUIT none, at STARTTLS always the same."""
        return _ENDINGS.get(self.state, failure)

    def close(self, failure: str, reply: Reply | None) -> Closed:
        """End the session here; nothing more is written or awaited."""
        self.state = State.CLOSED
        self._wire.cut()
        if reply is not None and len(reply.text) > KEPT_CHARACTERS:
            reply = replace(reply, text=reply.text[:KEPT_CHARACTERS])
        return Closed(failure, reply)

    def _enter(self, state: State, capabilities: Capabilities) -> Event | None:
        self.state = state
        if state is State.READY:
            return Ready(replace(capabilities, proved=self._authenticated))
        if state is State.HANDSHAKE:
            return StartTls()
        self._wire.write(*self._said(state))
        return None

    def _said(self, state: State) -> tuple[bytes, Stage]:
        """Return the command by which a state begins, and the stage of its reply."""
        said = {
            State.EHLO: (command.ehlo(self.hostname), Stage.EHLO),
            State.HELO: (command.helo(self.hostname), Stage.EHLO),
            State.STARTTLS: (command.STARTTLS, Stage.STARTTLS),
            State.QUIT: (command.QUIT, Stage.QUIT),
        }
        return said[state]
