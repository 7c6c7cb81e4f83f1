"""Do all parsers of what strangers write keep their promises for millions of hostile inputs?

`python -m tests.fuzz.run [--inputs 10000000] [--seed S] [--target NAME]… [--block N]
[--long]`: one process, one table of
figures by target; what fails is printed with its target, seed, block and a smaller input that fails alike. The exit
code is 1 then. A block is a thousand inputs that follow from target, seed and number alone, so it can be repeated.
"""

import argparse
import gc
import os
import sys
import time
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.fuzz.mutate import Mutator
from tests.fuzz.probe import Failure, memory, probe, shrunk, watched
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

BLOCK = 1000
#: Of a block: inputs with long runs, and inputs whose memory is looked at as well.
LONG_EVERY, MEMORY_EVERY = 250, 500
#: Failures of one kind in one target that are told.
TOLD = 3


@dataclass
class Tally:
    """What came of one target's inputs."""

    inputs: int = 0
    octets: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    slowest_octets: int = 0
    memory: int = 0
    failures: list[tuple[int, Failure]] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)

    def add(self, content: bytes, took: float) -> None:
        """Count an input."""
        self.inputs += 1
        self.octets += len(content)
        self.seconds += took
        if took > self.slowest:
            self.slowest, self.slowest_octets = took, len(content)

    def fail(self, block: int, failure: Failure) -> None:
        """Keep a failure, unless there are enough of its kind."""
        self.kinds[failure.kind] = self.kinds.get(failure.kind, 0) + 1
        if self.kinds[failure.kind] <= TOLD:
            self.failures.append((block, shrunk(failure)))


def fuzz(target: Target, seed: str, blocks: Iterable[int], long_every: int = LONG_EVERY) -> Tally:
    """Give a target the inputs of some blocks; in each, one of so many has a long run."""
    tally = Tally()
    with watched():
        for block in blocks:
            mutator = Mutator(target, Random(f"{seed} {target.name} {block}"))
            for number in range(BLOCK):
                content = mutator.small() if number % long_every else mutator.long()
                _try(target, content, block, tally, with_memory=number % MEMORY_EVERY == 0)
    return tally


def _try(target: Target, content: bytes, block: int, tally: Tally, *, with_memory: bool) -> None:
    took, failure = probe(target, content)
    tally.add(content, took)
    if failure is None and with_memory:
        octets, failure = memory(target, content)
        tally.memory = max(tally.memory, octets)
    if failure is not None:
        tally.fail(block, failure)


def told(seed: str, block: int, failure: Failure) -> str:
    """Return a failure in words by which it can be repeated."""
    return (
        f"{failure.target.name}: {failure.kind}: {failure.words}\n"
        f"  again: python -m tests.fuzz.run --seed {seed} --target {failure.target.name} --block {block}\n"
        f"  input, {len(failure.content)} octets: {failure.content[:400]!r}\n"
        f"  base64: {b64encode(failure.content[:8192]).decode('ascii')}"
    )


_COLUMNS = "{:<15}{:>11}{:>9}{:>9}{:>9}{:>9}{:>11}{:>8}{:>8}"
_HEAD = _COLUMNS.format("target", "inputs", "MB", "CPU s", "mean µs", "worst ms", "its octets", "MB used", "failed")


def _row(name: str, tally: Tally) -> str:
    mean, failed = tally.seconds / max(tally.inputs, 1) * 1e6, sum(tally.kinds.values())
    figures = (f"{tally.octets / 1e6:,.1f}", f"{tally.seconds:,.1f}", f"{mean:,.1f}", f"{tally.slowest * 1e3:,.1f}")
    return _COLUMNS.format(
        name, f"{tally.inputs:,}", *figures, f"{tally.slowest_octets:,}", f"{tally.memory / 1e6:.1f}", failed
    )


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__.partition("\n")[0])
    asked.add_argument("--inputs", type=int, default=10_000_000, help="over all targets (default: ten million)")
    asked.add_argument("--seed", default=f"{time.time_ns():x}", help="any word; the same word makes the same inputs")
    asked.add_argument("--target", action="append", choices=[target.name for target in TARGETS])
    asked.add_argument("--long", action="store_true", help="only inputs with long runs")
    asked.add_argument("--block", type=int, help="this block alone")
    return asked.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz what is asked for, print figures and failures, return the exit code."""
    asked = _asked(arguments)
    os.nice(19 - os.nice(0))
    targets = [target for target in TARGETS if not asked.target or target.name in asked.target]
    inputs_a_weight = asked.inputs / sum(target.weight for target in targets)
    print(f"seed {asked.seed}", flush=True)
    print(
        f"{'target':<18}{'inputs':>11}{'read':>12}{'CPU':>11}{'mean':>12}{'slowest':>12}{'octets':>11}{'memory':>11}{'failed':>8}"
    )
    failures = 0
    for target in targets:
        blocks = max(1, round(inputs_a_weight * target.weight / BLOCK))
        gc.collect()
        numbers = range(blocks) if asked.block is None else (asked.block,)
        tally = fuzz(target, asked.seed, numbers, 1 if asked.long else LONG_EVERY)
        failures += len(tally.failures)
        print(_row(target.name, tally), flush=True)
        for block, failure in tally.failures:
            print(told(asked.seed, block, failure), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
