"""By which names of Postfix's programs may the command be called, and what is it then?

The links stand in a folder of their own, so that a real Postfix on the machine keeps its names. Options that are not
served are mistakes in usage: exit code 2.
"""

from importlib import import_module
from pathlib import Path

import click

from mailer.cli.root import Outermost, config_path, root
from mailer.cli.session import Session
from mailer.cli.verb import Spoken

PROGRAMS = {
    "mailq": "mailer.cli.postqueue:mailq",
    "postqueue": "mailer.cli.postqueue:postqueue",
    "postsuper": "mailer.cli.postsuper:postsuper",
    "postcat": "mailer.cli.postcat:postcat",
    "qshape": "mailer.cli.qshape:qshape",
}


class Program(Spoken, Outermost):
    """A command that is called by a name of Postfix's; which configuration is meant says the environment."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the configuration, then parse."""
        ctx.ensure_object(Session).config = config_path(())
        return super().parse_args(ctx, args)


def program(path: str) -> tuple[str, click.Command]:
    """Return the name and the command that a call of this path means."""
    name = Path(path).name
    if name not in PROGRAMS:
        return "mimamori", root
    module, _colon, attribute = PROGRAMS[name].partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return name, command
