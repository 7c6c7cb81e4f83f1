"""What does the queue look like to somebody who knows Postfix?

The columns of `postqueue -p`, and with --json the lines of `postqueue -j`. The size is that of the whole mail as it
leaves, signatures and all, as postcat and the transcript tell it (0 where no mail can be made).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output, postfix_queues
from mailer.cli.mailing import Mailing
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb
from mailer.clock import JAPAN

if TYPE_CHECKING:
    from mailer.schedule.outcome import Evidence
    from mailer.service.office import Office
    from mailer.service.queue import QueuedItem
    from mailer.service.stops import Stops

HEAD = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"
INDENT = " " * 41
MARKS = {"active": "*", "hold": "!", "deferred": "", "incoming": ""}


@click.command(
    cls=Verb,
    help=N_(
        "Show the queue as Postfix's mailq does; with --json as JSON lines.\n\n"
        "The size is that of the whole mail as it leaves, with its signatures, in octets."
    ),
)
@click.pass_obj
def mailq(session: Session) -> None:
    """Show the queue."""
    with session.office() as office:
        output.lines(entries(office)) if session.json else write(entries(office))


def entries(office: "Office") -> Iterator[dict[str, Any]]:
    """Return one document for each item in the queue, as postqueue(1) describes it."""
    from mailer.schedule.queue_id import queue_id
    from mailer.service import queue, stops

    mailing, standing = Mailing(office), stops.standing()
    for item in queue.list_(queue.Selection()):
        terms = mailing.announcement(item.announcement_id)
        school = office.schools.get(item.school)
        yield {
            "queue_name": queue_name(item),
            "queue_id": queue_id(item.id),
            "arrival_time": int(terms.announced_at.timestamp()),
            "message_size": mailing.octets(item),
            "forced_expire": False,
            "sender": school.address if school else item.school,
            "recipients": [{"address": item.address, **_delay(item, standing)}],
        }


def queue_name(item: "QueuedItem") -> str:
    """Return in which of Postfix's queues an item would stand."""
    return postfix_queues.name(item.state, item.attempts > 0)


def _delay(item: "QueuedItem", standing: "Stops") -> dict[str, str]:
    stop = standing.over(item)
    stopped = f"suspended by {stop.actor}: {stop.why}".rstrip(": ") if stop else ""
    reasons = [words for words in (stopped, _reply(item.evidence)) if words]
    return {"delay_reason": "; ".join(reasons)} if reasons else {}


def _reply(said: "Evidence") -> str:
    from mailer.schedule.outcome import reply_line

    reply = reply_line(said.code, "", said.text) or said.reason
    return f"host {said.host} said: {reply}" if said.host and said.code else reply


def write(found: Iterator[dict[str, Any]]) -> None:
    """Write the queue as `postqueue -p` does."""
    count = size = 0
    for entry in found:
        if not count:
            output.say(HEAD)
        count += 1
        size += entry["message_size"]
        _write(entry)
    output.say(f"-- {size // 1024} Kbytes in {count} Request{'s' * (count != 1)}." if count else "Mail queue is empty")


def _write(entry: dict[str, Any]) -> None:
    name = entry["queue_id"] + MARKS[entry["queue_name"]]
    arrival = datetime.fromtimestamp(entry["arrival_time"], JAPAN).strftime("%a %b %d %H:%M:%S")
    output.say(f"{name:<12}{entry['message_size']:>8} {arrival:<20}{entry['sender']}")
    for recipient in entry["recipients"]:
        if recipient.get("delay_reason"):
            output.say(f"{'(' + recipient['delay_reason'] + ')':>78}")
        output.say(f"{INDENT}{recipient['address']}")
    output.say("")
