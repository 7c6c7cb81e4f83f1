"""What is still open of one transaction, and what has been decided about each of its forward-paths?

A forward-path is decided once; what comes later changes nothing. `standing` counts the undecided ones. What the server
said until then goes with the decision.
"""

from collections.abc import Iterator

from mailer.smtp.capabilities import Capabilities
from mailer.smtp.envelope import IN_FLIGHT, Fact, Heard, Transaction
from mailer.smtp.event import Settled
from mailer.smtp.reply import Reply, Stage

_RCPT = Stage.RCPT  # Python 3.11 looks an enum's member up more slowly than it calls a function


class Exchange:
    """One transaction on its way. `left` turns true when the edge has taken its whole content and its end; `stage`
    is the last one that is known to have been reached, `way` how its content goes (see `Fact`)."""

    __slots__ = ("_facts", "_heard", "left", "stage", "standing", "transaction", "way")

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.standing = len(transaction.envelope.forward_paths)
        self.left = False
        self.stage = Stage.MAIL
        self.way = IN_FLIGHT
        self._facts: list[Fact | None] = [None] * self.standing
        self._heard: list[tuple[int, Heard]] = []

    def hear(self, stage: Stage, index: int, at: int, reply: Reply) -> None:
        """Remember a reply, to be told with what is decided."""
        self._heard.append((index, (stage, at, reply)))

    def is_open(self, index: int) -> bool:
        """Tell whether the forward-path with this index is undecided."""
        return self._facts[index] is None

    def open_indexes(self) -> Iterator[int]:
        """Return the indexes of the undecided forward-paths."""
        return (index for index, fact in enumerate(self._facts) if fact is None)

    def answer(self, index: int, stage: Stage, reply: Reply) -> None:
        """Decide one forward-path by the server's reply at a stage."""
        self._decide(index, stage, reply, "", False)

    def answer_all(self, stage: Stage, reply: Reply) -> None:
        """Decide all undecided forward-paths by one reply."""
        for index in list(self.open_indexes()):
            self._decide(index, stage, reply, "", False)

    def fail_all(self, stage: Stage, failure: str, reply: Reply | None) -> None:
        """Decide all undecided forward-paths by a failure; if the content had left, the server may have kept it."""
        for index in list(self.open_indexes()):
            self._decide(index, stage, reply, failure, self.left)

    def refuse_unsendable(self, capabilities: Capabilities) -> None:
        """Decide what cannot be sent to a server with these capabilities.

        RFC 1870 §7, RFC 6152 §3, RFC 6531 §3.2, RFC 8689.
        """
        content = self.transaction.content
        if capabilities.size and len(content) > capabilities.size:
            self.fail_all(Stage.MAIL, "too_big", None)
        elif not capabilities.eight_bit_mime and not content.isascii():
            self.fail_all(Stage.MAIL, "needs_8bitmime", None)
        elif self.transaction.envelope.require_tls and not capabilities.proved:
            self.fail_all(Stage.MAIL, "needs_proof", None)
        elif self.transaction.envelope.require_tls and not capabilities.requiretls:
            self.fail_all(Stage.MAIL, "needs_requiretls", None)
        elif not capabilities.smtputf8:
            for index, path in enumerate(self.transaction.envelope.forward_paths):
                if path.address.utf8:
                    self._decide(index, Stage.MAIL, None, "needs_smtputf8", False)

    def settled(self) -> Settled:
        """Return the end of the transaction; all forward-paths are decided."""
        return Settled(self.transaction, tuple(fact for fact in self._facts if fact is not None))

    def _decide(self, index: int, stage: Stage, reply: Reply | None, failure: str, kept_unknown: bool) -> None:
        if self._facts[index] is None:
            envelope, octets = self.transaction.envelope, len(self.transaction.content)
            path, require_tls = envelope.forward_paths[index], envelope.require_tls
            heard = tuple([said for about, said in self._heard if about == index or said[0] is not _RCPT])
            told = heard, octets, self.way, require_tls
            self._facts[index] = Fact(path, stage, reply, failure, kept_unknown, *told)
            self.standing -= 1
