"""How many returned mails does `mimamori bounce parse` read in a second of CPU time?

`python -m tests.bench.bounce_parse [--times 1] [--rounds 3] [DIRECTORY]`: all mails of a directory (the corpus of the
tests) by one call of the command, each so many times; what the command takes for a single mail, its start above all, is
taken off.
"""

import argparse
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.appliance import ROOT

CORPUS = ROOT / "tests" / "bounce" / "corpus"


def cpu_seconds(mails: Sequence[Path]) -> float:
    """Return the CPU time of one call of the command for these mails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "mailer", "--json", "bounce", "parse", *map(str, mails)]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Read them and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path, nargs="?", default=CORPUS)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    once = sorted(given.directory.glob("*.eml"))
    mails = once * given.times
    for _ in range(given.rounds):
        rate = (len(mails) - 1) / (cpu_seconds(mails) - cpu_seconds(once[:1]))
        print(f"{len(mails)} mails: {rate:,.0f} a CPU second")


if __name__ == "__main__":
    main()
