"""Is anything lost when the mailer is killed at any moment, and is every possible duplicate marked?

The receivers' journal is compared with the store: it is written before and after each 250, and outlives everything.
With `--long` a hundred kills; what was counted is printed (`-s` shows it). A few of each kind are in every run of the
tests: `test_crash_thousand.py`.
"""

import contextlib
import json
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

from tests.appliance import Appliance, sinks
from tests.sinks import domain

RECIPIENTS = 1000
DOMAINS = 20
KILLS = 100
SEED = 20261124


@dataclass
class Toll:
    """What several runs came to."""

    kills: int = 0
    lost: int = 0
    marked: int = 0
    real: int = 0
    unmarked: int = 0
    in_flight: int = 0
    held: int = 0
    worst: list[int] = field(default_factory=list)


def received(journal: Path) -> Counter[str]:
    """Return how often each address's mail came in whole."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return Counter(line["address"] for line in lines if line["kind"] == "received")


def under_way(store: Path) -> int:
    """Return how many items were claimed and not settled when the mailer died."""
    with contextlib.closing(apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        rows = connection.execute("SELECT id FROM queue_item WHERE state = 'sending'")
        return len(rows.fetchall())


def one_run(directory: Path, chance: random.Random, toll: Toll) -> None:
    """Send one broadcast, kill the mailer once in the middle of it, let another finish, and count."""
    journal = directory / "journal.jsonl"
    with sinks("--domains", str(DOMAINS), "--journal", str(journal), "--round-trip", "0.005") as ports:
        appliance = Appliance(directory, dns=ports["dns"], port=ports["port"])
        appliance.register([f"guardian{n}@{domain(1 + n % DOMAINS)}" for n in range(RECIPIENTS)])
        broadcast = appliance.send("--urgent", "--receipt")
        killed = appliance.start("mailer")
        time.sleep(chance.uniform(0.0, 0.9))
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        if killed.stdout:
            killed.stdout.close()
        in_flight = under_way(directory / "state" / "mimamori.db")
        with appliance.serving("mailer"):
            wait_until_settled(appliance)
        appliance("broadcast", "verify", broadcast)
        count(toll, received(journal), appliance("broadcast", "recipients", broadcast), in_flight)


def wait_until_settled(appliance: Appliance) -> None:
    """Wait until no recipient is waiting; a possible copy is tried again after its backoff."""
    end = time.monotonic() + 60
    while left := appliance.open_items():
        assert time.monotonic() < end, f"{left} items still wait"
        time.sleep(0.1)


def count(toll: Toll, copies: Counter[str], recipients: list[dict[str, object]], in_flight: int) -> None:
    """Compare what the receivers got with what the store says."""
    marked = {str(one["address"]) for one in recipients if one["possible_duplicate"]}
    twice = {address for address, number in copies.items() if number > 1}
    toll.kills += 1
    toll.lost += sum(one["state"] == "accepted" and not copies[str(one["address"])] for one in recipients)
    toll.lost += RECIPIENTS - len(recipients)
    toll.held += sum(one["state"] != "accepted" for one in recipients)
    toll.marked += len(marked)
    toll.real += len(twice)
    toll.unmarked += len(twice - marked)
    toll.in_flight += in_flight
    toll.worst.append(len(twice) - in_flight)


def assert_kept(toll: Toll) -> None:
    """Print what was counted; fail unless nothing was lost and each duplicate was under way and is marked."""
    print(toll)
    assert toll.lost == 0
    assert toll.held == 0
    assert toll.unmarked == 0
    assert max(toll.worst) <= 0


@pytest.mark.timeout(3600)
@pytest.mark.long
def test_nothing_is_lost_by_a_hundred_kills(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    toll = Toll()
    for number in range(KILLS):
        directory = tmp_path / str(number)
        directory.mkdir()
        one_run(directory, chance, toll)
    assert_kept(toll)
