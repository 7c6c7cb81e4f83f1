"""Which recipients does a notice in a private format name, and what does it say of each?

Many servers report in words of their own instead of RFC 3464. A shape is the data of one such format: phrases by which
it is known, patterns of the lines that name a recipient, and where the words about it stand. The shapes are read from
`config/bounces`, one file for each family.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mailer.bounce.address_in import ADDRESS, address_in

MOST_RECIPIENTS = 100
#: Another recipient of a list: alone on the next line, or behind a comma.
_NEXT = re.compile(
    rf">?[ \t]{{0,40}}(?:\n|[,;][ \t]{{0,40}}\n?)[ \t]{{0,40}}<?(?P<address>{ADDRESS})>?(?=[ \t]{{0,40}}(?:[,;]|\n|\Z))"
)
#: A field of the mail spoken of: where it names several, nobody knows who of them has failed.
_ECHO = re.compile(r"[ \t>]{0,8}(?:to|cc)[ \t]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A private format. `signs` are phrases in small letters, one of which stands in the notice (none: any notice).

    `senders` are phrases of which one must stand in From, Subject or the names of the fields, where there are any.
    The group `address` of a pattern in `recipients` is the recipient. `before` says that the words stand before the
    line with the recipient, `around` that they stand before it and on it; `delayed` are phrases by which a notice is a
    warning only.
    """

    name: str
    source: str
    signs: tuple[str, ...]
    senders: tuple[str, ...]
    recipients: tuple[re.Pattern[str], ...]
    delayed: tuple[str, ...] = ()
    before: bool = False
    around: bool = False

    def fits(self, words: str, sender: str) -> bool:
        """Tell whether a notice may be of this format; both texts in small letters."""
        return (not self.signs or any(map(words.__contains__, self.signs))) and (
            not self.senders or any(map(sender.__contains__, self.senders))
        )


@dataclass(frozen=True, slots=True)
class Named:
    """A recipient that a notice names, and the words about it."""

    address: str
    words: str


def named_by(shape: Shape, text: str) -> list[Named]:
    """Return the recipients that a notice of this shape names, by the first of its patterns that finds any."""
    for pattern in shape.recipients:
        lines = [line for line in _listed(text, _lines(pattern, text)) if address_in(line["address"])]
        if lines:
            return list(_named(shape, text, lines))
    return []


def _lines(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    for number, line in enumerate(pattern.finditer(text)):
        if number >= MOST_RECIPIENTS:
            return
        yield line


def _listed(text: str, lines: Iterable[re.Match[str]]) -> list[re.Match[str]]:
    """Add the recipients that stand in a list below or behind one whose line says nothing else."""
    found: list[re.Match[str]] = []
    for line in lines:
        if found and line.start() < found[-1].end():
            continue
        following = _NEXT.match(text, line.end())
        if following and _ECHO.match(text, _line_of(text, line.start())):
            continue
        found.append(line)
        while following and not found[-1][0].rstrip().endswith(":") and len(found) < MOST_RECIPIENTS:
            found.append(following)
            following = _NEXT.match(text, following.end())
    return found


def _not_repeated(lines: Iterable[re.Match[str]]) -> list[re.Match[str]]:
    """Leave out a line that names the recipient of the line before: a reply in its words may begin with the address."""
    kept: list[re.Match[str]] = []
    for line in lines:
        if not kept or line["address"].lower() != kept[-1]["address"].lower():
            kept.append(line)
    return kept


def _named(shape: Shape, text: str, lines: Sequence[re.Match[str]]) -> Iterator[Named]:
    if shape.before:
        words = _before(text, lines)
    elif shape.around:
        lines = _not_repeated(lines[::-1])[::-1]
        words = _around(text, lines)
    else:
        lines = _not_repeated(lines)
        words = _behind(text, lines)
    for line, said in zip(lines, words, strict=True):
        yield Named(address_in(line["address"]), said)


def _behind(text: str, lines: Sequence[re.Match[str]]) -> list[str]:
    """Return each line with what follows up to the next one; recipients in a list share what follows the list."""
    words: list[str] = []
    end = len(text)
    for line in reversed(lines):
        alone = not text[line.end() : end].strip(" \t\n,;")
        words.append(words[-1] if alone and words else text[_line_of(text, line.start()) : end])
        end = line.start()
    return words[::-1]


def _line_of(text: str, position: int) -> int:
    """Return where the line begins in which a position stands."""
    return text.rfind("\n", 0, position) + 1


def _before(text: str, lines: Sequence[re.Match[str]]) -> list[str]:
    """Return what stands before each line, up to the one before; recipients in a list share what precedes the list."""
    words: list[str] = []
    begin = 0
    for line in lines:
        said = text[begin : line.start()]
        words.append(said if said.strip(" \t\n,;") or not words else words[-1])
        begin = line.end()
    return words


def _around(text: str, lines: Sequence[re.Match[str]]) -> list[str]:
    """Return each line with what stands before it, up to the one before; the last with all that is behind it, too."""
    ends = [_end_of_line(text, line.end()) for line in lines[:-1]] + [len(text)]
    return [text[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1
