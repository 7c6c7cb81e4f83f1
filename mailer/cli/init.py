"""How does an appliance come into being, and what is still missing of one that is there?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mailer.cli import output
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.office import Office


@click.command(
    cls=Verb,
    help=N_(
        "Create what is missing: state directory, store, secrets and DKIM keys (RSA and Ed25519).\n\n"
        "Asks nothing, overwrites nothing, may be repeated; after an upgrade it brings the store up to date."
    ),
)
@click.pass_obj
def init(session: Session) -> None:
    """Create what is missing and say what that was."""
    from mailer.appliance import make_secrets, make_store
    from mailer.files import make_directory

    settings = session.settings
    make_directory(settings.state.directory)
    store = make_store(settings)
    made = [str(path) for path in (store, *make_secrets(settings)) if path]
    with session.office(create=True) as office:
        keys = list(_keys(session, office))
    if session.json:
        output.document({"created": made, "keys": keys})
        return
    for path in made:
        output.say(_("created: {file}").format(file=path))
    for key in keys:
        output.say(_("DKIM key: {selector} ({algorithm}, {state})").format_map(key))
    output.say(_("The appliance is complete.") if made or keys else _("Nothing was missing."))


def _keys(session: Session, office: "Office") -> Iterator[dict[str, str]]:
    """Register keys that lie there unknown, and make those that are missing."""
    from mailer.cli.keymaking import active_algorithms, adopt_keys, new_key
    from mailer.standing.key import ALGORITHMS, KeyState

    found = adopt_keys(session.settings, office, session.actor)
    missing = [algorithm for algorithm in ALGORITHMS if algorithm not in active_algorithms()]
    made = [new_key(session.settings, office, name, KeyState.ACTIVE, session.actor) for name in missing]
    for key in (*found, *made):
        yield {"selector": key.selector, "algorithm": key.algorithm, "state": key.state.value}
