"""For which addresses do we take mail?

For VERP addresses whose MAC is right, the schools, postmaster and abuse of our own domain (RFC 2142 §4, §5) and the
bare `<postmaster>` in any case (RFC 5321 §4.5.1). For nothing else: we relay for nobody. A school may refuse what
people write, never what has the null reverse-path (RFC 5321 §4.5.5): some servers return mail to the address in From,
and some ask in this way whether it exists before they take our mail.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mailer.net.inbound_path import Path

ROLES = frozenset({"postmaster", "abuse"})


@dataclass(frozen=True, slots=True)
class Recipient:
    """One forward-path we take mail for; `item_id` is the queue item that a VERP address names."""

    forward_path: str
    item_id: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is at home: `domain` is ours, `boxes` are local parts in small letters, `verp` reads a VERP local part.

    `singles` knows that of a single mail; `refusals` are the replies for boxes that take no mail from people.
    """

    domain: str
    boxes: frozenset[str]
    verp: Callable[[str], int | None]
    singles: Callable[[str], int | None] = lambda _: None
    refusals: Mapping[str, str] = field(default_factory=dict)

    def judge(self, path: Path, reverse_path: str = "") -> Recipient | str:
        """Return the recipient, or the reply that refuses it; `reverse_path` is empty for the null one."""
        local = path.local.lower()
        if not path.domain:
            return Recipient(f"postmaster@{self.domain}") if local == "postmaster" else "501 5.1.3 An address is needed"
        if path.domain.lower() != self.domain:
            return "550 5.7.1 Relaying denied"
        if reverse_path and local in self.refusals:
            return self.refusals[local]
        if local in self.boxes:
            return Recipient(path.text)
        item_id = self.verp(path.local)
        known = item_id is not None or self.singles(path.local) is not None
        return Recipient(path.text, item_id) if known else "550 5.1.1 No such address here"


def policy(domain: str, schools: Iterable[str], verp: Callable[[str], int | None]) -> Policy:
    """Return the policy of an appliance with this domain and these school codes (closed schools included)."""
    return Policy(domain.lower(), ROLES | {code.lower() for code in schools}, verp)
