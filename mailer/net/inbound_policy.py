"""For which addresses do we take mail?

A table of receivers says it: bounces, by VERP addresses whose MAC is right, the schools, the roles of our own domain
(RFC 2142 §4, §5), and the addresses for reports. A further kind of receiver is a further line of the table; one may
also refuse what people write, with words of its own, but never what has the null reverse-path (RFC 5321 §4.5.5): some
servers return mail to the address in From, and some ask in this way whether it exists before they take our mail. The
bare `<postmaster>` is ours in any case (RFC 5321 §4.5.1). Nobody else lives here: we relay for nobody.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mailer.net.inbound_path import Path

ROLES = frozenset({"postmaster", "abuse"})
REPORTS = frozenset({"dmarc-reports", "tls-reports"})
NOBODY = "550 5.1.1 No such address here"


class Kind(StrEnum):
    """What an address of ours is for: `bounce` for what comes back of an item, `single` of a single mail."""

    BOUNCE = "bounce"
    SINGLE = "single"
    SCHOOL = "school"
    ROLE = "role"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One forward-path we take mail for; `item_id` is the queue item that a VERP address names."""

    forward_path: str
    kind: Kind = Kind.ROLE
    item_id: int | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """A line of the table: known by local parts (in small letters), or by what `reads` makes of one: a number.

    `refusal` is the reply for an address that is known and takes no mail from people; empty where it does.
    """

    kind: Kind
    names: frozenset[str] = frozenset()
    reads: Callable[[str], int | None] | None = None
    refusal: str = ""

    def judge(self, path: Path, reverse_path: str) -> Recipient | str | None:
        """Return the recipient, the reply that refuses it, or None for an address of somebody else."""
        number = None if self.reads is None else self.reads(path.local)
        if number is None and path.local.lower() not in self.names:
            return None
        if self.refusal and reverse_path:
            return self.refusal
        return Recipient(path.text, self.kind, number if self.kind is Kind.BOUNCE else None)


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is at home in our domain."""

    domain: str
    receivers: tuple[Receiver, ...]

    def judge(self, path: Path, reverse_path: str = "") -> Recipient | str:
        """Return the recipient, or the reply that refuses it; `reverse_path` is empty for the null one."""
        if not path.domain:
            mine = path.local.lower() == "postmaster"
            return Recipient(f"postmaster@{self.domain}") if mine else "501 5.1.3 An address is needed"
        if path.domain.lower() != self.domain:
            return "550 5.7.1 Relaying denied"
        verdicts = (receiver.judge(path, reverse_path) for receiver in self.receivers)
        return next((verdict for verdict in verdicts if verdict is not None), NOBODY)


def policy(
    domain: str,
    schools: Iterable[str],
    verp: Callable[[str], int | None],
    singles: Callable[[str], int | None] | None = None,
    refusals: Mapping[str, str] | None = None,
) -> Policy:
    """Return the policy of an appliance with this domain and these school codes (closed schools included).

    `singles` reads the VERP address of a single mail; `refusals` has the reply (`550 5.7.1 …`) of each school that
    takes no mail from people, by its code.
    """
    refused = {code.lower(): reply for code, reply in (refusals or {}).items()}
    taken = frozenset(code.lower() for code in schools) - refused.keys()
    return Policy(
        domain.lower(),
        (
            Receiver(Kind.BOUNCE, reads=verp),
            Receiver(Kind.SINGLE, reads=singles),
            Receiver(Kind.SCHOOL, taken),
            *(Receiver(Kind.SCHOOL, frozenset({code}), refusal=reply) for code, reply in refused.items()),
            Receiver(Kind.ROLE, ROLES),
            Receiver(Kind.REPORT, REPORTS),
        ),
    )
