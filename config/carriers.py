"""Which carriers, manners and reply rules stand in carriers.toml?

Every figure and every rule says how we know it: a source that can be looked up, or `our choice` and the reason.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from config import kinds
from config.document import Document, read_document
from config.problem import ConfigError, Problem, shown, wrong
from config.schema import DomainName, Section, Settings, Switch
from mailer.carrier.group import Carrier, Carriers, Help, Manners
from mailer.carrier.reason import Reason
from mailer.carrier.rule import STAGES, Rule

SHIPPED = Path(__file__).with_name("carriers.toml")
#: Reasons that a reply can have: what only a mail can say (a complaint, an automatic answer) is no reply's reason.
REPLY_REASONS = tuple(reason for reason in Reason if reason.meaning.kind in ("hard", "soft"))

Value = TypeVar("Value")
Words = Annotated[str, PlainValidator(kinds.words(300))]
Source = Words
Pattern = Annotated[re.Pattern[str], PlainValidator(kinds.pattern)]
Phrase = Annotated[str, PlainValidator(kinds.words(200)), AfterValidator(str.lower)]
Stages = tuple[Annotated[str, PlainValidator(kinds.choice(*STAGES))], ...]
Domains = Annotated[
    tuple[Annotated[str, PlainValidator(kinds.domain_pattern)], ...], AfterValidator(kinds.all_different)
]
Count = Annotated[int, PlainValidator(kinds.whole(1, 1000))]
Rate = Annotated[float, PlainValidator(kinds.number(0.01, 10_000))]
Minutes = Annotated[frozenset[int], PlainValidator(kinds.minutes)]
Pause = Annotated[timedelta, PlainValidator(kinds.duration("1s", "1d"))]


def _reason(word: str) -> Reason:
    """Return the reason of a word; from Python 3.12 on pydantic cannot tell how the enumeration itself is called."""
    return Reason(word)


class Figure(Section, Generic[Value]):
    """A figure or a sentence and how we know it: `{ value = 10, source = "…" }`."""

    value: Value
    source: Source


class MannersEntry(Section):
    """How a carrier wants to be spoken to; what is left out is as for sites that no entry names."""

    connections: Figure[Count] | None = None
    messages_per_session: Figure[Count] | None = None
    messages_per_second: Figure[Rate] | None = None
    urgent_messages_per_second: Figure[Rate] | None = None
    pause: Figure[Pause] | None = None
    avoid_minutes: Figure[Minutes] | None = None


class HelpEntry(Section):
    """What the carrier's customers are told, with how we know it; what is left out is told in general words."""

    filter: Figure[Words] | None = None
    ask: Figure[Words] | None = None


class RuleEntry(Section):
    """What a kind of reply means; `kind` and `action` follow from the reason where they are left out."""

    host: DomainName | None = None
    stage: Stages = ()
    code: Pattern | None = None
    enhanced: Pattern | None = None
    phrases: tuple[Phrase, ...] = ()
    text: Pattern | None = None
    reason: Annotated[Reason, PlainValidator(kinds.choice(*REPLY_REASONS)), AfterValidator(_reason)]
    kind: Annotated[str, PlainValidator(kinds.choice("hard", "soft"))] | None = None
    action: Annotated[str, PlainValidator(kinds.choice("refuse", "defer"))] | None = None
    pause: Switch = False
    reader: Switch = False
    source: Source

    @model_validator(mode="after")
    def _makes_sense(self) -> "RuleEntry":
        if not (self.stage or self.code or self.enhanced or self.phrases or self.text):
            raise wrong("empty_rule", "")
        if self.kind == "hard" and self.action == "defer":
            raise wrong("hard_defer", "", at="action")
        if self.reader and self.pause:
            raise wrong("reader_pause", "", at="pause")
        return self


