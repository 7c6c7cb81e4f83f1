"""How soon does a safety broadcast leave while 100,000 notices are under way and one carrier holds every connection?

`python -m tests.bench.lanes [--notices 100000] [--broadcasts 100] [--recipients 200] [--bad silent] [--rounds 1]
[--plot FILE.svg]`: the whole appliance as processes. A maintenance notice to everyone is announced and sent, the second
biggest domain is bad in one of the ways of `tests.sinks`, and safety broadcasts to one school follow each other. Told:
how long after the start and after the end of the command `broadcast send` the first RCPT and the first 250 of it came.
Broadcasts that began while the notice was still being announced are told apart; those that began after the last notice
was taken do not count. More rounds bring more broadcasts together.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.appliance import Appliance, sinks
from tests.bench import journal
from tests.bench.broadcast import TEXT, addresses
from tests.bench.plot import Bar, bars
from tests.bench.product import Receivers, appliance, store
from tests.sinks import BAD

SCHOOL, OTHERS = "t-daiichi", "t-daini"
BAD_DOMAIN = 2
PAUSE_SECONDS = 0.3
TARGET = 1.0
PHASES = ANNOUNCING, LEAVING = "while the notice was announced", "while notices were leaving"
WHAT = ("start to first RCPT", "start to first 250", "end to first RCPT", "end to first 250")
#: The four times of each broadcast, in the order of WHAT.
Times = list[tuple[float, ...]]
ITEMS = "SELECT id, announcement_id FROM queue_item WHERE school = ? AND announcement_id LIKE 'B%'"


@dataclass(frozen=True, slots=True)
class Sent:
    """When a broadcast's command began and ended."""

    id: str
    began: float
    ended: float


def register(made: Appliance, given: argparse.Namespace) -> None:
    """Register everybody."""
    made.register([f"a{one}" for one in addresses(given.recipients, given.domains)], SCHOOL)
    made.register([f"n{one}" for one in addresses(given.notices - given.recipients, given.domains)], OTHERS)


def plan(made: Appliance) -> None:
    """Plan a maintenance window whose notice is due."""
    begins = datetime.now(UTC) + timedelta(days=2)
    times = [moment.isoformat(timespec="minutes") for moment in (begins, begins + timedelta(hours=1))]
    made("maintenance", "plan", "--from", times[0], "--to", times[1], "--lead", "3d")


def broadcasts(made: Appliance, count: int, notices: journal.Tail) -> Iterator[Sent]:
    """Send safety broadcasts, one after another, until so many were sent since the first notice was taken."""
    text = made.directory / "safety.txt"
    text.write_text(TEXT, encoding="utf-8")
    what = ("--school", SCHOOL, "--urgent", "--receipt", "--subject", "不審者情報", "--text-file", str(text))
    sent, leaving = 0, False
    while count:
        began, leaving = time.time(), leaving or notices.look() > sent
        announced = made("broadcast", "send", *what)
        sent += int(announced["recipients"])
        count -= leaving
        yield Sent(str(announced["id"]), began, time.time())
        time.sleep(PAUSE_SECONDS)


def play(directory: Path, given: argparse.Namespace) -> dict[str, Times]:
    """Return the times of each broadcast that counts, by what the notices did when it began."""
    path = directory / "journal"
    receivers = Receivers(given.domains, given.round_trip, 20, chunking=True)
    with sinks(*receivers.options(path), "--bad", f"{BAD_DOMAIN}={given.bad}") as ports:
        made = appliance(directory, receivers, ports)
        register(made, given)
        with made.serving("mailer"):
            plan(made)
            sent = list(broadcasts(made, given.broadcasts, journal.Tail(path)))
            time.sleep(TARGET)
    with store(directory) as connection:
        owner = dict(connection.execute(ITEMS, (SCHOOL,)))
    return times(sent, journal.read(path).taken, owner)


def times(sent: Sequence[Sent], taken: Sequence[journal.Taken], owner: dict[int, str]) -> dict[str, Times]:
    """Return the times of the broadcasts by phase; `owner` knows which items are theirs."""
    notices = [one.at for one in taken if one.item not in owner]
    figures: dict[str, Times] = {phase: [] for phase in PHASES}
    for one in (one for one in sent if one.began < max(notices)):
        mine = [mail for mail in taken if owner.get(mail.item) == one.id]
        assert mine, f"no mail of broadcast {one.id} came"
        rcpt, at = min(mail.rcpt for mail in mine), min(mail.at for mail in mine)
        phase = LEAVING if one.began > min(notices) else ANNOUNCING
        figures[phase].append((rcpt - one.began, at - one.began, rcpt - one.ended, at - one.ended))
    return figures


def share(values: Sequence[float], percent: int) -> float:
    """Return the value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--notices", type=int, default=100_000)
    parser.add_argument("--broadcasts", type=int, default=100)
    parser.add_argument("--recipients", type=int, default=200, help="of each broadcast")
    parser.add_argument("--domains", type=int, default=40)
    parser.add_argument("--round-trip", type=float, default=0.02, help="seconds")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--bad", choices=list(BAD), default="silent")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--directory", type=Path, help="where the store is made: a real disk; else the usual one")
    given = parser.parse_args()
    figures: dict[str, Times] = {phase: [] for phase in PHASES}
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory(dir=given.directory) as directory:
            for phase, found in play(Path(directory), given).items():
                figures[phase] += found
    print(f"{given.notices:,} notices, one domain is {given.bad}; seconds after the start or end of the command")
    for phase, found in figures.items():
        tell(phase, found)
    if given.plot is not None:
        given.plot.write_text(picture(columns(figures[LEAVING]), given), encoding="utf-8")


def tell(phase: str, figures: Times) -> None:
    """Print a table of one phase."""
    print(f"\n{len(figures)} broadcasts began {phase}")
    if figures:
        print(f"{'':28} {'p50':>8} {'p99':>8} {'worst':>8}")
    for what, values in columns(figures):
        print(f"{what:28} {share(values, 50):8.3f} {share(values, 99):8.3f} {max(values):8.3f}")


def columns(figures: Times) -> list[tuple[str, tuple[float, ...]]]:
    """Return each kind of time with its values."""
    return list(zip(WHAT, zip(*figures, strict=True), strict=True)) if figures else []


def picture(named: Sequence[tuple[str, Sequence[float]]], given: argparse.Namespace) -> str:
    """Return the bars of p50, p99 and worst."""
    groups = [
        (what, [_bar("p50", share(values, 50)), _bar("p99", share(values, 99)), _bar("worst", max(values))])
        for what, values in named
    ]
    note = f"{given.notices:,} notices under way, one carrier {given.bad}; dashed: the target (p99)."
    return bars("First mail of a safety broadcast", note, groups)


def _bar(label: str, seconds: float) -> Bar:
    return Bar(label, max(seconds, 0.0), f"{seconds:.2f} s", 0, TARGET)


if __name__ == "__main__":
    main()
