"""Does the roster reader take every good file, name every bad row, and read back what it wrote?"""

import codecs
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.domain.household import Entry
from mailer.domain.roster import HEADER, REASONS, Problem, read_roster, write_roster
from mailer.domain.school import School, Schools
from mailer.domain.typed import hidden_character, visible


def school(code: str, closed_on: date | None = None) -> School:
    return School(code, f"{code}小学校", f"{code}@mail.example.jp", "takikawa", "小学校", 0, closed_on)


SCHOOLS = Schools(
    {"t-nishi": school("t-nishi"), "t-toei": school("t-toei"), "t-kyu": school("t-kyu", date(2024, 3, 31))}
)
HEAD = ",".join(HEADER)
GOOD = "t-nishi,3,1組,山田 太郎,山田 花子,y001,taro@docomo.ne.jp,hanako@gmail.com,,,1"


def problems(*rows: str, only: str | None = None) -> list[tuple[int, str, str]]:
    roster = read_roster("\n".join((HEAD, *rows)).encode(), SCHOOLS, only)
    assert all(problem.reason in REASONS for problem in roster.problems)
    return [(problem.line, problem.column, problem.reason) for problem in roster.problems]


def row(**cells: str) -> str:
    values = dict(zip(HEADER, GOOD.split(","), strict=True)) | {"class": "1組"} | cells
    return ",".join(values[column] for column in HEADER)


class TestGoodFiles:
    def test_a_row_becomes_an_entry_with_its_line(self) -> None:
        roster = read_roster(f"{HEAD}\n{GOOD}\n".encode(), SCHOOLS)
        entry = Entry(
            "t-nishi",
            "3",
            "1組",
            "山田 太郎",
            "山田 花子",
            "y001",
            {1: "taro@docomo.ne.jp", 2: "hanako@gmail.com"},
            True,
        )
        assert roster.entries == ((2, entry),)
        assert roster.problems == ()

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_every_encoding_and_line_end_gives_the_same(self, encoding: str, end: str) -> None:
        text = end.join((HEAD, GOOD, row(child="髙﨑～①㈱", login="y002"), ""))
        roster = read_roster(text.encode(encoding), SCHOOLS)
        assert roster.problems == ()
        assert [entry.child for _, entry in roster.entries] == ["山田 太郎", "髙﨑～①㈱"]

    def test_blanks_around_values_are_dropped_and_inside_kept(self) -> None:
        (_, entry), *_ = read_roster(
            f"{HEAD}\n t-nishi　,3,1組,\t山田　太郎　, ,y001,　taro@docomo.ne.jp ,,,,".encode(), SCHOOLS
        ).entries
        assert (entry.school, entry.child, entry.guardian) == ("t-nishi", "山田　太郎", "")
        assert entry.addresses == {1: "taro@docomo.ne.jp"}

    @pytest.mark.parametrize(
        "address",
        ["a..b@docomo.ne.jp", "abc.@ezweb.ne.jp", ".abc@ezweb.ne.jp", "-abc@ezweb.ne.jp", "Taro@Docomo.NE.JP"],
    )
    def test_addresses_stay_as_typed(self, address: str) -> None:
        (_, entry), *_ = read_roster(f"{HEAD}\n{row(address1=address)}".encode(), SCHOOLS).entries
        assert entry.addresses[1] == address

    def test_a_household_without_address_and_one_with_the_same_twice_are_good(self) -> None:
        none = row(login="a", address1="", address2="")
        twice = row(login="b", address2="taro@docomo.ne.jp")
        roster = read_roster("\n".join((HEAD, none, twice)).encode(), SCHOOLS)
        assert roster.problems == ()
        assert [dict(entry.addresses) for _, entry in roster.entries] == [
            {},
            {1: "taro@docomo.ne.jp", 2: "taro@docomo.ne.jp"},
        ]

    @pytest.mark.parametrize(("typed", "meant"), [("1", True), ("", True), ("0", False), (" 0 ", False)])
    def test_the_option(self, typed: str, meant: bool) -> None:
        (_, entry), *_ = read_roster(f"{HEAD}\n{row(receives_broadcasts=typed)}".encode(), SCHOOLS).entries
        assert entry.receives_broadcasts is meant

    def test_siblings_and_two_schools_are_no_repetition(self) -> None:
        assert problems(GOOD, row(child="山田 次郎"), row(school="t-toei")) == []

    def test_empty_lines_are_skipped_and_counted(self) -> None:
        assert problems("", GOOD, ",,,,,,,,,,", "　", row(school="x")) == [(6, "school", "unknown_school")]


