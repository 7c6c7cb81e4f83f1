"""Who did what, and has nobody changed the book since?"""

import json

import click

from mailer.cli import output
from mailer.cli.failure import Refused
from mailer.cli.parameters import MOST
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _


@click.group(cls=Verbs, help=N_("The audit log: who did what."))
def audit() -> None:
    """Group the verbs about the audit log."""


@audit.command("list", cls=Verb, help=N_("Show the newest entries, the newest first."))
@option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True, help=N_("How many entries."))
@click.pass_obj
def list_(session: Session, limit: int) -> None:
    """Show entries."""
    from mailer.service import audit as book

    with session.office():
        entries = list(book.list_(limit))
    if session.json:
        fields = ("id", "at", "actor", "action", "object", "detail")
        output.document([{name: getattr(entry, name) for name in fields} for entry in entries])
        return
    rows = [
        (entry.id, entry.at, entry.actor, entry.action, entry.object, json.dumps(entry.detail, ensure_ascii=False))
        for entry in entries
    ]
    output.table([_("no."), _("time"), _("who"), _("action"), _("object"), _("details")], rows)


@audit.command("verify", cls=Verb, help=N_("Check that no entry was changed, moved or removed."))
@click.pass_obj
def verify(session: Session) -> None:
    """Check the chain of digests."""
    from mailer.service import audit as book

    with session.office():
        problems = book.verify()
    if session.json:
        output.document({"ok": not problems, "problems": problems})
    if problems:
        raise Refused("\n".join(problems))
    if not session.json:
        output.say(_("The audit log is unbroken."))
