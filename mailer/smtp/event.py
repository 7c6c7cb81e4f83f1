"""What does the client tell the edge?

`Ready`: transactions may be sent. `StartTls`: write what is outgoing, then do the handshake and say
`tls_established`. `Settled`: one transaction has come to its end. `Closed`: the connection is of no more use;
everything not settled before was settled just before it.
"""

from dataclasses import dataclass

from mailer.smtp.capabilities import Capabilities
from mailer.smtp.envelope import Fact, Transaction
from mailer.smtp.reply import Reply, Stage


@dataclass(frozen=True, slots=True)
class Ready:
    """The server has greeted us and offers this."""

    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class StartTls:
    """The server waits for the TLS handshake."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A transaction ended; the facts stand in the order of its forward-paths."""

    transaction: Transaction
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """The end: `failure` is empty after QUIT, else a word of `envelope.FAILURES`; `reply` is what the server said."""

    failure: str
    reply: Reply | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The oldest reply awaited. `serial` changes with each reply that came, and with nothing else."""

    serial: int
    stage: Stage


Event = Ready | StartTls | Settled | Closed
