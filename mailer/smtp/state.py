"""What does each reply change?

Everything that moves the dialogue stands in two tables of stage × event; the client looks up and obeys. SESSION
is about the connection, FORWARD_PATH about one recipient within a transaction. A reply for which a table has no
entry makes the session botched: it is closed and never used again (RFC 5321 §4.2 leaves no meaning to it).
The picture in ARCHITECTURE is drawn by `diagram` from the same tables.
"""

from collections.abc import Mapping
from enum import StrEnum

from mailer.smtp.reply import Kind, Stage


class State(StrEnum):
    """Where a connection stands. HANDSHAKE is the edge's: no reply is awaited while TLS is set up."""

    CONNECT = "connect"
    EHLO = "ehlo"
    HELO = "helo"
    STARTTLS = "starttls"
    HANDSHAKE = "handshake"
    READY = "ready"
    QUIT = "quit"
    CLOSED = "closed"


class Cue(StrEnum):
    """What moves a connection besides the kinds of replies."""

    UPGRADE = "2yz that offers STARTTLS, wanted"
    TLS = "TLS established"
    LEAVE = "nothing left to send"


class Place(StrEnum):
    """Where one forward-path stands: the reply it waits for, or settled."""

    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    EOD = "eod"
    SETTLED = "settled"


#: RFC 5321 §3.1 (greeting), §3.2 (EHLO, else HELO), §4.1.1.10 (QUIT); RFC 3207 §4 and §4.2 (STARTTLS, EHLO again).
SESSION: Mapping[State, Mapping[Kind | Cue, State]] = {
    State.CONNECT: {
        Kind.POSITIVE: State.EHLO,
        Kind.TRANSIENT: State.CLOSED,
        Kind.PERMANENT: State.CLOSED,
        Kind.CLOSING: State.CLOSED,
    },
    State.EHLO: {
        Kind.POSITIVE: State.READY,
        Cue.UPGRADE: State.STARTTLS,
        Kind.PERMANENT: State.HELO,
        Kind.TRANSIENT: State.CLOSED,
        Kind.CLOSING: State.CLOSED,
    },
    State.HELO: {
        Kind.POSITIVE: State.READY,
        Kind.TRANSIENT: State.CLOSED,
        Kind.PERMANENT: State.CLOSED,
        Kind.CLOSING: State.CLOSED,
    },
    State.STARTTLS: {
        Kind.POSITIVE: State.HANDSHAKE,
        Kind.TRANSIENT: State.CLOSED,
        Kind.PERMANENT: State.CLOSED,
        Kind.CLOSING: State.CLOSED,
    },
    State.HANDSHAKE: {Cue.TLS: State.EHLO},
    State.READY: {Cue.LEAVE: State.QUIT, Kind.CLOSING: State.CLOSED},
    State.QUIT: dict.fromkeys(Kind, State.CLOSED),
    State.CLOSED: {},
}

#: RFC 5321 §4.3.2: the replies to each command of a transaction. After SETTLED a further refusal changes nothing.
FORWARD_PATH: Mapping[Stage, Mapping[Kind, Place]] = {
    Stage.RSET: {Kind.POSITIVE: Place.MAIL, Kind.CLOSING: Place.SETTLED},
    Stage.MAIL: {
        Kind.POSITIVE: Place.RCPT,
        Kind.TRANSIENT: Place.SETTLED,
        Kind.PERMANENT: Place.SETTLED,
        Kind.CLOSING: Place.SETTLED,
    },
    Stage.RCPT: {
        Kind.POSITIVE: Place.DATA,
        Kind.TRANSIENT: Place.SETTLED,
        Kind.PERMANENT: Place.SETTLED,
        Kind.CLOSING: Place.SETTLED,
    },
    Stage.DATA: {
        Kind.INTERMEDIATE: Place.EOD,
        Kind.TRANSIENT: Place.SETTLED,
        Kind.PERMANENT: Place.SETTLED,
        Kind.CLOSING: Place.SETTLED,
    },
    Stage.EOD: {
        Kind.POSITIVE: Place.SETTLED,
        Kind.TRANSIENT: Place.SETTLED,
        Kind.PERMANENT: Place.SETTLED,
        Kind.CLOSING: Place.SETTLED,
    },
}


def diagram() -> str:
    """Return both tables as the text of a Mermaid state diagram; the forward-path stands inside `ready`."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.CONNECT}"]
    for state, moves in SESSION.items():
        lines += _arrows("    ", state, moves)
    lines += [f"    {State.CLOSED} --> [*]", f"    state {State.READY} {{", f"        [*] --> {Place.MAIL}"]
    lines += [f"        [*] --> {Stage.RSET}: after a failure"]
    for stage, places in FORWARD_PATH.items():
        lines += _arrows("        ", stage, places)
    lines += [f"        {Place.SETTLED} --> [*]", "    }"]
    lines += [f"    note right of {State.CLOSED}", "        any other reply closes, too", "    end note"]
    return "\n".join(lines) + "\n"


def _arrows(indent: str, source: str, moves: Mapping[Kind, Place] | Mapping[Kind | Cue, State]) -> list[str]:
    """Return one arrow for each place that can be reached, with all that leads there."""
    events: dict[str, list[str]] = {}
    for event, target in moves.items():
        events.setdefault(target, []).append(event)
    return [f"{indent}{source} --> {target}: {', '.join(labels)}" for target, labels in events.items()]
