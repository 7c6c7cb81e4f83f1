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
from mailer.cli.postfix_queues import NO_CONFIGURATION, absent, accepted
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
    "postcat",
    cls=Program,
    no_args_is_help=True,
    help=N_(
        "Show the mail of an item as Postfix's postcat does, without signatures.\n\n"
        "-q must be given, alone or with others (-qh); without -e, -h and -b everything is shown."
    ),
)
@click.argument("names", nargs=-1, metavar="QUEUE-ID...")
@option("-q", "queued", is_flag=True, help=N_("Show the items of these queue ids."))
@option("-e", "envelope", is_flag=True, help=N_("Only the envelope."))
@option("-h", "header", is_flag=True, help=N_("Only the header."))
@option("-b", "body", is_flag=True, help=N_("Only the body."))
@accepted(N_("Changes nothing here."), "-v", is_flag=True)
@absent(N_("There are no queue files here, and no records in them."), "-d", "-o", "-r", flag=True)
@absent(N_("There are no queue files here, and no records in them."), "-s")
@absent(NO_CONFIGURATION, "-c")
@click.pass_obj
def postcat(session: Session, names: tuple[str, ...], queued: bool, envelope: bool, header: bool, body: bool) -> None:
    """Show mails."""
    if not (queued and names):
        raise click.UsageError(_("There are no queue files here. Say which items: -q QUEUE-ID."))
    for name in names:
        item_number(name)
    with session.office() as office:
        mails = [_found(office, name) for name in names]
    everything = not (envelope or header or body)
    for mail in mails:
        _write(mail, envelope or everything, header or everything, body or everything, heads=everything)
    output.note(_("Shown without the DKIM signatures that it has when it leaves; message_size counts them."))


def _found(office: "Office", name: str) -> Mail:
    from mailer.service import queue

    shown = queue.show(office, name)
    if shown is None:
        raise Refused(_("There is no queue item {name}.").format(name=name))
    return _mail(office, shown.item)


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
