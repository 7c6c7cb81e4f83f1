"""How does somebody who knows qshape(1) see how old the queue is, domain by domain or carrier by carrier?

Each column counts the items that are younger than its minutes and not younger than those of the column before.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from mailer.cli import output
from mailer.cli.postfix_names import Program
from mailer.cli.session import Session
from mailer.cli.verb import N_, option

if TYPE_CHECKING:
    from mailer.store.ages import Age

QUEUES = ("incoming", "active", "deferred", "hold")
BUCKETS = 10
MINUTES = 5
NAME_WIDTH = 40
TOTAL = "TOTAL"


@click.command(
    "qshape",
    cls=Program,
    help=N_(
        "Show how long the items of the queue have waited, in minutes, as Postfix's qshape does.\n\n"
        "QUEUE is incoming (never tried), active, deferred or hold; without one the first two are shown."
    ),
)
@click.argument("queues", nargs=-1, metavar="[QUEUE]...", type=click.Choice(QUEUES))
@option("-b", "buckets", type=click.IntRange(1, 30), default=BUCKETS, show_default=True, help=N_("How many columns."))
@option(
    "-t", "minutes", type=click.IntRange(1), default=MINUTES, show_default=True, help=N_("The first column's minutes.")
)
@option("-l", "linear", is_flag=True, help=N_("Each column as long as the first, not twice the one before."))
@option("--carrier", "by_carrier", is_flag=True, help=N_("By carrier instead of by domain."))
@click.pass_obj
def qshape(
    session: Session, queues: tuple[str, ...], buckets: int, minutes: int, linear: bool, by_carrier: bool
) -> None:
    """Show ages."""
    from mailer.service import queue

    limits = [minutes * (number if linear else 2 ** (number - 1)) for number in range(1, buckets)]
    with session.office() as office:
        found = [age for age in queue.ages() if _queue_of(age) in (queues or QUEUES[:2])]
        name = _carrier_of(session) if by_carrier else _domain_of
        _write(limits, _rows(found, limits, office.clock(), name))


Rows = dict[str, Counter[int]]


def _rows(found: "Iterable[Age]", limits: Sequence[int], now: datetime, name: "Callable[[Age], str]") -> Rows:
    """Return for each name, the total first, then the fullest, how many items stand in which column."""
    rows: Rows = {}
    for age in found:
        column = bisect_right(limits, (now - age.since).total_seconds() / 60)
        for row in (TOTAL, name(age)):
            rows.setdefault(row, Counter())[column] += age.items
    return dict(sorted(rows.items(), key=lambda row: (row[0] != TOTAL, -row[1].total(), row[0])))


def _write(limits: Sequence[int], rows: Rows) -> None:
    columns = range(len(limits) + 1)
    heads = [str(limit) for limit in limits] + ([f"{limits[-1]}+"] if limits else [])
    rows = rows or {TOTAL: Counter()}
    cells = [[str(row.total()), *(str(row[column]) for column in columns)] for row in rows.values()]
    table = [["T", *heads] if limits else ["T", ""], *cells]
    wide = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for name, row in zip(("", *rows), table, strict=True):
        fields = " ".join(cell.rjust(width) for cell, width in zip(row, wide, strict=True))
        output.say(f"{name[-NAME_WIDTH:]:>{NAME_WIDTH}} {fields}")


def _queue_of(age: "Age") -> str:
    from mailer.schedule.item import ItemState

    names = {ItemState.SENDING: "active", ItemState.HELD: "hold"}
    return names.get(age.state, "deferred" if age.tried else "incoming")


def _domain_of(age: "Age") -> str:
    return age.domain


def _carrier_of(session: Session) -> "Callable[[Age], str]":
    """Return the function that names an age's carrier: by its domain, or by where its mail was found to go."""
    from config.carriers import load_carriers
    from mailer.service import queue

    carriers, sites = load_carriers(session.settings), queue.sites()

    def name(age: "Age") -> str:
        carrier = carriers.of_domain(age.domain)
        return carrier.name if carrier else sites.get(age.domain, age.domain)

    return name
