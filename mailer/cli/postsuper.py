"""How does somebody who knows postsuper(1) delete, hold, release and requeue items?

An item that is held waits again by -H and by -r; one that waits is due now by -r. What is deleted ends as cancelled and
stays in the accounting.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from mailer.cli import output, postfix_queues, suspending
from mailer.cli.postfix_names import Program
from mailer.cli.postfix_queues import NO_CONFIGURATION, QUEUES, Queue, absent, accepted
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
        "QUEUE-ID may be ALL, or - for queue ids from standard input; each option may stand more than once. QUEUE is"
        " incoming (never tried), active (being sent), deferred or hold: only what stands there is meant."
    ),
)
@click.argument("queues", nargs=-1, metavar="[QUEUE]...", type=Queue())
@option("-d", "deleted", multiple=True, metavar="QUEUE-ID", help=N_("Give the item up."))
@option("-h", "held", multiple=True, metavar="QUEUE-ID", help=N_("Hold the item."))
@option("-H", "released", multiple=True, metavar="QUEUE-ID", help=N_("Release the item."))
@option("-r", "requeued", multiple=True, metavar="QUEUE-ID", help=N_("Release the item and try it now."))
@accepted(N_("Changes nothing here."), "-v", is_flag=True)
@absent(N_("There are no queue files here that would need repair."), "-p", "-s", "-S", flag=True)
@absent(N_("Nothing is returned to a sender here; -d gives an item up."), "-e", "-f")
@absent(NO_CONFIGURATION, "-c")
@click.pass_obj
def postsuper(session: Session, queues: Names, deleted: Names, held: Names, released: Names, requeued: Names) -> None:
    """Steer items."""
    from mailer.service import queue, stops

    deeds: list[tuple[Names, str, Callable[[Office, Selection, str, str], int]]] = [
        (deleted, "Deleted", queue.remove),
        (held, "Placed on hold", queue.hold),
        (released, "Released from hold", queue.release),
        (requeued, "Requeued", _requeue),
    ]
    with session.office() as office:
        for names, word, deed in deeds:
            if names:
                meant = list(_chosen(names, queues))
                count = sum(deed(office, chosen, session.actor, WHY) for chosen in meant)
                output.note(f"postsuper: {word}: {count} message{'s' * (count != 1)}")
                kept = sum(stops.kept(office, chosen) for chosen in meant) if names is requeued else 0
                if kept:
                    output.note(f"postsuper: {suspending.kept_words(kept)}")


def _requeue(office: "Office", chosen: "Selection", actor: str, why: str) -> int:
    """Release and hurry; what was named by its queue hold alone waits when it is released, and is due by that."""
    from mailer.schedule.item import ItemState
    from mailer.service import queue

    released = queue.release(office, chosen, actor, why)
    return released if chosen.states == {ItemState.HELD} else queue.flush(office, chosen, actor, why)


def _chosen(names: Names, queues: Names) -> "Iterator[Selection]":
    """Yield what is meant: the items named, or broadcast by broadcast everything that stands in the queues."""
    for selection in _named(names):
        if queues:  # hold last: what is released there must not be counted once more where it waits then
            yield from (postfix_queues.within(selection, queue) for queue in QUEUES if queue in queues)
        else:
            yield selection


def _named(names: Names) -> "Iterator[Selection]":
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
