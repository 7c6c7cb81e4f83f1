"""How are the services started from the command line?"""

import contextlib
import logging
import os
import socket
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.failure import Refused, refusal
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb
from mailer.language import _

if TYPE_CHECKING:
    from mailer.serve import Service

log = logging.getLogger(__name__)

#: Exit status of a service that began and then failed, unlike 1 of one that refuses to begin: start it again.
FAILED = 70
#: Named as strings, because nothing in mailer may import webhook.
WORKER = "mailer.worker"
APPS = {"mailer": "mailer.app", "inbound": "mailer.inbound_app", "webhook": "webhook.app"}


@click.command(
    cls=Verb,
    help=N_(
        "Run the services in the foreground: mailer sends, inbound takes mail in, webhook serves the pages.\n\n"
        "Without a name all three run under one parent; one that is named runs in this process. The line “ready”"
        " appears on standard output when everything is up; SIGTERM ends it cleanly."
    ),
)
@click.argument("services", nargs=-1, type=click.Choice(list(APPS)), metavar="[mailer|inbound|webhook]...")
@click.option("--under-parent", is_flag=True, hidden=True)
@click.option("--worker", type=int, hidden=True)
@click.option("--workers", type=int, default=1, hidden=True)
@click.option("--signatory", type=int, hidden=True)
@click.pass_obj
def serve(session: Session, /, services: tuple[str, ...], under_parent: bool, **place: Any) -> None:
    """Run one service, or one of the mailer's workers, here, or several services as children."""
    from mailer.log import set_up

    set_up()
    with session.office():  # what would stop every service is said once, here
        named = tuple(dict.fromkeys(services)) or tuple(APPS)
    if place["worker"]:
        _serve_here(f"worker-{place['worker']}", _worker(session, **place), under_parent)
    elif len(named) == 1:
        _serve_here(named[0], _service(session, named[0]), under_parent)
    else:
        _serve_children(session, named)


def _worker(session: Session, worker: int, workers: int, signatory: int) -> "Service":
    app = import_module(WORKER)
    return partial(app.run, session.settings, app.Place(worker, workers, socket.socket(fileno=signatory)))


def _service(session: Session, name: str) -> "Service":
    if name != "mailer":
        return partial(import_module(APPS[name]).run, session.settings)
    from mailer.arithmetic import signing_fast

    with signing_fast():
        run = import_module(APPS[name]).run
    # It starts processes that read the same configuration.
    return partial(run, session.settings, session.config.absolute())


def _serve_here(name: str, service: "Service", under_parent: bool) -> None:
    from mailer.serve import run

    up = False

    def announce() -> None:
        nonlocal up
        up = True
        _announce()

    try:
        run(service, announce, ends_with_stdin=under_parent)
    except Exception as error:
        if not up and refusal(error) is not None:
            raise
        log.exception("service %s failed", name)
        raise SystemExit(FAILED) from error


def _serve_children(session: Session, names: tuple[str, ...]) -> None:
    from mailer.serve import ChildRefused, Parent, child_command, run

    config = str(session.config.absolute())
    commands = {f"service {name}": child_command("--config", config, "serve", "--under-parent", name) for name in names}
    try:
        run(Parent(commands), _announce)
    except ChildRefused as refused:
        raise Refused(_("The service {name} did not start.").format(name=refused)) from None


def _announce() -> None:
    """Say that everything is up; whoever started us may have closed the pipe meanwhile."""
    with contextlib.suppress(OSError):
        os.write(1, b"ready\n")
