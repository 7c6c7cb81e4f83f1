"""How does somebody who knows postsuper(1) delete, hold, release and requeue items?

An item that is held waits again by -H and by -r; one that waits is due now by -r. What is deleted ends as cancelled and
stays in the accounting.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from mailer.cli import output
from mailer.cli.postfix_names import Program
from mailer.cli.selection import item_number
from mailer.cli.session import Session
from mailer.cli.verb import N_, option

if TYPE_CHECKING:
    from mailer.service.office import Office
    from mailer.service.queue import Selection

ALL = "ALL"
FROM_INPUT = "-"
#: Why, in the audit log.
WHY = "postsuper"

Names = tuple[str, ...]


@click.command(
    "postsuper",
    cls=Program,
    no_args_is_help=True,
    help=N_(
        "Steer items as Postfix's postsuper does.\n\n"
        "QUEUE-ID may be ALL, or - for queue ids from standard input; each option may stand more than once."
    ),
)
@option("-d", "deleted", multiple=True, metavar="QUEUE-ID", help=N_("Give the item up."))
@option("-h", "held", multiple=True, metavar="QUEUE-ID", help=N_("Hold the item."))
@option("-H", "released", multiple=True, metavar="QUEUE-ID", help=N_("Release the item."))
@option("-r", "requeued", multiple=True, metavar="QUEUE-ID", help=N_("Release the item and try it now."))
@click.pass_obj
def postsuper(session: Session, deleted: Names, held: Names, released: Names, requeued: Names) -> None:
    """Steer items."""
    from mailer.service import queue

    deeds: list[tuple[Names, str, Callable[[Office, Selection, str, str], int]]] = [
        (deleted, "Deleted", queue.remove),
        (held, "Placed on hold", queue.hold),
        (released, "Released from hold", queue.release),
        (requeued, "Requeued", _requeue),
    ]
    with session.office() as office:
        for names, word, deed in deeds:
            if names:
                count = sum(deed(office, chosen, session.actor, WHY) for chosen in _chosen(names))
                output.note(f"postsuper: {word}: {count} message{'s' * (count != 1)}")


def _requeue(office: "Office", chosen: "Selection", actor: str, why: str) -> int:
    from mailer.service import queue

    queue.release(office, chosen, actor, why)
    return queue.flush(office, chosen, actor, why)


def _chosen(names: Names) -> "Iterator[Selection]":
    """Yield what is meant: the items named, or broadcast by broadcast everything that stands in the queue."""
    from mailer.service.queue import Selection, announcements_open

    if ALL in names:
        yield from (Selection(announcement_id=one) for one in announcements_open())
    elif numbers := tuple(item_number(name) for name in _spelt_out(names)):
        yield Selection(numbers=numbers)


def _spelt_out(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if name == FROM_INPUT:
            yield from (line.split()[0] for line in sys.stdin if line.strip())
        else:
            yield name
