"""Who sends to whom, what is sent, and what came of it?

Envelope, reverse-path and forward-path are the words of RFC 5321 §2.3.1 and §3.3. A `Transaction` is one mail on
its way over one session; its end is one `Fact` for each forward-path, because a server answers for each
recipient by itself. A transaction that would break the protocol cannot be made: ValueError, our own bug.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailer.smtp.address import Address
from mailer.smtp.reply import Reply, Stage

#: A reply that was heard, to what, and when: a number of the edge's own (milliseconds since the session began).
Heard = tuple[Stage, int, Reply]

#: How content goes: by BDAT in one flight with MAIL and RCPT, or apart once these are answered; or by DATA.
IN_FLIGHT, APART, BY_DATA = "", "apart", "data"

BDAT_REFUSED = "bdat_refused"

#: The words of `Fact.failure` and `Closed.failure` that the client or the edge uses, with what each means.
FAILURES: Mapping[str, str] = {
    "closed": "The server closed the connection.",
    "reset": "The connection was reset.",
    "timeout": "The server did not answer in time.",
    "garbage": "The server's answer cannot be understood.",
    "refused": "The server does not take mail from us now.",
    "unreachable": "The network says that there is no way to the server.",
    "no_network": "This machine has no way to any network.",
    BDAT_REFUSED: "The server offers CHUNKING and then does not know it.",
    "starttls_refused": "The server offers TLS and then does not begin it.",
    "starttls_injected": "Text was smuggled in front of the TLS handshake.",
    "tls_failed": "The TLS handshake failed.",
    "tls_not_offered": "The server offers no TLS, without which its domain takes no mail.",
    "certificate_refused": "The server does not show the certificate that its domain asks for.",
    "too_big": "The mail is larger than the server takes.",
    "needs_8bitmime": "The mail has 8-bit text, which the server does not take.",
    "needs_smtputf8": "The address has characters that the server does not take.",
    "needs_requiretls": "The mail may only go where REQUIRETLS is offered, and here it is not.",
    "needs_proof": "The mail may only go to a server that is proved to be the right one, and this one was not (yet).",
}


@dataclass(frozen=True, slots=True)
class ReversePath:
    """Where failures are reported to; None is the null reverse-path `<>` (RFC 5321 §4.5.5)."""

    address: Address | None

    def wire(self) -> bytes:
        """Return what stands between `<` and `>` in MAIL."""
        return b"" if self.address is None else self.address.wire()


@dataclass(frozen=True, slots=True)
class ForwardPath:
    """One recipient; `bare` writes an irregular local part without the quotes that RFC 5321 §4.1.2 asks for."""

    address: Address
    bare: bool = False

    def wire(self) -> bytes:
        """Return what stands between `<` and `>` in RCPT."""
        return self.address.wire(self.bare)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One reverse-path and at least one forward-path; `require_tls` asks for REQUIRETLS (RFC 8689)."""

    reverse_path: ReversePath
    forward_paths: tuple[ForwardPath, ...]
    require_tls: bool = False

    def __post_init__(self) -> None:
        if not self.forward_paths:
            raise ValueError("an envelope needs a forward-path")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One mail to hand over: `content` has CRLF line ends, ends with one and is not dot-stuffed (RFC 5321 §2.3.8).

    `tag` is the caller's own and comes back with the facts. `alone`: no other mail rides behind it, nor it behind
    another, and it goes by DATA, because the far side may have a copy already or there is no other mail.
    Raises ValueError for content with other line ends.
    """

    envelope: Envelope
    content: bytes
    tag: object = None
    alone: bool = False

    def __post_init__(self) -> None:
        if not self.content.endswith(b"\r\n"):
            raise ValueError("the content does not end with CRLF")
        text = self.content.replace(b"\r\n", b"")
        if b"\n" in text or b"\r" in text:
            raise ValueError("the content has a bare CR or LF")


@dataclass(frozen=True, slots=True)
class Fact:
    """What came of one forward-path: the stage that decided it and the reply there, or a word of FAILURES.

    Where `failure` is set it decides, whatever the reply says. `kept_unknown`: the whole content had left and no
    readable answer to its end came, or the server took it before it had, so the far side may hold the mail; sending it
    again may make a second copy.
    `heard` are the replies about this mail and forward-path until then, `octets` the size of its content, `way` how
    that went (IN_FLIGHT, APART, BY_DATA), `require_tls` whether REQUIRETLS was asked for; they are told, not judged.
    """

    forward_path: ForwardPath
    stage: Stage
    reply: Reply | None
    failure: str = ""
    kept_unknown: bool = False
    heard: tuple[Heard, ...] = field(default=(), compare=False, repr=False)
    octets: int = field(default=0, compare=False, repr=False)
    way: str = field(default=IN_FLIGHT, compare=False, repr=False)
    require_tls: bool = field(default=False, compare=False, repr=False)

    @property
    def accepted(self) -> bool:
        """Tell whether the server took responsibility for the mail (RFC 5321 §4.2.5). That is not "delivered"."""
        return self.stage is Stage.EOD and not self.failure and self.reply is not None and self.reply.positive
