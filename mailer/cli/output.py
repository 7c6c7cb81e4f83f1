"""How does an answer look: one JSON document, JSON lines, or a table for people?"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

import click

from mailer.cli.width import pad, visible, width
from mailer.clock import JAPAN
from mailer.domain.moment import written
from mailer.language import _


def document(value: Any) -> None:
    """Write one JSON document, always in UTF-8."""
    click.echo(json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8", "backslashreplace"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return written(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def lines(values: Iterable[Any]) -> None:
    """Write JSON lines."""
    for value in values:
        document(value)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, indent: bool = False) -> None:
    """Write a table with aligned columns; a column of numbers only stands at the right.

    With `indent` the rows stand a little to the right of their heads: they are what the heads add up.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    right = [bool(cells) and all(row[column].isdigit() for row in cells) for column in range(len(heads))]
    if indent:
        cells = [[f"  {row[0]}", *row[1:]] for row in cells]
    columns = [max(width(row[column]) for row in [list(heads), *cells]) for column in range(len(heads))]
    for row in [list(heads), *cells]:
        fields = (pad(text, wide, right=end) for text, wide, end in zip(row, columns, right, strict=True))
        click.echo("  ".join(fields).rstrip())


def facts(pairs: Iterable[tuple[str, object]]) -> None:
    """Write names and values, one pair a line, the values below each other."""
    shown = [(name, _cell(value)) for name, value in pairs]
    wide = max(width(name) for name, _value in shown)
    for name, value in shown:
        click.echo(f"{pad(name, wide)}  {value}".rstrip())


def say(text: str) -> None:
    """Write one sentence to standard output."""
    click.echo(visible(text))


def note(text: str) -> None:
    """Write one sentence to standard error: what is not the answer itself."""
    click.echo(visible(text), err=True)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return moment(value)
    return "" if value is None else visible(str(value))


def moment(value: datetime) -> str:
    """Return a time as people here read it: Japan time, to the second."""
    return value.astimezone(JAPAN).strftime("%Y-%m-%d %H:%M:%S")


def zoned(value: datetime) -> str:
    """Return a time as people here read it, with its zone: where somebody acts by it, no doubt must be left."""
    return _("{time} Japan time").format(time=moment(value))


class Advance(Protocol):
    """Told of every step: how many more are done, and if they changed the words before the bar."""

    def __call__(self, count: int, label: str = "") -> None: ...


@contextmanager
def progress(shown: bool, label: str, total: int) -> Iterator[Advance]:
    """Give a function that is told of every step; with `shown` a bar on standard error follows it."""
    if not shown:
        yield lambda count, label="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda count, label="": bar.update(task, advance=count, description=label or None)
