"""Does the parser understand what many servers write back, and does it name nobody without cause?

The mails of `corpus/` were written for this project after the layouts and wordings of real servers, and labelled by
the rules of the taxonomy. In `corpus/expected.json` any of the addresses, kinds and reasons of an answer is right; a
mail without answers reports nothing of a recipient. A machine's report about no single reader counts for nothing.

The layouts of `harvest-*` are those of the test mails of GNU Mailman (flufl.bounce 6.0) and of the Perl module
Mail::DeliveryStatus::BounceParser 1.543, with other addresses and texts; those of `layout*-*` were written after the
sources, documents and help pages of the systems that they are named by, each batch before anything was changed for it.
Those of `seen-*` have the forms of mails that were misread at first sight, as the tests of help desks, list archives
and forums show them. Those of `form-*` and `ja-*` were written after the documents and sources of servers, and after
what the source of Sisimai's modules tells of a server's own format; nearly all of them were misread at first.
"""

import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypedDict

import pytest

from config import Settings
from config.bounces import load_bounces
from mailer.bounce.event import Event, Kind
from mailer.bounce.parse import read
from mailer.bounce.rulebook import Rulebook
from mailer.carrier.reason import Reason

HERE = Path(__file__).parent
LF, CRLF = b"\n", b"\r\n"


class Answer(TypedDict):
    accept: list[str]
    kind: list[str]
    reason: list[str]


class Sample(TypedDict):
    path: str
    events: list[Answer]
    tags: list[str]


class Pair(NamedTuple):
    """An answer and what the parser said about the same recipient, either of which may be missing."""

    path: str
    answer: Answer | None
    event: Event | None

    @property
    def is_false_hard(self) -> bool:
        allowed = self.answer["kind"] if self.answer else ()
        return bool(self.event and self.event.kind is Kind.HARD and Kind.HARD.value not in allowed)

    def reason_is_right(self) -> bool:
        return bool(self.answer and self.event and self.event.reason.value in self.answer["reason"])

    def kind_is_right(self) -> bool:
        return bool(self.answer and self.event and self.event.kind.value in self.answer["kind"])

    def item_is_right(self) -> bool:
        if not (self.answer and self.event):
            return False
        items = {Reason(reason).meaning.faq_item for reason in self.answer["reason"]}
        return self.event.reason.meaning.faq_item in items


@cache
def samples() -> tuple[Sample, ...]:
    return tuple(json.loads((HERE / "corpus" / "expected.json").read_text("utf-8"))["samples"])


@cache
def book() -> Rulebook:
    return load_bounces(Settings.model_validate({}))


def events(sample: Sample, line_end: bytes) -> list[Event]:
    content = (HERE / sample["path"]).read_bytes().replace(LF, line_end)
    return [event for event in read(content, book()).events if event.kind is not Kind.REPORT]


def pairs_of(sample: Sample, line_end: bytes) -> list[Pair]:
    given = events(sample, line_end)
    pairs = []
    for answer in sample["events"]:
        accepted = [address.lower() for address in answer["accept"]]
        event = next((event for event in given if event.recipient.lower() in accepted), None)
        if event:
            given.remove(event)
        pairs.append(Pair(sample["path"], answer, event))
    return [*pairs, *(Pair(sample["path"], None, event) for event in given)]


@cache
def all_pairs(line_end: bytes) -> tuple[Pair, ...]:
    return tuple(pair for sample in samples() for pair in pairs_of(sample, line_end))


def told(pairs: list[Pair]) -> str:
    """Name what is wrong, a line each, for whom a test fails."""
    return "\n".join(f"{pair.path}: expected {pair.answer}, got {said(pair.event)}" for pair in pairs)


def said(event: Event | None) -> str:
    return f"{event.recipient} {event.kind} {event.reason}: {event.diagnostic[:100]}" if event else "nothing"


def assert_share(right: list[Pair], of: list[Pair], least: float) -> None:
    wrong = [pair for pair in of if pair not in right]
    assert len(right) >= least * len(of), f"{len(right)} of {len(of)}\n{told(wrong)}"


line_ends = pytest.mark.parametrize("line_end", [LF, CRLF], ids=["LF", "CRLF"])


def test_the_corpus_is_broad() -> None:
    reasons = Counter(reason for sample in samples() for answer in sample["events"] for reason in answer["reason"])
    assert set(reasons) == {reason.value for reason in Reason}
    assert len(samples()) >= 150
    assert {path.name for path in (HERE / "corpus").glob("*.eml")} == {Path(one["path"]).name for one in samples()}


@line_ends
def test_nearly_every_recipient_is_found(line_end: bytes) -> None:
    expected = [pair for pair in all_pairs(line_end) if pair.answer]
    assert_share([pair for pair in expected if pair.event], expected, 0.97)


@line_ends
def test_nearly_nobody_else_is_named(line_end: bytes) -> None:
    given = [pair for pair in all_pairs(line_end) if pair.event]
    assert_share([pair for pair in given if pair.answer], given, 0.99)


@line_ends
@pytest.mark.parametrize(
    ("right", "least"),
    [(Pair.kind_is_right, 0.96), (Pair.reason_is_right, 0.92), (Pair.item_is_right, 0.96)],
    ids=["kind", "reason", "item"],
)
def test_what_is_said_of_them_is_right(line_end: bytes, right: Callable[[Pair], bool], least: float) -> None:
    both = [pair for pair in all_pairs(line_end) if pair.answer and pair.event]
    assert_share([pair for pair in both if right(pair)], both, least)


@line_ends
def test_no_good_address_is_called_dead(line_end: bytes) -> None:
    false = [pair for pair in all_pairs(line_end) if pair.is_false_hard]
    assert not false, told(false)


@line_ends
def test_an_ordinary_mail_names_nobody(line_end: bytes) -> None:
    named = [pair for sample in samples() if not sample["events"] for pair in pairs_of(sample, line_end)]
    assert not named, told(named)


@line_ends
def test_what_was_misread_once_is_right(line_end: bytes) -> None:
    seen = [pair for sample in samples() if "/seen-" in sample["path"] for pair in pairs_of(sample, line_end)]
    wrong = [pair for pair in seen if not (pair.kind_is_right() and pair.reason_is_right())]
    assert seen
    assert not wrong, told(wrong)


def test_line_ends_make_no_difference() -> None:
    differing = {lf.path for lf, crlf in zip(all_pairs(LF), all_pairs(CRLF), strict=True) if lf != crlf}
    assert not differing
