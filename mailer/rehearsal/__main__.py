"""How does the town run as a process of its own, beside the appliance?

`python -m mailer.rehearsal [--journal FILE] [--seed N] [--haste X] [--inbound HOST:PORT] [--moods FILE]`
prints one line of JSON with its ports and stops on SIGTERM.
"""

import argparse
import asyncio
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mailer.clock import system_clock
from mailer.rehearsal.bouncer import Door
from mailer.rehearsal.moods import MoodError
from mailer.rehearsal.plan import read_places
from mailer.rehearsal.town import PLACES, Terms, Town
from mailer.serve import run


async def _town(terms: Terms, ready: Callable[[], None], stop: asyncio.Event) -> None:
    town = Town(terms)
    await town.start()
    print(json.dumps({"port": town.port, "dns": town.dns_port}), flush=True)
    ready()
    await stop.wait()
    await town.stop()


def _door(text: str) -> Door:
    host, _, port = text.rpartition(":")
    return Door(host, int(port))


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m mailer.rehearsal")
    parser.add_argument("--journal", type=Path, help="write what is received, answered and opened to this file")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same town")
    parser.add_argument("--haste", type=float, default=1.0, help="how much sooner than in life guardians look")
    parser.add_argument("--inbound", type=_door, help="HOST:PORT of the appliance's port 25, for mail that comes back")
    parser.add_argument("--moods", type=Path, help="TOML file with receivers that behave otherwise, or are new")
    given = parser.parse_args()
    try:
        places = read_places(given.moods) if given.moods else PLACES
    except MoodError as error:
        parser.error(str(error))
    terms = Terms(system_clock, given.seed, given.haste, given.journal, given.inbound, places)
    run(partial(_town, terms), lambda: None)


if __name__ == "__main__":
    main()
