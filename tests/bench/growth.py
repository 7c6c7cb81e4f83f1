"""Does the mailer stay as fast and as small when the queue grows?

`python -m tests.bench.growth [--most 1000000] [--sent 5000] [--people 50000] [--plot FILE.svg] [--directory DIR]`: for
1,000, 10,000 … queued recipients a new appliance, as processes. People are imported and broadcasts sent to them by the
commands of an operator, with no mailer running; then the mailer starts into the whole queue, all of it due, and is
watched until so many mails were taken. Told: time for each of them, the time from the start to the first RCPT, and the
most memory that the mailer's processes had together (PSS).
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.appliance import Appliance, sinks
from tests.bench import journal
from tests.bench.broadcast import TEXT, addresses
from tests.bench.plot import Curve, curves
from tests.bench.processes import weighing
from tests.bench.product import Receivers, appliance

FIRST = 1_000
#: 200 MB, in MiB.
BOUND = 200e6 / 2**20
RECEIVERS = Receivers(domains=40, round_trip=0.0, connections=20, chunking=True)


@dataclass(frozen=True, slots=True)
class Figure:
    """What a queue of one size came to: milliseconds for each mail, seconds to the first RCPT, MiB."""

    queued: int
    milliseconds: float
    first: float
    memory: float


def sizes(most: int) -> Iterator[int]:
    """Yield 1,000, ten times as many, and so on, up to `most`."""
    size = FIRST
    while size < most:
        yield size
        size *= 10
    yield most


def fill(made: Appliance, queued: int, people: int) -> None:
    """Queue at least so many recipients: broadcasts to the same people, again and again."""
    people = min(people, queued)
    made.register(addresses(people, RECEIVERS.domains))
    for _ in range(-(-queued // people)):
        made.send("--receipt", text=TEXT)


def measure(directory: Path, queued: int, given: argparse.Namespace) -> Figure:
    """Fill a queue and watch the mailer begin with it."""
    path = directory / "journal"
    with sinks(*RECEIVERS.options(path)) as ports:
        made = appliance(directory, RECEIVERS, ports)
        fill(made, queued, given.people)
        began = time.time()
        with made.serving("mailer") as mailer, weighing(mailer.pid) as weighed:
            journal.Tail(path).wait_for(min(queued, given.sent))
    taken = sorted(journal.read(path).taken, key=lambda one: one.at)[: given.sent]
    each = (taken[-1].at - taken[0].at) / len(taken)
    return Figure(queued, 1000 * each, min(one.rcpt for one in taken) - began, weighed.most)


def main() -> None:
    """Measure each size and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--sent", type=int, default=5_000, help="mails after which the mailer is stopped")
    parser.add_argument("--people", type=int, default=50_000, help="recipients of one broadcast")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--directory", type=Path, help="where stores are made: a real disk; else the usual one")
    given = parser.parse_args()
    figures = []
    print(f"{'queued':>12} {'ms a mail':>12} {'mails/s':>10} {'first RCPT':>12} {'memory':>12}")
    for queued in sizes(given.most):
        with tempfile.TemporaryDirectory(dir=given.directory) as directory:
            one = measure(Path(directory), queued, given)
        figures.append(one)
        rate = 1000 / one.milliseconds
        print(
            f"{queued:12,} {one.milliseconds:12.3f} {rate:10,.0f} {one.first:10.2f} s {one.memory:8.0f} MiB", flush=True
        )
    if given.plot is not None:
        given.plot.write_text(picture(figures, given.sent), encoding="utf-8")


def picture(figures: list[Figure], sent: int) -> str:
    """Return the curves of time and memory."""
    note = f"The mailer starts into a queue that is due as a whole; the first {sent:,} mails are timed."
    drawn = [
        Curve("Time a mail", [(one.queued, one.milliseconds) for one in figures], "ms"),
        Curve(
            "Memory of all mailer processes; dashed: the bound",
            [(one.queued, one.memory) for one in figures],
            "MiB",
            BOUND,
        ),
    ]
    return curves("Time and memory over queued recipients", note, drawn)


if __name__ == "__main__":
    main()
