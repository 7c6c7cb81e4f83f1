"""Which schools stand in schools.toml, and is the list fit to send by?

The addresses are a contract with every guardian's phone (F2): each is CODE@DOMAIN of the domain that we send from,
and a school that closes keeps its entry. What is said of replies for all schools holds for each that says nothing else.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator

from config import kinds
from config.document import Document, read_document
from config.problem import ConfigError, Problem, shown, wrong
from config.schema import Section, Settings, Switch
from mailer.domain.answering import Replies, ReplyPolicy
from mailer.domain.school import CITIES, City, School, Schools

SHIPPED = Path(__file__).with_name("schools.toml")
KINDS = ("elementary", "junior_high")
#: Local parts that belong to the domain itself (RFC 2142, RFC 5321 §4.5.1) or that reports come from by custom.
RESERVED = ("abuse", "mailer-daemon", "postmaster")

Code = Annotated[str, PlainValidator(kinds.school_code)]
Label = Annotated[str, PlainValidator(kinds.words(64))]
Policy = Annotated[ReplyPolicy, PlainValidator(lambda value: ReplyPolicy(kinds.choice(*ReplyPolicy)(value)))]
Mailbox = Annotated[str, PlainValidator(kinds.mailbox)]
Phone = Annotated[str, PlainValidator(kinds.phone)]
Text = Annotated[str, PlainValidator(kinds.text(2000))]


class RepliesEntry(Section):
    """What becomes of mail that people write to the schools, where a school says nothing else."""

    policy: Policy = ReplyPolicy.NOTICE
    forward_to: Mailbox | None = None
    phone: Phone | None = None
    text: Text | None = None


class SchoolEntry(Section):
    """One school; without an address it is CODE@DOMAIN. `replies` and what follows is as in `[replies]`."""

    code: Code
    name: Label
    address: Annotated[str, PlainValidator(kinds.words(254))] | None = None
    city: Annotated[str, PlainValidator(kinds.choice(*CITIES))]
    kind: Annotated[str, PlainValidator(kinds.choice(*KINDS))]
    closed_on: Annotated[date, PlainValidator(kinds.day)] | None = None
    merged_into: Code | None = None
    replies: Policy | None = None
    forward_to: Mailbox | None = None
    phone: Phone | None = None
    reply_text: Text | None = None


class CityEntry(Section):
    """What a city is called, and which features its schools use."""

    label: Label
    broadcasts: Switch = True
    receipts: Switch = True


def _city(value: object) -> str:
    if value not in CITIES:
        raise wrong("unknown_city", value, allowed=", ".join(CITIES))
    return str(value)


class SchoolsFile(Section):
    """All of schools.toml."""

    school: Annotated[tuple[SchoolEntry, ...], AfterValidator(kinds.at_least_one)]
    replies: RepliesEntry = RepliesEntry()
    city: dict[Annotated[str, PlainValidator(_city)], CityEntry] = Field(default_factory=dict)


def load_schools(settings: Settings) -> Schools:
    """Read the schools of the `[schools] file` or the shipped list; raise ConfigError with all that is wrong."""
    document = read_document(settings.schools.file or SHIPPED, SchoolsFile)
    domain = settings.domain.name
    problems = [*_address_problems(document, domain), *_merger_problems(document), *_reply_problems(document, domain)]
    if problems:
        raise ConfigError(problems)
    listed = [
        _school(entry, order, domain, document.value.replies) for order, entry in enumerate(document.value.school)
    ]
    cities = {code: City(code, **entry.model_dump()) for code, entry in document.value.city.items()}
    return Schools({school.code: school for school in listed}, cities)


def _school(entry: SchoolEntry, order: int, domain: str, common: RepliesEntry) -> School:
    return School(
        code=entry.code,
        name=entry.name,
        address=f"{entry.code}@{domain}",
        city=entry.city,
        kind=entry.kind,
        order=order,
        closed_on=entry.closed_on,
        merged_into=entry.merged_into,
        replies=_replies(entry, common),
    )


def _replies(entry: SchoolEntry, common: RepliesEntry) -> Replies:
    return Replies(
        policy=entry.replies or common.policy,
        forward_to=entry.forward_to or common.forward_to or "",
        phone=entry.phone or common.phone or "",
        text=entry.reply_text or common.text or "",
    )


def _address_problems(document: Document[SchoolsFile], domain: str) -> Iterator[Problem]:
    """Find codes that are taken and addresses that are not CODE@DOMAIN."""
    taken: set[str] = set()
    for number, entry in enumerate(document.value.school):
        wanted = f"{entry.code}@{domain}"
        shipped = (entry.address or "").partition("@")[2]
        if entry.code in taken:
            yield document.problem(("school", number, "code"), "twice", value=shown(entry.code))
        if entry.code in RESERVED:
            yield document.problem(("school", number, "code"), "in_use", value=shown(entry.code), other="RFC 2142")
        if entry.address not in (None, wanted):
            path = ("school", number, "address")
            if document.file == SHIPPED and shipped != domain:
                yield document.problem(path, "other_domain", shipped=shipped, domain=domain)
                return
            yield document.problem(path, "wrong_address", value=shown(entry.address), wanted=wanted, domain=domain)
        taken.add(entry.code)


def _merger_problems(document: Document[SchoolsFile]) -> Iterator[Problem]:
    """Find mergers that lead nowhere: guardians of a merged school are told of the one it went to."""
    into = {entry.code: entry.merged_into for entry in document.value.school}
    for number, entry in enumerate(document.value.school):
        path = ("school", number, "merged_into")
        if entry.merged_into is None:
            continue
        if entry.merged_into not in into:
            yield document.problem(path, "no_school", value=shown(entry.merged_into))
        elif entry.closed_on is None:
            yield document.problem(path, "not_closed")
        elif _leads_round(entry.code, into):
            yield document.problem(path, "merged_round", value=shown(entry.code))


def _reply_problems(document: Document[SchoolsFile], domain: str) -> Iterator[Problem]:
    """Find schools whose mail is to be handed on to nobody, and mailboxes from which it would come back."""
    common = document.value.replies
    if _is_own(common.forward_to, domain):
        yield document.problem(("replies", "forward_to"), "comes_back", value=shown(common.forward_to), domain=domain)
    for number, entry in enumerate(document.value.school):
        if _is_own(entry.forward_to, domain):
            path = ("school", number, "forward_to")
            yield document.problem(path, "comes_back", value=shown(entry.forward_to), domain=domain)
        found = _replies(entry, common)
        if found.policy is ReplyPolicy.FORWARD and not found.forward_to:
            yield document.problem(("school", number, "replies"), "no_forward_to")


def _is_own(mailbox: str | None, domain: str) -> bool:
    return mailbox is not None and mailbox.rpartition("@")[2].lower() == domain


def _leads_round(code: str, into: dict[str, str | None]) -> bool:
    following = into[code]
    for _ in into:
        if following is None or following == code:
            break
        following = into.get(following)
    return following == code
