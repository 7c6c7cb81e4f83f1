"""What does `mimamori` do before a verb begins: which language, which configuration, what if it fails?"""

import gettext
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mailer.cli.session import DEFAULT_CONFIG, Session
from mailer.cli.verb import N_, Verbs, option
from mailer.language import LANGUAGES, LOCALE, _, use
from mailer.version import VERSION

CONFIG_VARIABLE = "MIMAMORI_CONFIG"
LANGUAGE_VARIABLE = "MIMAMORI_LANGUAGE"
FIRST_LANGUAGE = "ja"

VERBS = {
    "init": "mailer.cli.init:init",
    "serve": "mailer.cli.serve:serve",
    "check": "mailer.cli.check:check",
    "status": "mailer.cli.status:status",
    "households": "mailer.cli.households:households",
    "broadcast": "mailer.cli.broadcast:broadcast",
    "explain": "mailer.cli.explain:explain",
    "maintenance": "mailer.cli.maintenance:maintenance",
    "queue": "mailer.cli.queue:queue",
    "mailq": "mailer.cli.mailq:mailq",
    "dns": "mailer.cli.dns:dns",
    "keys": "mailer.cli.keys:keys",
    "alarms": "mailer.cli.alarms:alarms",
    "canaries": "mailer.cli.canaries:canaries",
    "carriers": "mailer.cli.carriers:carriers",
    "reports": "mailer.cli.reports:reports",
    "replies": "mailer.cli.replies:replies",
    "rehearse": "mailer.cli.rehearse:rehearse",
    "audit": "mailer.cli.audit:audit",
    "retention": "mailer.cli.retention:retention",
    "bounce": "mailer.cli.bounce:bounce",
}


class Outermost(click.Command):
    """A command that is called from a shell."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Choose the language before anything is said, then parse."""
        speak(args)
        _never_fail_on_a_sign()
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; an expected error becomes one sentence and exit code 1."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from mailer.cli.failure import refusal

            answer = refusal(error)
            if answer is None:
                raise
            raise answer from error


def speak(args: Sequence[str]) -> None:
    """Speak the language of the environment, or of the configuration; click's own sentences too."""
    language = os.environ.get(LANGUAGE_VARIABLE) or configured_language(config_path(args))
    try:
        use(language)
    except ValueError:
        use(FIRST_LANGUAGE)
        words = _("{variable} is {value}; it may be {choices}.")
        raise click.UsageError(
            words.format(variable=LANGUAGE_VARIABLE, value=language, choices=", ".join(LANGUAGES))
        ) from None
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain("click", str(LOCALE))
    gettext.textdomain("click")


def config_path(args: Sequence[str]) -> Path:
    """Return the configuration file that these arguments name, before they are parsed."""
    for number, word in enumerate(args):
        name, equals, value = word.partition("=")
        if name == "--config":
            return Path(value if equals else next(iter(args[number + 1 :]), ""))
    return Path(os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)


def configured_language(path: Path) -> str:
    """Return the language a configuration file asks for; a file that cannot be read asks for none."""
    import tomllib

    try:
        with path.open("rb") as file:
            language = tomllib.load(file).get("appliance", {}).get("language")
    except (OSError, ValueError, AttributeError):
        return FIRST_LANGUAGE
    return language if language in LANGUAGES else FIRST_LANGUAGE


def _version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    click.echo(f"mimamori {VERSION}")
    ctx.exit()


class Root(Outermost, Verbs):
    """The command itself."""


@click.group(
    cls=Root,
    later=VERBS,
    help=N_(
        "Safety broadcasts of the child-watch system: rosters, broadcasts, the queue and the services.\n\n"
        "TIME is RFC 3339, Japan time if it names no zone (2026-04-01T08:00); DURATION is 90s, 15m, 2h or 7d;"
        " CODE is the local part of a school's address (t-daiichi)."
    ),
)
@option(
    "--config",
    type=click.Path(path_type=Path),
    envvar=CONFIG_VARIABLE,
    default=DEFAULT_CONFIG,
    show_default=True,
    help=N_("The configuration file."),
)
@option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help=N_("Show the version."))
@click.pass_context
def root(ctx: click.Context, config: Path) -> None:
    """Hold what every verb needs."""
    ctx.ensure_object(Session).config = config


def _never_fail_on_a_sign() -> None:
    """Let a terminal that lacks a sign show its number instead of ending the verb."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")
