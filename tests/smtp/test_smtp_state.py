"""Do the tables say what to do with every reply, and does the picture show them?"""

import pytest

from mailer.smtp.reply import Kind, Stage
from mailer.smtp.state import FORWARD_PATH, SESSION, Place, State, diagram
from mailer.smtp.timeouts import TIMEOUTS


def test_every_stage_has_its_time() -> None:
    assert set(TIMEOUTS) == set(Stage)
    assert TIMEOUTS[Stage.EOD] >= 600
    assert all(TIMEOUTS[stage] >= 300 for stage in (Stage.CONNECT, Stage.MAIL, Stage.RCPT))


def test_every_state_stands_in_the_table_and_can_be_reached() -> None:
    reached = {State.CONNECT} | {state for moves in SESSION.values() for state in moves.values()}
    assert reached == set(SESSION) == set(State)


@pytest.mark.parametrize("stage", FORWARD_PATH)
def test_421_settles_and_nonsense_has_no_entry(stage: Stage) -> None:
    assert FORWARD_PATH[stage][Kind.CLOSING] is Place.SETTLED
    assert Kind.UNKNOWN not in FORWARD_PATH[stage]
    assert (Kind.INTERMEDIATE in FORWARD_PATH[stage]) == (stage is Stage.DATA)


def test_picture_has_one_arrow_for_each_way_through_the_tables() -> None:
    lines = diagram().splitlines()
    assert lines[0] == "stateDiagram-v2"
    ways: set[tuple[str, str]] = {(source, target) for source, moves in SESSION.items() for target in moves.values()}
    ways |= {(stage, place) for stage, places in FORWARD_PATH.items() for place in places.values()}
    arrows = [line.split(":")[0].split(" --> ") for line in lines if " --> " in line and "[*]" not in line]
    assert sorted((source.strip(), target) for source, target in arrows) == sorted(ways)
    assert "    ehlo --> helo: 5yz" in lines
    assert "        eod --> settled: 2yz, 4yz, 5yz, 421" in lines
