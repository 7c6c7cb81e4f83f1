"""On which line of a TOML file does a key stand?

A small scanner beside tomllib, which does not tell. It is only given text that tomllib has already read without
complaint, so it looks for keys and the ends of values and checks nothing.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress

#: A key's path: names, and numbers from 0 for entries of lists.
Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_SCALAR = re.compile(
    r'''"""(?:\\.|[^\\])*?""""{0,2}|\'\'\'.*?\'\'\'\'{0,2}|"(?:\\.|[^"\\])*"|'[^']*'|[^,\]}#\n]*''', re.DOTALL
)


def key_lines(text: str) -> Mapping[Path, int]:
    """Return the line, from 1, of every key, section and list entry of a valid TOML text (line ends are `\\n`).

    Of a text nested too deeply to be gone through, the lines found so far.
    """
    scanner = _Scanner(text)
    with suppress(RecursionError):
        scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._breaks = [place for place, character in enumerate(text) if character == "\n"]
        self._counts: dict[Path, int] = {}

    def document(self) -> None:
        """Go through the whole text."""
        section: Path = ()
        while self._next():
            if self._text.startswith("[[", self._at):
                section = self._section(2)
            elif self._text[self._at] == "[":
                section = self._section(1)
            else:
                self._pair(section)

    def _next(self) -> str:
        """Skip blanks and comments; return the character that follows, empty at the end."""
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at
        return self._text[self._at : self._at + 1]

    def _section(self, brackets: int) -> Path:
        start = self._at
        self._at += brackets
        names = self._names("]")
        self._at += brackets
        path: Path = ()
        for depth, name in enumerate(names, 1):
            path = (*path, name)
            if depth == len(names) and brackets == 2:
                self._counts[path] = self._counts.get(path, -1) + 1
            self._mark(path, start)
            if path in self._counts:
                path = (*path, self._counts[path])
                self._mark(path, start)
        return path

    def _pair(self, section: Path) -> None:
        start = self._at
        path = section
        for name in self._names("="):
            path = (*path, name)
            self._mark(path, start)
        self._at += 1
        self._value(path)

    def _names(self, end: str) -> list[str]:
        names = []
        while (character := self._next()) not in (end, ""):
            key = _KEY.match(self._text, self._at)
            if character != "." and key is not None:
                names.append(_name(key[0]))
            self._at = key.end() if key else self._at + 1
        return names

    def _value(self, path: Path) -> None:
        opening = self._next()
        if opening in ("[", "{"):
            self._group(path, "]" if opening == "[" else "}")
        else:
            scalar = _SCALAR.match(self._text, self._at)
            self._at = scalar.end() if scalar else self._at + 1

    def _group(self, path: Path, end: str) -> None:
        self._at += 1
        number = 0
        while (character := self._next()) not in (end, ""):
            if character == ",":
                self._at += 1
            elif end == "}":
                self._pair(path)
            else:
                self._mark((*path, number), self._at)
                self._value((*path, number))
                number += 1
        self._at += 1

    def _mark(self, path: Path, place: int) -> None:
        self.lines.setdefault(path, bisect_left(self._breaks, place) + 1)


def _name(token: str) -> str:
    return str(tomllib.loads(f"key = {token}")["key"]) if token[0] in "\"'" else token
