"""Is every format and every rule of config/bounces there for a mail that we know?

One that no mail of `corpus` or `real` reaches is a misprint, stands behind another that takes its mails, or is not
needed: nobody could tell.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from config import Settings
from config.bounces import load_bounces
from mailer.bounce import noticed as notices
from mailer.bounce.parse import read
from mailer.bounce.shape import Named, Shape, named_by
from mailer.carrier.rule import Rule

HERE = Path(__file__).parent
BOOK = load_bounces(Settings.model_validate({}))
DECIDED: set[Rule] = set()


@dataclass(frozen=True, eq=False)
class Heeded(Rule):
    """A rule that remembers that it decided: the first whose words are said always does."""

    def says(self, words: str) -> bool:
        said = Rule.says(self, words)
        if said:
            DECIDED.add(self)
        return said


def heeded(rule: Rule) -> Heeded:
    return Heeded(**{field: getattr(rule, field) for field in Rule.__dataclass_fields__})


def test_each_format_and_each_rule_is_there_for_a_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    naming: set[Shape] = set()

    def noticed(shape: Shape, text: str) -> list[Named]:
        named = named_by(shape, text)
        if named:
            naming.add(shape)
        return named

    monkeypatch.setattr(notices, "named_by", noticed)
    book = replace(BOOK, wordings=tuple(map(heeded, BOOK.wordings)))
    for path in [*(HERE / "corpus").glob("*.eml"), *(HERE / "real").glob("*.eml")]:
        read(path.read_bytes(), book)
    assert [shape.name for shape in book.shapes if shape not in naming] == []
    assert [(rule.source, rule.phrases) for rule in book.wordings if rule not in DECIDED] == []


def test_recipients_in_a_list_share_the_words_before_it() -> None:
    (shape,) = (shape for shape in BOOK.shapes if shape.name == "mailmarshal")
    text = "550 unknown\n\n    a@x.example\n    b@x.example\n\n552 full\n\n    c@x.example\n"
    words = [(one.address, one.words.strip()) for one in named_by(shape, text)]
    assert words == [("a@x.example", "550 unknown"), ("b@x.example", "550 unknown"), ("c@x.example", "552 full")]
