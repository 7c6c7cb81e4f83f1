"""What do these replies of mail servers mean?

The verb needs no configuration, and its answers are JSON lines always.
"""

import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from mailer.carrier.rule import STAGES
from mailer.cli import output
from mailer.cli.failure import Refused
from mailer.cli.verb import N_, Verb
from mailer.language import _

if TYPE_CHECKING:
    from mailer.carrier.reading import Reading

LONGEST_LINE = 64 * 1024

UNCLEAR = {"kind": "soft", "reason": "unclear"}

Read = Callable[[str, str, str], "Reading"]


class Spoilt(ValueError):
    """A line is no question; `words` say why in English, and in the language spoken once they are translated."""

    def __init__(self, words: str, **fields: object) -> None:
        super().__init__(words.format(**fields))
        self.told = _(words).format(**fields)


@click.command(
    cls=Verb,
    help=N_(
        'Say what replies mean: JSON lines {"id", "mx", "stage", "reply"} on standard input, a JSON line'
        ' {"id", "kind", "reason"} for each.\n\n'
        "stage is connect, ehlo, starttls, mail, rcpt, data or eod (the reply to the end of the data). A line that"
        ' cannot be read is answered as unclear, with "line" and "problem", and named on standard error; the exit code'
        " is 1 then."
    ),
)
def reading() -> None:
    """Answer line by line, each at once, so that the two ends can talk."""
    from config import Settings
    from config.carriers import load_carriers
    from mailer.carrier.quoted import read_quoted

    carriers = load_carriers(Settings.model_validate({}))
    lines = spoilt = 0
    for number, line in _lines(sys.stdin.buffer):
        lines += 1
        try:
            output.document(_answer(line, lambda mx, stage, reply: read_quoted(carriers, mx, stage, reply)))
        except Spoilt as error:
            spoilt += 1
            output.document({"id": _name_of(line), **UNCLEAR, "line": number, "problem": str(error)})
            output.note(_("line {number}: {problem}").format(number=number, problem=error.told))
    if spoilt:
        words = _("Lines that could not be read and were answered as unclear: {spoilt} of {lines}.")
        raise Refused(words.format(spoilt=spoilt, lines=lines))


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Give the lines that are not empty with their numbers; of one that is too long its beginning."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE + 1)
        if line.strip():
            yield number, line


def _answer(line: bytes, read: Read) -> dict[str, Any]:
    question = _question(line)
    found = read(_text(question, "mx"), _stage(question), _text(question, "reply"))
    return {"id": _id(question), "kind": found.kind, "reason": found.reason.value}


def _question(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise Spoilt(N_("the line is longer than {limit} octets"), limit=LONGEST_LINE)
    try:
        question = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise Spoilt(N_("the line is not JSON")) from None
    if not isinstance(question, dict):
        raise Spoilt(N_("the line is no JSON object"))
    return question


def _text(question: dict[str, Any], key: str) -> str:
    value = question.get(key, "")
    if not isinstance(value, str):
        raise Spoilt(N_("{key} must be a text"), key=key)
    return value


def _stage(question: dict[str, Any]) -> str:
    stage = _text(question, "stage").lower()
    if stage not in STAGES:
        raise Spoilt(N_("stage must be one of {stages}"), stages=", ".join(STAGES))
    return stage


def _name_of(line: bytes) -> str | int | None:
    """Return what names the question on a line that is spoilt, as far as that can be read."""
    try:
        return _id(_question(line))
    except Spoilt:
        return None


def _id(question: dict[str, Any]) -> str | int | None:
    """Return what names the question, if it is fit to be said again."""
    value = question.get("id")
    return value if isinstance(value, str | int) else None
