"""What does that which came back mean?

These verbs need no configuration, and their answers are JSON lines always.
"""

import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from mailer.carrier.rule import STAGES
from mailer.cli import output
from mailer.cli.verb import N_, Verb, Verbs

if TYPE_CHECKING:
    from mailer.carrier.reading import Reading

LONGEST_LINE = 64 * 1024

UNCLEAR = {"kind": "soft", "reason": "unclear"}

Read = Callable[[str, str, str], "Reading"]


class Spoilt(ValueError):
    """A line is no question; the argument says why."""


@click.group(cls=Verbs, help=N_("What came back: what replies of mail servers mean."))
def bounce() -> None:
    """Group the verbs about what came back."""


@bounce.command(
    cls=Verb,
    help=N_(
        'Say what replies mean: JSON lines {"id", "mx", "stage", "reply"} on standard input, a JSON line'
        ' {"id", "kind", "reason"} for each.\n\n'
        "stage is connect, ehlo, starttls, mail, rcpt, data or eod (the reply to the end of the data). A line that"
        ' cannot be read is answered as unclear, with "problem".'
    ),
)
def reading() -> None:
    """Answer line by line, each at once, so that the two ends can talk."""
    from config import Settings
    from config.carriers import load_carriers
    from mailer.carrier.quoted import read_quoted

    carriers = load_carriers(Settings.model_validate({}))
    for line in _lines(sys.stdin.buffer):
        output.document(_answer(line, lambda mx, stage, reply: read_quoted(carriers, mx, stage, reply)))


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Give the lines that are not empty; of one that is too long its beginning, whatever comes up to its end."""
    while line := stream.readline(LONGEST_LINE + 1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE + 1)
        if line.strip():
            yield line


def _answer(line: bytes, read: Read) -> dict[str, Any]:
    question: dict[str, Any] = {}
    try:
        question = _question(line)
        found = read(_text(question, "mx"), _stage(question), _text(question, "reply"))
    except Spoilt as error:
        return {"id": _id(question), **UNCLEAR, "problem": str(error)}
    return {"id": _id(question), "kind": found.kind, "reason": found.reason.value}


def _question(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise Spoilt(f"the line is longer than {LONGEST_LINE} octets")
    try:
        question = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise Spoilt("the line is not JSON") from None
    if not isinstance(question, dict):
        raise Spoilt("the line is no JSON object")
    return question


def _text(question: dict[str, Any], key: str) -> str:
    value = question.get(key, "")
    if not isinstance(value, str):
        raise Spoilt(f"{key} must be a text")
    return value


def _stage(question: dict[str, Any]) -> str:
    stage = _text(question, "stage").lower()
    if stage not in STAGES:
        raise Spoilt(f"stage must be one of {', '.join(STAGES)}")
    return stage


def _id(question: dict[str, Any]) -> str | int | None:
    """Return what names the question, if it is fit to be said again."""
    value = question.get("id")
    return value if isinstance(value, str | int) else None
