"""How does somebody who knows qshape(1) see how old the queue is, domain by domain or carrier by carrier?

Each column counts the items that are younger than its minutes and not younger than those of the column before.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output, postfix_queues
from mailer.cli.postfix_names import Program
from mailer.cli.postfix_queues import NO_CONFIGURATION, QUEUES, Queue, absent, accepted
from mailer.cli.session import Session
from mailer.cli.verb import N_, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.office import Office
    from mailer.store.ages import Age

BUCKETS = 10
MINUTES = 5
NAME_WIDTH = 40
#: Names are never cut to less than this, however narrow the terminal.
LEAST_NAME_WIDTH = 18
SUBDOMAINS = 5
TOTAL = "TOTAL"

Rows = dict[str, Counter[int]]
Name = Callable[["Age"], str]


@click.command(
    "qshape",
    cls=Program,
    help=N_(
        "Show how long the items of the queue have waited, in minutes, as Postfix's qshape does.\n\n"
        "QUEUE is incoming (never tried), active, deferred or hold; without one the first two are shown."
    ),
)
@click.argument("queues", nargs=-1, metavar="[QUEUE]...", type=Queue())
@option("-b", "buckets", type=click.IntRange(1, 30), default=BUCKETS, show_default=True, help=N_("How many columns."))
@option(
    "-t", "minutes", type=click.IntRange(1), default=MINUTES, show_default=True, help=N_("The first column's minutes.")
)
@option("-l", "linear", is_flag=True, help=N_("Each column as long as the first, not twice the one before."))
@option("-s", "by_sender", is_flag=True, help=N_("By the domain of the sender: here all mail has the same."))
@option("-p", "with_parents", is_flag=True, help=N_("Add up parent domains too, with a dot before their names."))
@option(
    "-m",
    "subdomains",
    type=click.IntRange(1),
    default=SUBDOMAINS,
    show_default=True,
    help=N_("With -p: how many subdomains a parent domain must have to be shown."),
)
@option("-n", "most", type=click.IntRange(1), help=N_("How many names at most, the fullest first; else all."))
@option("-w", "width", type=click.IntRange(1), help=N_("How many signs wide, to cut or widen the names."))
@option("--carrier", "by_carrier", is_flag=True, help=N_("By carrier instead of by domain."))
@accepted(N_("Changes nothing here: everything is counted at once."), "-N", type=click.IntRange(1))
@absent(NO_CONFIGURATION, "-c")
@click.pass_obj
def qshape(session: Session, /, queues: tuple[str, ...], buckets: int, **asked: Any) -> None:
    """Show ages."""
    from mailer.service import queue

    if asked["by_carrier"] and (asked["by_sender"] or asked["with_parents"]):
        raise click.UsageError(_("--carrier goes with neither -s nor -p: these count domains."))
    minutes, linear = asked["minutes"], asked["linear"]
    limits = [minutes * (number if linear else 2 ** (number - 1)) for number in range(1, buckets)]
    with session.office() as office:
        meant = queues or QUEUES[:2]
        found = [age for age in queue.ages() if postfix_queues.name(age.state, age.tried) in meant]
        rows = _rows(found, limits, office.clock(), _name(session, office, **asked))
        if asked["with_parents"]:
            rows |= _parents(rows, asked["subdomains"])
    shown = sorted(rows.items(), key=lambda row: (row[0] != TOTAL, -row[1].total(), row[0]))
    _write(limits, dict(shown[: asked["most"] and asked["most"] + 1]), asked["width"])


def _name(session: Session, office: "Office", *, by_sender: bool, by_carrier: bool, **_more: object) -> Name:
    """Return the function that names the row in which an age is counted."""
    if by_sender:
        return lambda _age: office.domain
    return _carrier_of(session) if by_carrier else lambda age: age.domain


def _rows(found: "Iterable[Age]", limits: Sequence[int], now: datetime, name: Name) -> Rows:
    """Return for each name, and for all, how many items stand in which column."""
    rows: Rows = {}
    for age in found:
        column = bisect_right(limits, (now - age.since).total_seconds() / 60)
        for row in (TOTAL, name(age)):
            rows.setdefault(row, Counter())[column] += age.items
    return rows


def _parents(rows: Rows, least: int) -> Rows:
    """Return the sums of the parent domains, top level domains left out, that have so many names below them."""
    parents: Rows = {}
    below: dict[str, set[str]] = {}
    for name, row in rows.items():
        for child, parent in _above(name) if name != TOTAL else ():
            parents.setdefault(parent, Counter()).update(row)
            below.setdefault(parent, set()).add(child)
    return {parent: row for parent, row in parents.items() if len(below[parent]) >= least}


def _above(name: str) -> Iterator[tuple[str, str]]:
    """Yield each parent domain of a name as qshape writes it (.ne.jp), after the name below it."""
    labels = name.split(".")
    for number in range(1, len(labels) - 1):
        yield ".".join(labels[number - 1 :]), "." + ".".join(labels[number:])


def _write(limits: Sequence[int], rows: Rows, width: int | None) -> None:
    columns = range(len(limits) + 1)
    heads = [str(limit) for limit in limits] + ([f"{limits[-1]}+"] if limits else [])
    rows = rows or {TOTAL: Counter()}
    cells = [[str(row.total()), *(str(row[column]) for column in columns)] for row in rows.values()]
    table = [["T", *heads] if limits else ["T", ""], *cells]
    wide = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    room = NAME_WIDTH if width is None else max(LEAST_NAME_WIDTH, width - sum(wide) - len(wide))
    for name, row in zip(("", *rows), table, strict=True):
        fields = " ".join(cell.rjust(width) for cell, width in zip(row, wide, strict=True))
        output.say(f"{_cut(name, room):>{room}} {fields}")


def _cut(name: str, room: int) -> str:
    """Return the end of a name that is too long, marked as qshape marks it."""
    if len(name) <= room:
        return name
    mark = ".+" if name.startswith(".") else "+"
    return mark + name[len(mark) - room :]


def _carrier_of(session: Session) -> Name:
    """Return the function that names an age's carrier: by its domain, or by where its mail was found to go."""
    from config.carriers import load_carriers
    from mailer.service import queue

    carriers, sites = load_carriers(session.settings), queue.sites()

    def name(age: "Age") -> str:
        carrier = carriers.of_domain(age.domain)
        return carrier.name if carrier else sites.get(age.domain, age.domain)

    return name
