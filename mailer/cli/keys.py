"""Which DKIM keys are there, and how does a new one come in?"""

from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.standing.key import Key


@click.group(cls=Verbs, help=N_("The DKIM keys that sign our mail."))
def keys() -> None:
    """Group the verbs about keys."""


@keys.command("list", cls=Verb, help=N_("Show all keys with their states."))
@click.pass_obj
def list_(session: Session) -> None:
    """Show the keys."""
    from mailer.service import keys as book

    with session.office():
        found = book.list_()
    if session.json:
        output.document([_document(session, key) for key in found])
        return
    rows = [(key.selector, key.algorithm, _state(key.state.value), key.created_at) for key in found]
    output.table([_("selector"), _("algorithm"), _("state"), _("created")], rows)


@keys.command(
    "new",
    cls=Verb,
    help=N_("Make new keys. They are pending: publish their records (dns records) before they may sign."),
)
@option(
    "--algorithm",
    type=click.Choice(["rsa", "ed25519"]),
    multiple=True,
    help=N_("Only a key of this kind; without it one of each."),
)
@click.pass_obj
def new(session: Session, algorithm: tuple[str, ...]) -> None:
    """Make pending keys."""
    from mailer.cli.keymaking import new_key
    from mailer.standing.key import ALGORITHMS, KeyState

    wanted = tuple(dict.fromkeys(algorithm)) or ALGORITHMS
    with session.office() as office:
        made = [new_key(session.settings, office, name, KeyState.PENDING, session.actor) for name in wanted]
    if session.json:
        output.document([_document(session, key) for key in made])
        return
    for key in made:
        output.say(_("New key {selector}, pending. Publish this record:").format(selector=key.selector))
        output.facts([(_("name"), _name(session, key)), (_("type"), "TXT"), (_("value"), key.record)])


def _name(session: Session, key: "Key") -> str:
    return f"{key.selector}._domainkey.{session.settings.domain.name}"


def _document(session: Session, key: "Key") -> dict[str, Any]:
    return {
        "selector": key.selector,
        "algorithm": key.algorithm,
        "state": key.state.value,
        "created_at": key.created_at,
        "name": _name(session, key),
        "record": key.record,
    }


def _state(word: str) -> str:
    return {"pending": _("pending"), "active": _("active"), "retired": _("retired")}[word]
