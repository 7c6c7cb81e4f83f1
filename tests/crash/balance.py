"""Does what the receivers got agree with what the store says?

The receivers' journal against the queue, item by item: nothing may be lost, no mail may come twice without its item
being marked, and only what was under way at a kill may come twice or be marked.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

#: What must be nought, and what the figure says otherwise.
FAULTS = {
    "lost": "accepted here, and never received there",
    "open": "neither accepted nor still tried: held, refused or expired",
    "unmarked": "came twice without a mark",
    "beyond": "came twice or was marked without having been under way at a kill",
    "changed": "came twice with different bytes",
    "broken": "the accounting of the broadcast does not hold",
}


@dataclass
class Balance:
    """What one or several kills came to."""

    kills: int = 0
    mails: int = 0
    in_flight: int = 0
    marked: int = 0
    twice: int = 0
    lost: int = 0
    open: int = 0
    unmarked: int = 0
    beyond: int = 0
    changed: int = 0
    broken: int = 0
    slowest: float = 0.0

    def add(self, other: "Balance") -> None:
        """Add what another came to."""
        for one in fields(self):
            joined = max if one.name == "slowest" else sum
            setattr(self, one.name, joined((getattr(self, one.name), getattr(other, one.name))))

    @property
    def faults(self) -> list[str]:
        """Return what is wrong, in plain words."""
        return [f"{getattr(self, name)} {words}" for name, words in FAULTS.items() if getattr(self, name)]


@dataclass(frozen=True)
class Item:
    """How an item stands in the store."""

    id: int
    state: str
    marked: bool


def weigh(
    items: Sequence[Item], journal: Iterable[dict[str, Any]], under_way: Collection[int], problems: int
) -> Balance:
    """Compare settled items with what came in for them; `under_way` were open at a kill."""
    copies = Counter[int]()
    forms = defaultdict[int, set[str]](set)
    for one in journal:
        if one["kind"] == "received":
            copies[one["item"]] += 1
            forms[one["item"]].add(one["sha256"])
    twice = {item for item, number in copies.items() if number > 1}
    marked = {one.id for one in items if one.marked}
    return Balance(
        mails=len(items),
        in_flight=len({one.id for one in items} & set(under_way)),
        marked=len(marked),
        twice=len(twice),
        lost=sum(one.state == "accepted" and not copies[one.id] for one in items),
        open=sum(one.state != "accepted" for one in items),
        unmarked=len(twice - marked),
        beyond=len((twice | marked) - set(under_way)),
        changed=sum(len(seen) > 1 for seen in forms.values()),
        broken=problems,
    )


def table(rows: dict[str, Balance]) -> str:
    """Return the balances as a table with a sum."""
    total = Balance()
    for row in rows.values():
        total.add(row)
    names = [one.name for one in fields(Balance)]
    lines = [["kind", *names]]
    for name, row in [*rows.items(), ("all", total)]:
        figures = [getattr(row, one) for one in names]
        lines.append([name, *(f"{one:.1f}" if isinstance(one, float) else str(one) for one in figures)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(names) + 1)]
    return "\n".join(
        "  ".join(word.ljust(width) if not column else word.rjust(width) for column, (word, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    )
