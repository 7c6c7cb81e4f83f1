"""What does a roster file say, and what is wrong with it?

Bytes in; entries and named problems out, every bad row with its line, column and reason. The text is CSV
(RFC 4180 §2) in UTF-8, with or without a mark, or in CP932 as Excel writes it. Line numbers are those an
editor shows, also behind a quoted line break. Addresses are kept as typed (F11); blanks around a value are
dropped. The same address twice in one row is good: one mail goes out anyway (F12).

A cell that a spreadsheet would take for a formula is exported behind an apostrophe, and an apostrophe
before such a cell is taken off again, so `-abc@ezweb.ne.jp` survives the round trip (attacks D11).
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mailer.domain.charset import NoText, decode
from mailer.domain.household import SLOTS, Entry
from mailer.domain.school import Schools
from mailer.domain.typed import BLANKS, hidden_character, visible
from mailer.smtp.address import REASONS as ADDRESS_REASONS
from mailer.smtp.address import AddressError, parse_address

HEADER = (
    *("school", "grade", "class", "child", "guardian", "login"),
    *("address1", "address2", "address3", "address4", "receives_broadcasts"),
)
FIRST_ADDRESS = HEADER.index("address1")
_BLANKS = re.compile(r"\s+")
LONGEST = {"school": 64, "grade": 20, "class": 40, "child": 100, "guardian": 100, "login": 100}  # characters
REQUIRED = ("school", "child", "login")
RECEIVES = {"": True, "1": True, "0": False}

#: What each problem means, for the clerk who made the file; those of an address stand beside them.
REASONS: Mapping[str, str] = {
    **ADDRESS_REASONS,
    "encoding": "The file is neither UTF-8 nor CP932 (Shift_JIS) text; save it as CSV in one of them.",
    "bad_header": "The first line must name exactly the columns of the roster, in their order.",
    "broken_quotes": "A quotation mark is not closed or stands in the wrong place; nothing after it is certain.",
    "too_few_columns": "The row has fewer columns than the header.",
    "too_many_columns": "The row has more columns than the header.",
    "missing": "This column must not be empty.",
    "field_too_long": "The text is too long.",
    "hidden_character": "The text contains a line break, a control character or an invisible character.",
    "unknown_school": "There is no school with this code.",
    "closed_school": "This school is closed; nobody can be registered there.",
    "other_school": "The row belongs to another school than the one being imported.",
    "bad_receives_broadcasts": "This column must be 1 or 0; empty means 1.",
    "duplicate_row": "The same school, login and child stand in an earlier row.",
}
#: Problems that put the whole file in doubt: rows beside them must not be imported on their own.
WHOLE_FILE = frozenset({"encoding", "bad_header", "broken_quotes"})

_FORMULA = "=+-@＝＋－＠"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: the line (from 1), the column's name or empty, a key of REASONS, and the piece meant."""

    line: int
    column: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """What a file says: the good rows with their lines, and the problems in the order of the lines."""

    entries: tuple[tuple[int, Entry], ...]
    problems: tuple[Problem, ...]

    @property
    def readable(self) -> bool:
        """Tell whether the good rows may be trusted although others are bad."""
        return not any(problem.reason in WHOLE_FILE for problem in self.problems)


def read_roster(content: bytes, schools: Schools, only: str | None = None) -> Roster:
    """Read the bytes of a roster file; `only` is the code of the one school whose rows it may hold."""
    try:
        rows = _rows(decode(content))
    except NoText as error:
        return Roster((), (Problem(error.line, "", "encoding", f"0x{error.octet:02X}"),))
    header = next(rows, (1, [""]))
    problem = _header_problem(*header)
    if problem:
        return Roster((), (problem,))
    reader = _Reader(schools, only)
    for line, cells in rows:
        reader.read(line, cells)
    return Roster(tuple(reader.entries), tuple(reader.problems))


def write_roster(entries: Iterable[Entry]) -> Iterator[str]:
    """Return the lines of a roster file, header first, each with its CRLF; `read_roster` gives the same entries."""
    yield csv_line(HEADER)
    for entry in entries:
        addresses = (entry.addresses.get(slot, "") for slot in SLOTS)
        names = (entry.school, entry.grade, entry.class_name, entry.child, entry.guardian, entry.login)
        yield csv_line((*names, *addresses, "1" if entry.receives_broadcasts else "0"))


def csv_line(cells: Iterable[str]) -> str:
    """Return one line of a table with its CRLF; no cell is a formula to a spreadsheet."""
    line = io.StringIO()
    csv.writer(line).writerow([f"'{cell}" if cell[:1] and cell[0] in _FORMULA + "'" else cell for cell in cells])
    return line.getvalue()


