"""How does a verb explain itself, and what does every verb understand?

click does the parsing. Here stands what click does not know: help texts are msgids that are translated
when they are shown, columns are aligned for Japanese, sub-commands are imported when they are called,
every verb takes `--json` after its name too, and an expected error becomes one sentence and exit code 1.
"""

from collections.abc import Callable, Mapping
from copy import copy
from importlib import import_module
from typing import Any

import click

from mailer.cli.session import Session
from mailer.cli.width import pad, width, wrap
from mailer.language import _

FIRST_COLUMN = 30


def N_(message: str) -> str:  # gettext's own name for "to be translated later"
    """Mark a sentence for the catalogue; it is translated when it is shown."""
    return message


class Formatter(click.HelpFormatter):
    """click's help page with columns counted as a terminal counts them."""

    def write_text(self, text: str) -> None:
        """Write paragraphs; each is folded by itself."""
        indent = " " * self.current_indent
        paragraphs = [wrap(part, self.width - self.current_indent) for part in text.split("\n\n")]
        self.write("\n\n".join("\n".join(indent + line for line in lines) for lines in paragraphs) + "\n")

    def write_dl(self, rows: Any, col_max: int = FIRST_COLUMN, col_spacing: int = 2) -> None:
        """Write terms and their explanations in two columns."""
        rows = list(rows)
        first = min(max(width(term) for term, _text in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for term, text in rows:
            lines = wrap(text, max(self.width - first - self.current_indent, 20)) or [""]
            if width(term) > first - col_spacing:
                self.write(f"{indent}{term}\n")
                term = ""
            for line in lines:
                self.write(f"{indent}{pad(term, first)}{line}".rstrip() + "\n")
                term = ""


class Context(click.Context):
    """click's context with our help page."""

    formatter_class = Formatter


class Option(click.Option):
    """An option whose help is translated when it is shown."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option's names and its explanation."""
        spoken = copy(self)
        spoken.help = _(self.help) if self.help else None
        return click.Option.get_help_record(spoken, ctx)


class Spoken:
    """What verbs and groups of verbs have in common: their help is translated when it is shown."""

    help: str | None
    context_class: type[click.Context] = Context

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first sentence, whole."""
        return _(self.help).partition("\n\n")[0] if self.help else ""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the explanation."""
        if self.help:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(_(self.help))


class Verb(Spoken, click.Command):
    """One verb."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_json_option())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Understand what was typed; bytes that are no UTF-8 name nothing, and the store takes none."""
        try:
            left = super().parse_args(ctx, args)
        except click.BadParameter as error:
            if not isinstance(error.__context__, OSError):
                raise
            raise click.BadParameter(_of_file(error.__context__), error.ctx, error.param) from error
        for param in self.params:
            if param.type is click.STRING and not _is_text(ctx.params.get(param.name or "")):
                raise click.BadParameter(_("This is no text in UTF-8; please type it anew."), ctx, param)
        return left


def _of_file(error: OSError) -> str:
    """Say why a file cannot be read, and what to do."""
    from mailer.cli.foreign import told

    if isinstance(error, FileNotFoundError):
        words = _("There is no file {file}. Look at its name and at the directory in which you are.")
        return words.format(file=error.filename)
    words = _("The file {file} cannot be read ({error}). Look at its rights, or name another file.")
    return words.format(file=error.filename, error=told(error.strerror or ""))


def _is_text(value: object) -> bool:
    """Tell whether a value, or each of several, has no stray bytes in it (PEP 383)."""
    if isinstance(value, tuple):
        return all(map(_is_text, value))
    return not isinstance(value, str) or not any("\ud800" <= character <= "\udfff" for character in value)


def _json_option() -> Option:
    words = N_("Write JSON to standard output and ask nothing.")
    return Option(["--json"], is_flag=True, expose_value=False, callback=_speak_json, help=words)


def _speak_json(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Session).json = True


class Verbs(Spoken, click.Group):
    """A group of verbs. Those of `later` (name → "module:attribute") are imported when they are needed."""

    command_class = Verb
    group_class = type

    def __init__(self, *args: Any, later: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_json_option())
        self.later = dict(later or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they are explained."""
        return [*self.later, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the verb, imported if need be."""
        if cmd_name not in self.later:
            return super().get_command(ctx, cmd_name)
        module, _colon, attribute = self.later[cmd_name].partition(":")
        verb: click.Command = getattr(import_module(module), attribute)
        return verb


def option(*names: str, help: str, **more: Any) -> Callable[[Any], Any]:
    """Declare an option; `help` is a msgid."""
    return click.option(*names, cls=Option, help=help, **more)
