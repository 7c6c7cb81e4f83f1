"""What is kept for how long, and how much of it is there?"""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from mailer.cli import output
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.retention import Kept

WORDS = {
    "received": N_("mails that came in and speak of a recipient"),
    "received_for_a_person": N_("mails that came in for a person to read"),
    "reports": N_("reports of others about our mail"),
    "setbacks": N_("what was said against addresses"),
    "transcripts": N_("SMTP conversations of attempts"),
    "visits": N_("from where receipt URLs were opened"),
    "broadcasts": N_("recipients, exclusions and receipts of broadcasts"),
    "households": N_("deregistered households"),
    "alarms": N_("alarms that ended"),
    "refusals": N_("what receivers took and refused, day by day"),
    "tls_counts": N_("TLS sessions counted for reports"),
    "tls_hosts": N_("hosts that spoke TLS"),
    "registered": N_("registered households"),
    "resting": N_("addresses that rest"),
    "announcements": N_("texts and sums of broadcasts"),
    "audit": N_("audit log"),
    "operation": N_("what the machine needs to go on"),
}
#: Without a term: as long as it holds. The others of those are kept for good.
WHILE_IT_HOLDS = ("registered", "resting", "operation")


@click.command(
    cls=Verb,
    help=N_(
        "Show what is kept for how long, how much of it there is and the oldest.\n\n"
        "Terms are set in [retention] of the configuration; those in brackets are fixed. What is over is forgotten in"
        " the night by the mailer and entered in the audit log."
    ),
)
@click.pass_obj
def retention(session: Session) -> None:
    """Show the table."""
    from mailer.service import retention as desk

    with session.office() as office:
        kept, room = desk.kept(office), desk.room()
    if session.json:
        store = {"file": str(room.file), "octets": room.octets, "spare_octets": room.spare}
        output.document({"kinds": [_document(one) for one in kept], "store": store})
        return
    rows = [(_(WORDS[one.kind.value]), _setting(one), _term(one), *_held(one)) for one in kept]
    output.table([_("kind"), _("setting"), _("is kept"), _("rows"), _("the oldest")], rows)
    output.say("")
    words = _("{file}: {octets} MB, of which {spare} MB are free inside and written anew first.")
    output.say(words.format(file=room.file, octets=_megabytes(room.octets), spare=_megabytes(room.spare)))


def _document(one: "Kept") -> dict[str, object]:
    return {
        "kind": one.kind.value,
        "settable": one.settable,
        "days": None if one.term is None else one.term / timedelta(days=1),
        "rows": one.held and one.held.rows,
        "oldest": one.held and one.held.oldest,
    }


def _setting(one: "Kept") -> str:
    return one.kind.value if one.settable else ""


def _term(one: "Kept") -> str:
    if one.term is None:
        return _("as long as it holds") if one.kind.value in WHILE_IT_HOLDS else _("for good")
    days = _("{days:g} days").format(days=one.term / timedelta(days=1))
    return days if one.settable else f"({days})"


def _held(one: "Kept") -> tuple[object, object]:
    return ("", "") if one.held is None else (one.held.rows, one.held.oldest)


def _megabytes(octets: int) -> str:
    return f"{octets / 1_000_000:.1f}"
