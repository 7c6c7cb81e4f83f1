"""Do the parsers of what strangers write keep their promises for some thousand hostile inputs each?

The same inputs at every run; `python -m tests.fuzz.run` makes millions of others.
"""

import time
from random import Random

import pytest

from tests.fuzz import coverage, probe
from tests.fuzz.mutate import Mutator
from tests.fuzz.run import fuzz, main, told
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

SEED = "short"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_promises_are_kept(target: Target) -> None:
    tally = fuzz(target, SEED, range(1 + target.weight // 5))
    assert not tally.failures, "\n".join(told(SEED, block, failure) for block, failure in tally.failures)


# --- the harness itself


def _raises(content: bytes) -> None:
    if b"99" in content:
        raise RecursionError("too deep")
    raise ValueError("no good")


def _burns(content: bytes) -> None:
    end = time.thread_time() + len(content) * 0.001
    while time.thread_time() < end:
        pass


FAULTY = Target("faulty", _raises, (b"1",), (b"99",), (ValueError,))


def test_only_the_errors_of_a_parser_are_let_through() -> None:
    took, failure = probe.probe(FAULTY, b"1")
    assert failure is None
    assert took < probe.seconds_for(b"1")
    _, failure = probe.probe(FAULTY, b"1990")
    assert failure is not None
    assert (failure.kind, failure.words) == ("RecursionError", "too deep")


def test_a_failure_is_found_shrunk_and_told_so_that_it_can_be_repeated() -> None:
    tally = fuzz(FAULTY, SEED, (0,))
    block, failure = tally.failures[0]
    assert failure.content == b"99"
    assert f"--seed {SEED} --target faulty --block {block}" in told(SEED, block, failure)
    assert fuzz(FAULTY, SEED, (0,)).kinds == tally.kinds


def test_what_is_slow_or_big_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.01)
    _, failure = probe.probe(Target("slow", _burns, (b"",)), bytes(20))
    assert failure is not None
    assert failure.kind == "slow"
    monkeypatch.setattr(probe, "MEMORY", 1000)
    _, failure = probe.memory(Target("big", lambda content: content * 1000, (b"",)), bytes(20))
    assert failure is not None
    assert failure.kind == "big"


def test_what_hangs_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "HUNG_SECONDS", 0.1)
    with probe.watched(every=0.05):
        _, failure = probe.probe(Target("hung", _burns, (b"",)), bytes(10_000))
    assert failure is not None
    assert failure.kind == "Hung"


def test_no_input_is_longer_than_can_come() -> None:
    mutator = Mutator(Target("short", len, (b"abc" * 300,), longest=600), Random(1))
    assert max(len(mutator.long()) for _ in range(50)) == 600


def test_the_command_prints_a_row_for_each_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--inputs", "1000", "--seed", "1", "--target", "verp"]) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()[2:]] == [["verp", "1,000"]]


def test_guidance_by_coverage_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert coverage.main([]) == 2
    assert "Atheris" in capsys.readouterr().err
