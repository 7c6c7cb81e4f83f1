"""What do these returned mails say?

The verb needs no configuration, and its answers are JSON lines always: every path gets one, whatever the file holds.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.failure import Refused
from mailer.cli.verb import N_, Verb
from mailer.language import _

if TYPE_CHECKING:
    from mailer.bounce.event import Event

#: What is read of one mail: as much as port 25 takes.
MOST_OCTETS = 10 * 1024 * 1024


@click.command(
    cls=Verb,
    help=N_(
        "Say what returned mails mean: FILEs as arguments or one a line on standard input, a JSON line"
        ' {"path", "events": [{"recipient", "kind", "reason", "status", "diagnostic", "faq_item"}]} for each.\n\n'
        "kind is hard (the address is dead), soft, delayed, delivered, complaint, autoreply or report. A mail that"
        " reports nothing has no events. A file that cannot be read has none either and is named on standard error; the"
        " exit code is 1 then."
    ),
)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
def parse(files: tuple[Path, ...]) -> None:
    """Answer path by path, each at once, so that the two ends can talk."""
    from config import Settings
    from config.bounces import load_bounces
    from mailer.bounce.parse import read

    book = load_bounces(Settings.model_validate({}))
    unread = 0
    for path in map(str, files) if files else _paths():
        content, problem = _content(path)
        document: dict[str, Any] = {"path": path, "events": [_told(event) for event in read(content, book).events]}
        if problem:
            unread += 1
            document["problem"] = problem
            output.note(_("{path} cannot be read: {problem}").format(path=path, problem=problem))
        output.document(document)
    if unread:
        raise Refused(_("Files that could not be read: {unread}.").format(unread=unread))


def _paths() -> Iterator[str]:
    for line in sys.stdin.buffer:
        path = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        if path:
            yield path


def _content(path: str) -> tuple[bytes, str]:
    """Return the mail in a file, and why there is none."""
    try:
        with open(path, "rb") as file:
            return file.read(MOST_OCTETS), ""
    except (OSError, ValueError) as error:
        return b"", getattr(error, "strerror", None) or str(error)


def _told(event: "Event") -> dict[str, Any]:
    return {
        "recipient": event.recipient,
        "kind": event.kind.value,
        "reason": event.reason.value,
        "status": event.status,
        "diagnostic": event.diagnostic,
        "faq_item": event.reason.meaning.faq_item,
    }