class CarrierEntry(Section):
    """One carrier: known by the domains of its addresses, by the ends of its mail hosts' names, or both."""

    label: Annotated[str, PlainValidator(kinds.words(64))]
    domains: Domains = ()
    mx_suffixes: Annotated[tuple[DomainName, ...], AfterValidator(kinds.all_different)] = ()
    tenants: Switch = False
    help: HelpEntry = HelpEntry()
    manners: MannersEntry = MannersEntry()
    rule: tuple[RuleEntry, ...] = ()


class Unnamed(Section):
    """What holds at sites that no carrier's entry names and that [delivery] does not say."""

    pause: Figure[Pause]


class CarriersFile(Section):
    """All of carriers.toml."""

    unnamed: Unnamed
    carrier: dict[str, CarrierEntry] = Field(default_factory=dict)
    rule: tuple[RuleEntry, ...] = ()


def load_carriers(settings: Settings) -> Carriers:
    """Read the carriers of the `[carriers] file` or the shipped list; raise ConfigError with all that is wrong."""
    document = read_document(settings.carriers.file or SHIPPED, CarriersFile)
    if problems := list(_shared(document)):
        raise ConfigError(problems)
    delivery, file = settings.delivery, document.value
    pause = int(file.unnamed.pause.value.total_seconds())
    default = Manners(delivery.connections_per_site, delivery.messages_per_session, None, None, pause)
    groups = tuple(_carrier(name, entry, default) for name, entry in file.carrier.items())
    return Carriers(groups, tuple(map(rule_of, file.rule)), default)


def sources_of_manners(settings: Settings, carrier: str) -> dict[str, str]:
    """Return how each figure of a carrier's manners is known, by its key; of what is left out, nothing."""
    entry = read_document(settings.carriers.file or SHIPPED, CarriersFile).value.carrier.get(carrier)
    if entry is None:
        return {}
    figures = {name: getattr(entry.manners, name) for name in MannersEntry.model_fields}
    return {name: figure.source for name, figure in figures.items() if figure is not None}


def _shared(document: Document[CarriersFile]) -> Iterator[Problem]:
    """Find domains and host names that two carriers claim."""
    for key in ("domains", "mx_suffixes"):
        taken: dict[str, str] = {}
        for name, entry in document.value.carrier.items():
            for number, value in enumerate(getattr(entry, key)):
                if value in taken:
                    path = ("carrier", name, key, number)
                    yield document.problem(path, "in_use", value=shown(value), other=f"carrier.{taken[value]}")
                taken.setdefault(value, name)


def _carrier(name: str, entry: CarrierEntry, default: Manners) -> Carrier:
    rules = tuple(map(rule_of, entry.rule))
    manners = _manners(entry.manners, default)
    domains, words = frozenset(entry.domains), _help(entry.help)
    return Carrier(name, entry.label, domains, entry.mx_suffixes, manners, rules, entry.tenants, words)


def _help(entry: HelpEntry) -> Help:
    return Help(**_values(entry))


def _values(entry: HelpEntry | MannersEntry) -> dict[str, Any]:
    """Return what an entry gives, by its keys, without the sources."""
    given = {name: getattr(entry, name) for name in type(entry).model_fields}
    return {name: figure.value for name, figure in given.items() if figure is not None}


def _manners(entry: MannersEntry, default: Manners) -> Manners:
    given = _values(entry)
    if (pause := given.pop("pause", None)) is not None:
        given["pause_seconds"] = int(pause.total_seconds())
    return replace(default, **given)


def rule_of(entry: RuleEntry) -> Rule:
    """Return the rule of an entry, with what follows from its reason filled in."""
    meaning = entry.reason.meaning
    kind = entry.kind or ("soft" if entry.action == "defer" else meaning.kind)
    return Rule(
        reason=entry.reason,
        kind=kind,
        action=entry.action or ("defer" if meaning.tried_again else "refuse"),
        source=entry.source,
        host=entry.host or "",
        stages=frozenset(entry.stage),
        code=entry.code,
        enhanced=entry.enhanced,
        phrases=entry.phrases,
        text=entry.text,
        pause=entry.pause,
        reader=entry.reader,
    )
