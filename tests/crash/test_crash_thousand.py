"""Is nothing lost, and no duplicate unmarked, whenever the mailer is killed: inside a commit, inside any stage of SMTP?

By default one kill of several kinds. With `--long` a thousand over all kinds (`--kills N --seed S` for others), on
two appliances side by side; `-s` shows the table.
"""

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.appliance import ROOT
from tests.crash.balance import Balance, table
from tests.crash.kills import KINDS, Kind, Who
from tests.crash.lane import one_kill
from tests.crash.line import Line, Setting, line

LANES = 2
SEED = 20261126
SHORT = [
    Kind("before a flush", Who.TREE),
    Kind("after a write to the log", Who.TREE),
    Kind("at starttls", Who.TREE),
    Kind("at content", Who.TREE),
    Kind("at dot", Who.TREE),
    Kind("at answered", Who.TREE),
    Kind("in recovery", Who.TREE),
    Kind("in the end", Who.TREE),
    Kind("at rcpt", Who.PARENT),
    Kind("at chunk", Who.WORKER),
    Kind("before a write to the log", Who.WORKER),
]
AMONG_SERVICES = [Kind("at rcpt", Who.PARENT), Kind("at dot", Who.WORKER), Kind("after a flush", Who.WORKER)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line with a mailer on it, which every test leaves there alive."""
    with line(tmp_path_factory.mktemp("line")) as on:
        on.start()
        yield on


@pytest.mark.parametrize("kind", SHORT, ids=str)
def test_nothing_is_lost_by_a_kill(running: Line, kind: Kind) -> None:
    if reason := kind.why_not(running):
        pytest.skip(f"this kill cannot be made here: {reason}")
    balance = one_kill(running, kind, random.Random(SEED))
    assert not balance.faults


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line with a mailer and the pages under one parent, as `mimamori serve` runs them."""
    with line(tmp_path_factory.mktemp("services"), Setting(services=("mailer", "webhook"))) as on:
        on.start()
        yield on


@pytest.mark.parametrize("kind", AMONG_SERVICES, ids=str)
def test_nothing_is_lost_when_one_of_several_services_dies(services: Line, kind: Kind) -> None:
    if reason := kind.why_not(services):
        pytest.skip(f"this kill cannot be made here: {reason}")
    balance = one_kill(services, kind, random.Random(SEED))
    assert not balance.faults


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_nothing_is_lost_by_a_thousand_kills(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    number, seed = request.config.getoption("--kills", 1000), request.config.getoption("--seed", SEED)
    lanes = [
        _lane(tmp_path / str(lane), number // LANES + (lane < number % LANES), seed + lane) for lane in range(LANES)
    ]
    try:
        rows = _together([lane.communicate()[0] for lane in lanes])
    finally:
        for lane in lanes:
            lane.terminate()
            lane.wait()
    print(f"\n{table(dict(sorted(rows.items())))}")
    print("left out:", "; ".join(str(kind) for kind in KINDS if str(kind) not in rows) or "nothing")
    total = Balance()
    for row in rows.values():
        total.add(row)
    assert total.kills == number, "a lane broke off; what it said stands above"
    assert not total.faults


def _together(said: Sequence[str]) -> dict[str, Balance]:
    """Add up the balances of the lanes by kind."""
    rows: dict[str, Balance] = {}
    for words in said:
        for kind, figures in json.loads(words).items():
            rows.setdefault(kind, Balance()).add(Balance(**figures))
    return rows


def _lane(directory: Path, number: int, seed: int) -> "subprocess.Popen[str]":
    words = ["--directory", str(directory), "--kills", str(number), "--seed", str(seed)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crash.lane", *words], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