def _rows(text: str) -> Iterator[tuple[int, list[str] | None]]:
    """Return each row that holds something, with its first line; None stands for broken quotation marks."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [_value(number, cell) for number, cell in enumerate(next(reader))]
        except StopIteration:
            return
        except csv.Error:
            yield line, None
        else:
            if any(cells):
                yield line, cells


def _value(number: int, cell: str) -> str:
    """Return what a cell says; a line break in a name is a space, one in an address is left to be refused."""
    named = number < FIRST_ADDRESS
    value = (_BLANKS.sub(_without_line_break, cell) if named else cell).strip(BLANKS)
    return value[1:] if value[:1] == "'" and value[1:2] and value[1] in _FORMULA + "'" else value


def _without_line_break(blanks: re.Match[str]) -> str:
    return " " if "\n" in blanks[0] or "\r" in blanks[0] else blanks[0]


def _header_problem(line: int, cells: list[str] | None) -> Problem | None:
    if cells is None:
        return Problem(line, "", "broken_quotes")
    if tuple(cells) == HEADER:
        return None
    found = [*cells, ""]
    wrong = next((column for column, cell in zip(HEADER, found, strict=False) if column != cell), "")
    return Problem(line, wrong, "bad_header", visible(",".join(cells), 100))


class _Reader:
    """The rows read so far: the entries that are good, the problems, and where each household was seen first."""

    def __init__(self, schools: Schools, only: str | None) -> None:
        self.entries: list[tuple[int, Entry]] = []
        self.problems: list[Problem] = []
        self._schools = schools
        self._only = only
        self._seen: dict[tuple[str, str, str], int] = {}

    def read(self, line: int, cells: list[str] | None) -> None:
        """Take one row: an entry if nothing is wrong with it, else all that is."""
        found = [Problem(line, column, reason, detail) for column, reason, detail in self._faults(line, cells)]
        self.problems += found
        if cells and not found:
            self.entries.append((line, _entry(dict(zip(HEADER, cells, strict=True)))))

    def _faults(self, line: int, cells: list[str] | None) -> Iterator[tuple[str, str, str]]:
        if cells is None:
            yield "", "broken_quotes", ""
        elif len(cells) != len(HEADER):
            reason = "too_few_columns" if len(cells) < len(HEADER) else "too_many_columns"
            yield "", reason, f"{len(cells)} != {len(HEADER)}"
        else:
            row = dict(zip(HEADER, cells, strict=True))
            yield from self._school_faults(row["school"])
            yield from _text_faults(row)
            yield from _address_faults(row)
            if row["receives_broadcasts"] not in RECEIVES:
                yield "receives_broadcasts", "bad_receives_broadcasts", visible(row["receives_broadcasts"], 20)
            yield from self._repetition(line, row)

    def _school_faults(self, code: str) -> Iterator[tuple[str, str, str]]:
        if not code or hidden_character(code) or len(code) > LONGEST["school"]:
            return  # said by _text_faults
        school = self._schools.get(code)
        if school is None:
            yield "school", "unknown_school", code
        elif school.closed_on is not None:
            yield "school", "closed_school", code
        elif self._only is not None and code != self._only:
            yield "school", "other_school", code

    def _repetition(self, line: int, row: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
        first = self._seen.setdefault((row["school"], row["login"], row["child"]), line)
        if first != line and row["login"] and row["child"]:
            yield "", "duplicate_row", str(first)


def _text_faults(row: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for column, longest in LONGEST.items():
        value = row[column]
        hidden = hidden_character(value)
        if hidden:
            yield column, "hidden_character", hidden
        if len(value) > longest:
            yield column, "field_too_long", f"{len(value)} > {longest}"
        if column in REQUIRED and not value:
            yield column, "missing", ""


def _address_faults(row: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for slot in SLOTS:
        address = row[f"address{slot}"]
        if address:
            try:
                parse_address(address)
            except AddressError as error:
                yield f"address{slot}", error.reason, error.detail


def _entry(row: Mapping[str, str]) -> Entry:
    return Entry(
        school=row["school"],
        grade=row["grade"],
        class_name=row["class"],
        child=row["child"],
        guardian=row["guardian"],
        login=row["login"],
        addresses={slot: row[f"address{slot}"] for slot in SLOTS if row[f"address{slot}"]},
        receives_broadcasts=RECEIVES[row["receives_broadcasts"]],
    )
