"""How does somebody who knows postcat(1) see what an item's mail is?

The mail is made anew, as it is whenever it leaves. Its signatures are left out: this command has no DKIM keys. Its size
counts them, as in mailq and on the wire.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from mailer.cli import mailq, output
from mailer.cli.failure import Refused
from mailer.cli.mailing import Mailing
from mailer.cli.postfix_names import Program
from mailer.cli.selection import item_number
from mailer.cli.session import Session
from mailer.cli.verb import N_, option
from mailer.clock import JAPAN
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.office import Office
    from mailer.service.queue import QueuedItem


@dataclass(frozen=True, slots=True)
class Mail:
    """An item's mail: `name` is that of its queue and itself, `header` and `body` are bytes as they leave."""

    name: str
    envelope: dict[str, str]
    header: bytes
    body: bytes


@click.command(
    "postcat", cls=Program, help=N_("Show the mail of an item as Postfix's postcat does, without signatures.")
)
@option("-q", "name", required=True, metavar="QUEUE-ID", help=N_("Which item."))
@option("-e", "envelope", is_flag=True, help=N_("Only the envelope."))
@option("-h", "header", is_flag=True, help=N_("Only the header."))
@option("-b", "body", is_flag=True, help=N_("Only the body."))
@click.pass_obj
def postcat(session: Session, name: str, envelope: bool, header: bool, body: bool) -> None:
    """Show one mail."""
    from mailer.service import queue

    item_number(name)
    with session.office() as office:
        shown = queue.show(office, name)
        if shown is None:
            raise Refused(_("There is no queue item {name}.").format(name=name))
        mail = _mail(office, shown.item)
    everything = not (envelope or header or body)
    _write(mail, envelope or everything, header or everything, body or everything, heads=everything)
    output.note(_("Shown without the DKIM signatures that it has when it leaves; message_size counts them."))


def _write(mail: Mail, envelope: bool, header: bool, body: bool, *, heads: bool) -> None:
    def head(words: str) -> None:
        if heads:
            output.say(f"*** {words} {mail.name} ***")

    if envelope:
        head("ENVELOPE RECORDS")
        for key, value in mail.envelope.items():
            output.say(f"{key}: {value}")
    head("MESSAGE CONTENTS")
    if header:
        click.echo(mail.header, nl=False)
    if header and body:
        click.echo(b"\r\n", nl=False)
    if body:
        click.echo(mail.body, nl=False)
    head("MESSAGE FILE END")


def _mail(office: "Office", item: "QueuedItem") -> Mail:
    from mailer.schedule.queue_id import queue_id
    from mailer.service.queue import OPEN

    mailing = Mailing(office)
    announcement, content = mailing.announcement(item.announcement_id), mailing.draft(item).content
    header, _empty, body = content.partition(b"\r\n\r\n")
    arrival: datetime = announcement.announced_at.astimezone(JAPAN)
    envelope = {
        "message_size": str(mailing.octets(item)),
        "message_arrival_time": arrival.strftime("%a %b %d %H:%M:%S %Y"),
        "sender": f"{office.verp.local_part(item.id)}@{office.domain}",
        "recipient": item.address,
    }
    place = mailq.queue_name(item) if item.state in OPEN else item.state.value
    return Mail(f"{place}/{queue_id(item.id)}", envelope, header + b"\r\n", body)