class TestBadRows:
    @pytest.mark.parametrize(
        ("cells", "column", "reason"),
        [
            ({"school": "t-minami"}, "school", "unknown_school"),
            ({"school": "t-kyu"}, "school", "closed_school"),
            ({"school": ""}, "school", "missing"),
            ({"child": "　"}, "child", "missing"),
            ({"login": ""}, "login", "missing"),
            ({"receives_broadcasts": "yes"}, "receives_broadcasts", "bad_receives_broadcasts"),
            ({"address1": "a b@example.jp"}, "address1", "space"),
            ({"address3": "a@@example.jp"}, "address3", "several_at"),
            ({"address2": '"a@example.jp\r\n"'}, "address2", "control"),
            ({"address4": "a\x1b@example.jp"}, "address4", "control"),
            ({"address4": "a)b@example.jp"}, "address4", "bad_local"),
            ({"address1": "a" * 400 + "@example.jp"}, "address1", "too_long"),
            ({"child": "山田\u2028太郎"}, "child", "hidden_character"),
            ({"child": "山田\x00太郎"}, "child", "hidden_character"),
            ({"login": "y\u200b001"}, "login", "hidden_character"),
            ({"child": "あ" * 101}, "child", "field_too_long"),
        ],
    )
    def test_each_is_named(self, cells: dict[str, str], column: str, reason: str) -> None:
        assert problems(GOOD, row(**{"login": "z", **cells})) == [(3, column, reason)]

    def test_all_that_is_wrong_with_a_row_is_said_at_once(self) -> None:
        assert problems(row(school="x", child="", address1="a@@b", receives_broadcasts="2")) == [
            (2, "school", "unknown_school"),
            (2, "child", "missing"),
            (2, "address1", "several_at"),
            (2, "receives_broadcasts", "bad_receives_broadcasts"),
        ]

    def test_too_few_and_too_many_columns(self) -> None:
        assert problems("t-nishi,3", GOOD + ",") == [(2, "", "too_few_columns"), (3, "", "too_many_columns")]

    def test_a_repeated_household_names_its_first_line(self) -> None:
        roster = read_roster("\n".join((HEAD, GOOD, row(login="z"), GOOD)).encode(), SCHOOLS)
        assert roster.problems == (Problem(4, "", "duplicate_row", "2"),)

    def test_rows_of_another_school_are_refused_when_one_is_imported(self) -> None:
        assert problems(GOOD, row(school="t-toei"), only="t-nishi") == [(3, "school", "other_school")]

    def test_line_numbers_stand_behind_quoted_line_breaks(self) -> None:
        rows = (row(login="z", guardian='"a\r\nb\r\nc"'), GOOD, row(school="x", login="q"))
        text = "\r\n".join((HEAD, *rows))
        found = read_roster(text.encode(), SCHOOLS).problems
        assert [(problem.line, problem.reason) for problem in found] == [(6, "unknown_school")]

    def test_a_quoted_line_break_in_a_name_is_a_space(self) -> None:
        rows = (row(guardian='"山田\r\n 花子"', child='"山田\n太郎\n"', **{"class": '"1\r組"'}),)
        entry = read_roster("\r\n".join((HEAD, *rows)).encode(), SCHOOLS).entries[0][1]
        assert (entry.guardian, entry.child, entry.class_name) == ("山田 花子", "山田 太郎", "1 組")

    def test_good_rows_beside_bad_ones_are_kept(self) -> None:
        roster = read_roster("\n".join((HEAD, "x", GOOD)).encode(), SCHOOLS)
        assert roster.readable
        assert [line for line, _ in roster.entries] == [3]


