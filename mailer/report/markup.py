"""Which elements stand below the root of an XML document that a stranger wrote?

They are given one by one, each with all that is in it, so that a document of 20 MiB is never a tree. A document type is
refused before anything is parsed, and with it every entity: billion laughs, external files, parameter entities (attacks
A15). Depth, elements, and the lengths of a tag and of a text are counted. Namespaces are not looked at: reporters of
DMARC write theirs, that of a draft, or none. Raises Unreadable.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from mailer.report.unreadable import Unreadable

DEEPEST = 12
MOST_BELOW_ROOT = 20_000
#: In one element below the root.
MOST_ELEMENTS = 1000
#: In all: an aggregate report of ten thousand rows has a quarter of it.
MOST_IN_ALL = 1_000_000
LONGEST_TEXT = 1000
#: Parsed at a time; a tag or comment that is longer is refused, because its attributes would fill the memory.
PIECE = 1024 * 1024


@dataclass(slots=True)
class Element:
    """An element: its name without prefix, its own text as far as it is kept, and what stands in it."""

    name: str
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, name: str) -> list["Element"]:
        """Return the children of this name."""
        return [child for child in self.children if child.name == name]

    def first(self, name: str) -> "Element":
        """Return the first child of this name, or an empty element."""
        return next((child for child in self.children if child.name == name), Element(name))

    def said(self, name: str) -> str:
        """Return the text of the first child of this name without blanks around it; empty if there is none."""
        return self.first(name).text.strip()


def elements(content: bytes, root: str) -> Iterator[Element]:
    """Give the elements below the root, which must have this name."""
    if b"<!DOCTYPE" in content.replace(b"\0", b""):  # in UTF-16 as well
        raise Unreadable("it has a document type, which no report needs")
    reader = _Reader(root)
    try:
        for begin in range(0, len(content) or 1, PIECE):
            reader.parse(content[begin : begin + PIECE], begin + PIECE >= len(content))
            yield from reader.take()
    except (expat.ExpatError, LookupError, ValueError) as error:
        # LookupError and ValueError: an encoding that Python does not know, or not as one of single bytes.
        raise error if isinstance(error, Unreadable) else Unreadable(f"it is no XML: {error}") from error


class _Reader:
    """Builds the elements below the root while expat reads."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._open: list[Element] = []
        self._count = self._below_root = self._in_all = 0
        self._done: list[Element] = []
        self._given = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_type
        self._parser.StartElementHandler = self._start
        self._parser.CharacterDataHandler = self._text
        self._parser.EndElementHandler = self._end

    def parse(self, piece: bytes, last: bool) -> None:
        """Read on."""
        self._parser.Parse(piece, last)
        self._given += len(piece)
        if self._given - self._parser.CurrentByteIndex > PIECE:
            raise Unreadable(f"a tag in it has more than {PIECE} bytes")

    def take(self) -> list[Element]:
        """Return the elements that are complete by now."""
        done, self._done = self._done, []
        return done

    def _start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if not self._open and name != self._root:
            raise Unreadable(f"its root is not <{self._root}>")
        self._count = self._count + 1 if len(self._open) > 1 else 0
        self._below_root += len(self._open) == 1
        self._in_all += 1
        many = self._count > MOST_ELEMENTS or self._below_root > MOST_BELOW_ROOT or self._in_all > MOST_IN_ALL
        if many or len(self._open) >= DEEPEST:
            raise Unreadable("its elements are too many or too deep")
        self._open.append(Element(name[:LONGEST_TEXT]))

    def _text(self, text: str) -> None:
        element = self._open[-1]
        if len(element.text) < LONGEST_TEXT and text.strip():
            element.text = (element.text + text)[:LONGEST_TEXT]

    def _end(self, _tag: str) -> None:
        element = self._open.pop()
        if len(self._open) > 1:
            self._open[-1].children.append(element)
        elif self._open:
            self._done.append(element)


def _refuse_type(*_declared: object) -> None:
    raise Unreadable("it has a document type, which no report needs")
