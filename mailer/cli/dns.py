"""Which DNS records must the town publish?"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from mailer.cli import output
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from config import Settings
    from mailer.standing.records import Place, Record


@click.group(cls=Verbs, help=N_("The DNS records of the sending domain."))
def dns() -> None:
    """Group the verbs about DNS."""


@dns.command(
    "records",
    cls=Verb,
    help=N_(
        "Show the records to publish: MX, addresses, SPF, DKIM, DMARC, TLS reports, and the address's reverse name."
    ),
)
@option("--zone", is_flag=True, help=N_("As lines for a BIND zone file."))
@click.pass_obj
def records(session: Session, zone: bool) -> None:
    """Show the records."""
    from mailer.service import keys
    from mailer.standing import records as sheet

    with session.office():
        found = sheet.records(_place(session.settings), keys.list_())
    if session.json:
        output.document([_document(record) for record in found])
    elif zone:
        click.echo(sheet.zone(found), nl=False)
    else:
        for record in found:
            _describe(record)


def _place(settings: "Settings") -> "Place":
    from mailer.standing.records import Place

    return Place(
        domain=settings.domain.name,
        hostname=settings.domain.hostname,
        web_host=urlsplit(settings.web.base_url).hostname,
        addresses=settings.delivery.seen_addresses,
    )


def _document(record: "Record") -> dict[str, str]:
    from mailer.standing.records import WHY

    return {"name": record.name, "type": record.type, "value": record.value, "why": _(WHY[record.why])}


def _describe(record: "Record") -> None:
    from mailer.standing.records import WHY

    output.facts(
        [
            (_("name"), record.name or _("(of this machine's address)")),
            (_("type"), record.type),
            (_("value"), record.value or _("(fill in the public address of this machine)")),
            (_("why"), _(WHY[record.why])),
        ]
    )
    output.say("")
