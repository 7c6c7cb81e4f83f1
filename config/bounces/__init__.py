"""Which returned mails do we know how to read? The data of `mailer.bounce`, a file for each family of servers.

The files are part of the product and not a setting: they are checked when they are read, and a test reads them all.
`general.toml` comes last. What a reply of a server means stands in `carriers.toml`.
"""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, PlainValidator

from config import kinds
from config.carriers import RuleEntry, Source, load_carriers, rule_of
from config.document import read_document
from config.problem import wrong
from config.schema import Section, Settings, Switch
from mailer.bounce.address_in import ADDRESS
from mailer.bounce.rulebook import Rulebook
from mailer.bounce.shape import Shape

SHIPPED = Path(__file__).parent
LAST = "general.toml"


def _line_pattern(value: object) -> re.Pattern[str]:
    """Return a pattern for lines in which `{address}` stands for a recipient's address."""
    text = kinds.words(500)(value).replace("{address}", f"(?P<address>{ADDRESS})")
    return _compiled(text, value)


def _mark(value: object) -> str:
    """Return a pattern of a whole line, as text, to be joined with others."""
    text = kinds.words(300)(value)
    _compiled(text, value)
    return text


def _compiled(text: str, value: object) -> re.Pattern[str]:
    try:
        return re.compile(text, re.MULTILINE | re.IGNORECASE)
    except re.error as error:
        raise wrong("pattern", value, detail=str(error)) from error


Phrase = Annotated[str, PlainValidator(kinds.words(200)), AfterValidator(str.lower)]
LinePattern = Annotated[re.Pattern[str], PlainValidator(_line_pattern)]
Mark = Annotated[str, PlainValidator(_mark)]


class ShapeEntry(Section):
    """One private format; see `mailer.bounce.shape.Shape`."""

    name: Phrase
    signs: tuple[Phrase, ...] = ()
    senders: tuple[Phrase, ...] = ()
    recipients: tuple[LinePattern, ...]
    delayed: tuple[Phrase, ...] = ()
    before: Switch = False
    around: Switch = False
    source: Source


class FamilyFile(Section):
    """One file of the folder: formats, rules for words, marks of copies, subjects."""

    shape: tuple[ShapeEntry, ...] = ()
    rule: tuple[RuleEntry, ...] = ()
    copies: tuple[Mark, ...] = ()
    fillers: tuple[Phrase, ...] = ()
    subjects: tuple[Phrase, ...] = ()
    delays: tuple[Phrase, ...] = ()
    failures: tuple[Phrase, ...] = ()
    successes: tuple[Phrase, ...] = ()
    others: tuple[Phrase, ...] = ()


def load_bounces(settings: Settings) -> Rulebook:
    """Read the shipped data and the carriers of the settings; raise ConfigError with all that is wrong in a file."""
    names = sorted(SHIPPED.glob("*.toml"), key=lambda path: (path.name == LAST, path.name))
    families = [read_document(path, FamilyFile).value for path in names]
    copies = "|".join(f"(?:{mark})" for family in families for mark in family.copies)
    return Rulebook(
        carriers=load_carriers(settings),
        wordings=tuple(rule_of(entry) for family in families for entry in family.rule),
        shapes=tuple(_shape(entry) for family in families for entry in family.shape),
        copies=re.compile(rf"^[ \t>]*(?:{copies})[^\n]*$", re.MULTILINE | re.IGNORECASE),
        fillers=tuple(filler for family in families for filler in family.fillers),
        subjects=tuple(subject for family in families for subject in family.subjects),
        delays=tuple(delay for family in families for delay in family.delays),
        failures=tuple(failure for family in families for failure in family.failures),
        successes=tuple(success for family in families for success in family.successes),
        others=tuple(other for family in families for other in family.others),
    )


def _shape(entry: ShapeEntry) -> Shape:
    return Shape(
        name=entry.name,
        source=entry.source,
        signs=entry.signs,
        senders=entry.senders,
        recipients=entry.recipients,
        delayed=entry.delayed,
        before=entry.before,
        around=entry.around,
    )
