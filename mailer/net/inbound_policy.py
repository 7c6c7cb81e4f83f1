"""For which addresses do we take mail?

For VERP addresses whose MAC is right, the schools, postmaster and abuse of our own domain (RFC 2142 §4, §5) and the
bare `<postmaster>` in any case (RFC 5321 §4.5.1). For nothing else: we relay for nobody.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mailer.net.inbound_path import Path

ROLES = frozenset({"postmaster", "abuse"})


@dataclass(frozen=True, slots=True)
class Recipient:
    """One forward-path we take mail for; `item_id` is the queue item that a VERP address names."""

    forward_path: str
    item_id: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is at home: `domain` is ours, `boxes` are local parts in small letters, `verp` reads a VERP local part."""

    domain: str
    boxes: frozenset[str]
    verp: Callable[[str], int | None]

    def judge(self, path: Path) -> Recipient | str:
        """Return the recipient, or the reply that refuses it."""
        local = path.local.lower()
        if not path.domain:
            return Recipient(f"postmaster@{self.domain}") if local == "postmaster" else "501 5.1.3 An address is needed"
        if path.domain.lower() != self.domain:
            return "550 5.7.1 Relaying denied"
        if local in self.boxes:
            return Recipient(path.text)
        item_id = self.verp(path.local)
        return "550 5.1.1 No such address here" if item_id is None else Recipient(path.text, item_id)


def policy(domain: str, schools: Iterable[str], verp: Callable[[str], int | None]) -> Policy:
    """Return the policy of an appliance with this domain and these school codes (closed schools included)."""
    return Policy(domain.lower(), ROLES | {code.lower() for code in schools}, verp)
