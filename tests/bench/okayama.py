"""Does a provider in trouble delay the mails to anybody else?

`python -m tests.bench.okayama [--registrants 64000] [--broadcasts 10] [--rounds 3] [--ways refuse,silent]`: the case of
Okayama in July 2018, where one provider refused, and its retries delayed the mails of all by up to two hours. As many
registrants, a quarter of them at the provider d02.example; broadcasts in a row; the whole appliance as processes. Each
round the same town is played with the provider well, and in each way to be bad. Told: the time from the first broadcast
to the last mail of all other receivers, and by how much it is longer than in the same round with the provider well.
`--ways absent` plays the town without the provider and its registrants: what is left of its share of the machine.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.appliance import sinks
from tests.bench import journal
from tests.bench.broadcast import TEXT
from tests.bench.plot import Bar, bars
from tests.bench.product import Receivers, appliance
from tests.sinks import BAD, domain

PROVIDER = 2
WELL, ABSENT = "well", "absent"
DOMAINS = 20
#: One in so many registrants is at the provider.
SHARE = 4
PROVIDER_DOMAIN = f"@{domain(PROVIDER)}"
PROVIDER_ADDRESS = f'{PROVIDER_DOMAIN}"'.encode()
#: How much longer the mails of all others may take.
BOUND = 0.05


@dataclass(frozen=True, slots=True)
class Town:
    """How many are registered, how many broadcasts they get, and how far the receivers are."""

    registrants: int
    broadcasts: int
    round_trip: float = 0.0

    def addresses(self, way: str) -> list[str]:
        """Return everyone, a quarter at the provider, the others spread evenly."""
        others = [number for number in range(1, DOMAINS + 1) if number != PROVIDER]
        everyone = (
            (number, PROVIDER if number % SHARE == 0 else others[number % len(others)])
            for number in range(self.registrants)
        )
        return [f"guardian{number}@{domain(at)}" for number, at in everyone if way != ABSENT or at != PROVIDER]

    @property
    def others(self) -> int:
        """Return how many mails go to all other receivers."""
        return (self.registrants - -(-self.registrants // SHARE)) * self.broadcasts


@dataclass
class Times:
    """Seconds to the last mail of the others, for each way, round by round."""

    by_way: dict[str, list[float]] = field(default_factory=dict)

    def longer(self, way: str) -> list[float]:
        """Return for each round how much longer it took than with the provider well, as a share."""
        return [bad / well - 1 for bad, well in zip(self.by_way[way], self.by_way[WELL], strict=True)]

    def median_longer(self, way: str) -> float:
        """Return by how much the median is longer than with the provider well, as a share."""
        return median(self.by_way[way]) / median(self.by_way[WELL]) - 1


def play(directory: Path, town: Town, way: str) -> float:
    """Return the seconds from the first broadcast to the last mail of all other receivers."""
    path = directory / "journal"
    receivers = Receivers(DOMAINS, town.round_trip, 20, chunking=True)
    bad = () if way in (WELL, ABSENT) else ("--bad", f"{PROVIDER}={way}")
    with sinks(*receivers.options(path), *bad) as ports:
        made = appliance(directory, receivers, ports)
        made.register(town.addresses(way))
        with made.serving("mailer"):
            began = time.time()
            for _ in range(town.broadcasts):
                made.send("--receipt", text=TEXT)
            journal.Tail(path, but=PROVIDER_ADDRESS).wait_for(town.others)
    return max(one.at for one in journal.read(path).taken if not one.address.endswith(PROVIDER_DOMAIN)) - began


def rounds(town: Town, ways: Sequence[str], number: int, root: Path | None = None) -> Times:
    """Play the town with the provider well and in each of these ways, round after round."""
    times = Times()
    for _ in range(number):
        for way in (WELL, *ways):
            with tempfile.TemporaryDirectory(dir=root) as directory:
                times.by_way.setdefault(way, []).append(play(Path(directory), town, way))
    return times


def told(times: Times) -> str:
    """Return the medians, every round, and how much is noise."""
    lines = []
    for way, seconds in times.by_way.items():
        each = " ".join(f"{one:.2f}" for one in seconds)
        longer = times.longer(way)
        spread = f"{min(longer):+.1%} to {max(longer):+.1%}"
        lines.append(f"{way:10} {median(seconds):9.2f} s {times.median_longer(way):+8.1%}  (rounds {spread}: {each})")
    well = times.by_way[WELL]
    lines.append(f"noise: the rounds with the provider well differ by {max(well) / min(well) - 1:.1%}")
    return "\n".join(lines)


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--registrants", type=int, default=64_000)
    parser.add_argument("--broadcasts", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--round-trip", type=float, default=0.0, help="seconds")
    parser.add_argument("--ways", default="refuse,silent", help=f"of {', '.join(BAD)}, {ABSENT}")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--directory", type=Path, help="where stores are made: a real disk; else the usual one")
    given = parser.parse_args()
    town = Town(given.registrants, given.broadcasts, given.round_trip)
    times = rounds(town, given.ways.split(","), given.rounds, given.directory)
    print(f"{town.others:,} mails to all others; time to the last, and how much longer than with the provider {WELL}")
    print(told(times))
    if given.plot is not None:
        given.plot.write_text(picture(times, town), encoding="utf-8")


def picture(times: Times, town: Town) -> str:
    """Return a bar for each way; the dashed line is 5 % more than with the provider well."""
    bound = (1 + BOUND) * median(times.by_way[WELL])
    drawn = [
        Bar(
            f"provider {way}", median(seconds), f"{median(seconds):.1f} s ({times.median_longer(way):+.1%})", mark=bound
        )
        for way, seconds in times.by_way.items()
    ]
    note = f"{town.broadcasts} broadcasts to {town.registrants:,} people, a quarter at the provider; dashed: +5 %."
    return bars("Seconds to the last mail of all other receivers", note, [("Medians", drawn)])


if __name__ == "__main__":
    main()
