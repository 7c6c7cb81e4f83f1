"""What is fuzzed: which parser, from which small texts, with which words of its grammar?"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from mailer.domain.typed import hidden_character

LINE, MAIL = 64 * 1024, 1024 * 1024


@dataclass(frozen=True)
class Target:
    """A parser of what strangers write.

    `read` gives it one input and holds what comes out against what is promised (AssertionError); of `errors`, the
    parser's own documented ones, it may raise any, and nothing else. `seeds` are inputs to begin with, `tokens` words
    of the grammar, `write` makes inputs of its own. `weight` is the share of all inputs, `longest` the most octets
    that can reach the parser.
    """

    name: str
    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    tokens: tuple[bytes, ...] = ()
    errors: tuple[type[Exception], ...] = ()
    write: Callable[[Random], bytes] | None = None
    weight: int = 1
    longest: int = LINE


def storable(*texts: str) -> None:
    """Hold texts against what the store takes: half a character (a lone surrogate) is no text."""
    for text in texts:
        text.encode("utf-8")


def shown(text: str, longest: int) -> None:
    """Hold a text against what may be shown to a person: nothing hidden, no line's end, not too long."""
    assert len(text) <= longest, f"{len(text)} characters"
    assert not hidden_character(text), f"{hidden_character(text)} in {text!r}"