class TestBadFiles:
    def whole(self, content: bytes) -> Problem:
        roster = read_roster(content, SCHOOLS)
        assert not roster.readable
        assert len(roster.problems) == 1
        return roster.problems[0]

    @pytest.mark.parametrize("content", [b"", b"\n\n", HEAD.replace("login", "Login").encode(), GOOD.encode()])
    def test_a_wrong_header(self, content: bytes) -> None:
        assert self.whole(content).reason == "bad_header"

    def test_a_wrong_header_names_the_first_wrong_column(self) -> None:
        assert self.whole(HEAD.replace("guardian", "parent\x1b").encode()) == Problem(
            1, "guardian", "bad_header", HEAD.replace("guardian", "parent\ufffd")[:100]
        )

    def test_damaged_utf8_is_not_taken_for_cp932(self) -> None:
        content = f"{HEAD}\n{GOOD}\n".encode() + row(child="山").encode().replace("山".encode(), b"\xe5\xb1")
        assert self.whole(content) == Problem(3, "", "encoding", "0xE5")

    def test_damaged_cp932_names_the_line(self) -> None:
        content = f"{HEAD}\r\n{GOOD}\r\n{GOOD}".encode("cp932") + b"\x81"
        assert self.whole(content) == Problem(3, "", "encoding", "0x81")

    @pytest.mark.parametrize(
        "content", [codecs.BOM_UTF16_LE + HEAD.encode("utf-16-le"), b"PK\x03\x04xl", codecs.BOM_UTF8 + b"\xff"]
    )
    def test_what_is_no_csv_text(self, content: bytes) -> None:
        assert self.whole(content).reason == "encoding"

    def test_an_open_quotation_mark_puts_the_file_in_doubt(self) -> None:
        roster = read_roster("\n".join((HEAD, GOOD, row(child='"山田'), GOOD)).encode(), SCHOOLS)
        assert not roster.readable
        assert roster.problems == (Problem(3, "", "broken_quotes"),)

    def test_a_misplaced_quotation_mark_does_not_hide_later_rows(self) -> None:
        rows = (row(child='"山田"太郎'), row(school="x", login="q"))
        assert problems(*rows) == [(2, "", "broken_quotes"), (3, "school", "unknown_school")]

    @given(st.binary(max_size=300))
    @settings(max_examples=300, deadline=None)
    def test_any_bytes_give_a_roster(self, tail: bytes) -> None:
        for content in (tail, HEAD.encode() + b"\n" + tail):
            assert all(problem.line >= 1 for problem in read_roster(content, SCHOOLS).problems)


NAMES = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Cn")) | st.sampled_from("=+-@'\",＝; "),
    max_size=12,
).map(str.strip)
LOCALS = st.text(st.sampled_from("abcABC012._-+='"), min_size=1, max_size=10)
ADDRESSES = st.dictionaries(st.integers(1, 4), LOCALS.map(lambda local: f"{local}@docomo.ne.jp"), max_size=4)
ENTRIES = st.builds(
    Entry,
    school=st.sampled_from(["t-nishi", "t-toei"]),
    grade=NAMES,
    class_name=NAMES,
    child=NAMES.filter(bool),
    guardian=NAMES,
    login=NAMES.filter(bool),
    addresses=ADDRESSES,
    receives_broadcasts=st.booleans(),
)


class TestExport:
    @given(st.lists(ENTRIES, max_size=5, unique_by=lambda entry: (entry.school, entry.login, entry.child)))
    @settings(max_examples=300, deadline=None)
    def test_what_was_written_reads_back_identically(self, entries: list[Entry]) -> None:
        content = "".join(write_roster(entries)).encode("utf-8-sig")
        roster = read_roster(content, SCHOOLS)
        assert roster.problems == ()
        assert [entry for _, entry in roster.entries] == entries

    @pytest.mark.parametrize("first", list("=+-@＝＋－＠"))
    def test_no_cell_begins_like_a_formula(self, first: str) -> None:
        entry = Entry("t-nishi", first, f"{first}1", f"{first}cmd|x", f"'{first}", "y1", {1: "-abc@ezweb.ne.jp"}, True)
        line = list(write_roster([entry]))[1]
        assert all(cell[0] not in "=+-@＝＋－＠" for cell in line.rstrip("\r\n").split(",") if cell)
        assert "'-abc@ezweb.ne.jp" in line
        roster = read_roster("".join(write_roster([entry])).encode(), SCHOOLS)
        assert [found for _, found in roster.entries] == [entry]

    def test_the_file_has_the_header_and_crlf(self) -> None:
        assert list(write_roster([])) == [HEAD + "\r\n"]


def test_hidden_characters_are_found_by_name() -> None:
    assert hidden_character("山田　太郎 髙﨑 😀 \ue000") == ""
    assert [hidden_character(f"a{text}b") for text in ("\n", "\u0085", "\u2028", "\u202e", "\x1b", "\ud800")] == [
        *("U+000A", "U+0085", "U+2028", "U+202E", "U+001B", "U+D800")
    ]
    assert visible("a\x1b[31mb", 6) == "a\ufffd[31m"
