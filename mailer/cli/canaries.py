"""How do our own mailboxes fare at the carriers?"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.announced import state_word
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.canary import Perch


@click.group(cls=Verbs, help=N_("Canaries: mailboxes of our own that ride first in every broadcast."))
def canaries() -> None:
    """Group the verbs about canaries."""


@canaries.command("list", cls=Verb, help=N_("Show every canary with its last ride and what is wrong with it."))
@click.pass_obj
def list_(session: Session) -> None:
    """Show the canaries."""
    from config.carriers import load_carriers
    from mailer.service import canary as desk

    with session.office() as office:
        found = desk.list_(replace(office, receiver=load_carriers(session.settings).name))
    if session.json:
        output.document([_document(perch) for perch in found])
        return
    if not found:
        output.say(_("No canaries are set: [canary] addresses."))
        return
    heads = [_("address"), _("carrier"), _("broadcast"), _("state"), _("seconds"), _("alarm"), _("last reply")]
    output.table(heads, map(_row, found))


def _row(perch: "Perch") -> tuple[object, ...]:
    last = perch.last or {}
    return (
        perch.address,
        perch.receiver,
        last.get("broadcast"),
        state_word(last["state"]) if last else "",
        last.get("accepted_after"),
        ", ".join(map(_alarm, perch.alarms)),
        last.get("reply"),
    )


def _alarm(kind: str) -> str:
    return {"canary_late": _("not accepted in time"), "canary_refused": _("refused or returned")}[kind]


def _document(perch: "Perch") -> dict[str, Any]:
    return {
        "address": perch.address,
        "carrier": perch.receiver,
        "last": perch.last,
        "alarms": list(perch.alarms),
    }
