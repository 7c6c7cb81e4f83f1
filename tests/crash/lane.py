"""How do many kills follow each other on one appliance?

`python -m tests.crash.lane --directory DIR --kills N --seed S` prints the balance of each kind as one line of JSON.
"""

import argparse
import json
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.crash.balance import Balance, Item, weigh
from tests.crash.far_side import addresses
from tests.crash.kills import KINDS, Kind
from tests.crash.line import Line, line
from tests.crash.tree import alive

#: After so many kills the appliance is a new one: a store that only grows would make every later kill dearer.
KILLS_PER_LINE = 100
MOST_BROADCASTS = 8
LOOK_SECONDS = 0.02
ITEMS = "SELECT id, state, possible_duplicate FROM queue_item WHERE announcement_id IN ({})"


def one_kill(on: Line, kind: Kind, chance: random.Random) -> Balance:
    """Send a broadcast, kill the mailer in the middle of it, let another finish, and count."""
    began = time.monotonic()
    trap = kind.set_trap(on, chance)
    sent = [on.send()]
    while not trap.sprung(LOOK_SECONDS):
        if on.is_settled():
            # The trap stands further on than this broadcast went.
            assert len(sent) < MOST_BROADCASTS, f"{kind}: the moment never came"
            sent.append(on.send())
    under_way = trap.strike(kind.who)
    if not alive(on.pid):
        on.start()
    on.settle()
    balance = weighed(on, sent, under_way)
    balance.kills, balance.slowest = 1, time.monotonic() - began
    return balance


def weighed(on: Line, sent: Sequence[str], under_way: set[int]) -> Balance:
    """Weigh settled broadcasts against what the far side noted since the last time."""
    names = ", ".join(f"'{name}'" for name in sent)
    items = [Item(one, state, bool(marked)) for one, state, marked in on.select(ITEMS.format(names))]
    balance = weigh(items, on.far.news(), under_way, sum(not on.holds(name) for name in sent))
    balance.lost += len(sent) * len(addresses()) - len(items)
    return balance


Rows = dict[str, Balance]


def many_kills(rows: Rows, directory: Path, number: int, seed: int, tell: Callable[[str], object]) -> None:
    """Kill so often, all kinds in turn; put the balance of each kind into `rows`."""
    chance = random.Random(seed)
    for first in range(0, number, KILLS_PER_LINE):
        place = directory / str(first)
        place.mkdir(parents=True)
        with line(place) as on:
            on.start()
            among = _in_some_order([kind for kind in KINDS if not kind.why_not(on)], seed)
            for count in range(first, min(first + KILLS_PER_LINE, number)):
                kind = among[count % len(among)]
                balance = one_kill(on, kind, chance)
                if balance.faults:
                    tell(f"kill {count + 1} ({kind}): {'; '.join(balance.faults)}; kept in {place}")
                rows.setdefault(str(kind), Balance()).add(balance)
                tell(f"{count + 1} of {number}: {kind}, {balance.slowest:.1f} s")


def _in_some_order(among: Sequence[Kind], seed: int) -> list[Kind]:
    ordered = list(among)
    random.Random(seed).shuffle(ordered)
    return ordered


def main() -> None:
    """Read the arguments and kill."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    asked = parser.parse_args()
    # Whoever ends this process early wants nothing left of the mailer either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rows: Rows = {}
    try:
        many_kills(rows, asked.directory, asked.kills, asked.seed, _tell)
    finally:
        print(json.dumps({kind: asdict(balance) for kind, balance in rows.items()}), flush=True)


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
