"""Is the configuration good, before anything uses it?"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.failure import Refused, problem
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb
from mailer.language import _

if TYPE_CHECKING:
    from config import Problem


@click.command(
    cls=Verb, help=N_("Check the configuration, the schools, the carriers and the keys; every problem is named.")
)
@click.pass_obj
def check(session: Session) -> None:
    """Check all three files, and that the keys are there that are to sign."""
    from config import check_authorities, check_certificate, load_schools
    from config.carriers import load_carriers

    problems = _problems_of(lambda: session.settings)
    if not problems:
        problems = _problems_of(lambda: load_schools(session.settings))
        problems += _problems_of(lambda: load_carriers(session.settings))
        problems += _problems_of(lambda: check_authorities(session.settings))
        problems += _problems_of(lambda: check_certificate(session.settings))
    if not problems:
        problems = _missing_keys(session)
    if session.json:
        output.document({"ok": not problems, "problems": [_document(one) for one in problems]})
    if problems:
        raise Refused("\n".join(problem(one) for one in problems))
    if not session.json:
        output.say(_("{file}: the configuration is good.").format(file=session.config))


def _missing_keys(session: Session) -> "list[Problem]":
    """Return the active keys without a file, as far as there is a store and we may look where the keys lie."""
    from config import ConfigError, read_dkim_key
    from mailer.service.keys import active_selectors
    from mailer.store.database import StoreError
    from mailer.store.failure import FAILURES

    try:
        with session.office():
            selectors = active_selectors()
    except (ConfigError, StoreError, OSError, *FAILURES):
        return []
    found = [_problems_of(partial(read_dkim_key, session.settings, selector)) for selector in selectors]
    return [one for problems in found for one in problems if one.reason == "no_key"]


def _problems_of(load: Callable[[], Any]) -> "list[Problem]":
    from config import ConfigError

    try:
        load()
    except ConfigError as error:
        return list(error.problems)
    return []


def _document(found: "Problem") -> dict[str, Any]:
    return {"file": str(found.file), "line": found.line, "key": found.key, "message": found.message}
