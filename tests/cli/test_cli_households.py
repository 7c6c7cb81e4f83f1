"""Do rosters come in and go out by the command as clerks expect?"""

import json

import pytest

from tests.cli.town import HEADER, ROSTER, Town

BAD = f"""{HEADER}
t-daiichi,1,1組,滝川一郎,滝川花子,hanako,a b@docomo.ne.jp,,,,1
t-nashi,2,1組,滝川二郎,滝川花子,hanako,x@y.jp,,,,
t-daini,3,2組,空知三郎,空知太郎,taro,ok@ezweb.ne.jp,,,,0
"""


def test_an_import_says_what_it_did(bare_town: Town) -> None:
    bare_town.done("init")
    file = bare_town.write("roster.csv", ROSTER)
    first = bare_town.json("households", "import", file)
    assert first == {"dry_run": False, "created": 3, "updated": 0, "unchanged": 0, "problems": []}
    assert bare_town.json("households", "import", file)["unchanged"] == 3


def test_a_trial_changes_nothing(town: Town) -> None:
    file = town.write("next.csv", ROSTER.replace("2組", "3組"))
    assert town.json("households", "import", file, "--dry-run")["updated"] == 1
    assert "2組" in town.done("households", "export")
    assert "Nothing was changed" in town.done("households", "import", file, "--dry-run")


def test_every_bad_row_is_named_and_nothing_is_imported(bare_town: Town) -> None:
    bare_town.done("init")
    result = bare_town.type("households", "import", bare_town.write("bad.csv", BAD))
    assert result.exit_code == 1
    assert result.stderr.splitlines()[:2] == [
        "Line 2, address1: The address contains a space. (U+0020)",
        "Line 3, school: There is no school with this code. (t-nashi)",
    ]
    assert bare_town.json("households", "export") == []


def test_a_program_gets_the_problems_as_a_document(bare_town: Town) -> None:
    bare_town.done("init")
    result = bare_town.type("--json", "households", "import", bare_town.write("bad.csv", BAD))
    assert result.exit_code == 1
    problems = json.loads(result.stdout)["problems"]
    assert [(one["line"], one["column"], one["reason"]) for one in problems] == [
        (2, "address1", "space"),
        (3, "school", "unknown_school"),
    ]


def test_bad_rows_may_be_skipped(bare_town: Town) -> None:
    bare_town.done("init")
    done = bare_town.json("households", "import", bare_town.write("bad.csv", BAD), "--skip-bad")
    assert (done["created"], len(done["problems"])) == (1, 2)


def test_a_file_of_another_school_is_refused(town: Town) -> None:
    result = town.type("households", "import", town.write("roster.csv", ROSTER), "--school", "t-daiichi")
    assert result.exit_code == 1
    assert "another school" in result.stderr


def test_an_unknown_school_names_those_that_are(town: Town) -> None:
    result = town.type("households", "export", "--school", "t-nashi")
    assert result.exit_code == 2
    assert "t-ebeotsuj (江部乙中学校)" in result.stderr


def test_what_is_exported_comes_in_unchanged(town: Town) -> None:
    exported = town.done("households", "export")
    assert exported.splitlines()[0] == HEADER
    assert town.json("households", "import", town.write("back.csv", exported))["unchanged"] == 3
    assert len(town.done("households", "export", "--school", "t-daini").splitlines()) == 2


@pytest.mark.parametrize("wanted", ["hanako", "a..b@docomo.ne.jp", "a..b@DOCOMO.ne.jp"])
def test_households_are_found_by_login_and_address(town: Town, wanted: str) -> None:
    found = town.json("households", "show", wanted)
    assert [one["child"] for one in found] == ["滝川一郎", "滝川二郎"]
    assert found[0]["address1"] == "a..b@docomo.ne.jp"
    assert "滝川第一小学校" in town.done("households", "show", wanted)


def test_a_household_is_taken_off_once(town: Town, broadcast: str) -> None:
    assert town.json("households", "deregister", "1") == {"id": 1, "cancelled": 1}
    assert town.type("households", "deregister", "1").exit_code == 1
    assert town.json("households", "show", "1")[0]["deregistered_at"]
    assert len(town.json("households", "export")) == 2


def test_a_name_for_several_households_is_not_enough(town: Town) -> None:
    result = town.type("households", "deregister", "hanako")
    assert result.exit_code == 1
    assert "1, 2" in result.stderr
    assert town.json("households", "deregister", "taro")["id"] == 3


def test_control_characters_of_a_stranger_do_not_reach_the_terminal(town: Town) -> None:
    file = town.write("odd.csv", ROSTER + 't-daini,1,1,x,"evil\x1b[2J",evil,e@x.jp,,,,\n')
    result = town.type("households", "import", file)
    assert result.exit_code == 1
    assert "\x1b" not in result.output
