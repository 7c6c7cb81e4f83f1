"""For which addresses do we take mail?

A table of receivers says it: bounces, by VERP addresses whose MAC is right, the schools, the roles of our own domain
(RFC 2142 §4, §5), and the addresses for reports. A further kind of receiver is a further line of the table; one may
also refuse, with words of its own. The bare `<postmaster>` is ours in any case (RFC 5321 §4.5.1). Nobody else lives
here: we relay for nobody.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mailer.net.inbound_path import Path

ROLES = frozenset({"postmaster", "abuse"})
REPORTS = frozenset({"dmarc-reports", "tls-reports"})
NOBODY = "550 5.1.1 No such address here"


class Kind(StrEnum):
    """What an address of ours is for."""

    BOUNCE = "bounce"
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
    """A line of the table: known by local parts (in small letters), or by what `reads` makes of one: a queue item.

    `refusal` is the reply for an address that is known and takes no mail; empty where it does.
    """

    kind: Kind
    names: frozenset[str] = frozenset()
    reads: Callable[[str], int | None] | None = None
    refusal: str = ""

    def judge(self, path: Path) -> Recipient | str | None:
        """Return the recipient, the reply that refuses it, or None for an address of somebody else."""
        item_id = None if self.reads is None else self.reads(path.local)
        if item_id is None and path.local.lower() not in self.names:
            return None
        return self.refusal or Recipient(path.text, self.kind, item_id)


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is at home in our domain."""

    domain: str
    receivers: tuple[Receiver, ...]

    def judge(self, path: Path) -> Recipient | str:
        """Return the recipient, or the reply that refuses it."""
        if not path.domain:
            mine = path.local.lower() == "postmaster"
            return Recipient(f"postmaster@{self.domain}") if mine else "501 5.1.3 An address is needed"
        if path.domain.lower() != self.domain:
            return "550 5.7.1 Relaying denied"
        return next((found for receiver in self.receivers if (found := receiver.judge(path)) is not None), NOBODY)


def policy(
    domain: str, schools: Iterable[str], verp: Callable[[str], int | None], refusals: Mapping[str, str] | None = None
) -> Policy:
    """Return the policy of an appliance with this domain and these school codes (closed schools included).

    `refusals` has the reply (`550 5.7.1 …`) of each school that takes no mail, by its code.
    """
    refused = {code.lower(): reply for code, reply in (refusals or {}).items()}
    taken = frozenset(code.lower() for code in schools) - refused.keys()
    return Policy(
        domain.lower(),
        (
            Receiver(Kind.BOUNCE, reads=verp),
            Receiver(Kind.SCHOOL, taken),
            *(Receiver(Kind.SCHOOL, frozenset({code}), refusal=reply) for code, reply in refused.items()),
            Receiver(Kind.ROLE, ROLES),
            Receiver(Kind.REPORT, REPORTS),
        ),
    )
