"""How fast does a broadcast leave, from `broadcast send` to the last outcome written down?

`python -m tests.bench.broadcast [--recipients 10000] [--domains 40] [--round-trip 0.02] [--no-chunking]`: the real
appliance as processes, receivers on loopback in another process, every mail unique (receipt URL, VERP), about 2.5 KB of
Japanese text, RSA-2048 and Ed25519 signatures, synchronous=FULL, at most 20 connections a domain. Prints figures.
"""

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

import apsw

from tests.appliance import Appliance, sinks
from tests.sinks import domain

#: Shares of the Japanese receivers, the biggest first; what is left is spread over the other domains.
SHARES = (28, 20, 20, 12, 6, 6)
TEXT = "本日15時20分ごろ、第一小学校の校門の近くで不審者が目撃されました。お子さまの安全の確保をお願いします。\n" * 16


def addresses(recipients: int, domains: int) -> list[str]:
    """Return addresses spread over the domains in those shares."""
    made = []
    for number in range(recipients):
        place, first = number % 100, 0
        for index, share in enumerate(SHARES, start=1):
            first += share
            if place < first:
                made.append(f"guardian{number}@{domain(min(index, domains))}")
                break
        else:
            made.append(f"guardian{number}@{domain(min(len(SHARES) + 1 + number // 100 % 34, domains))}")
    return made


def outcome_times(appliance: Appliance) -> list[int]:
    """Return when each outcome came, in milliseconds, from the store itself: what verbs print goes to the second."""
    store = str(appliance.directory / "state" / "mimamori.db")
    with contextlib.closing(apsw.Connection(store, flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        return [at for (at,) in connection.execute("SELECT replied_at FROM queue_item ORDER BY replied_at")]


def main() -> None:
    """Run once and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--domains", type=int, default=40)
    parser.add_argument("--round-trip", default="0")
    parser.add_argument("--chunking", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    options = ["--domains", str(given.domains), "--round-trip", given.round_trip]
    options += [] if given.chunking else ["--no-chunking"]
    with tempfile.TemporaryDirectory() as directory, sinks(*options) as ports:
        run(Appliance(Path(directory), dns=ports["dns"], port=ports["port"]), given)


def run(appliance: Appliance, given: argparse.Namespace) -> None:
    """Import, send, wait, print."""
    appliance.register(addresses(given.recipients, given.domains))
    with appliance.serving("mailer"):
        began = time.monotonic()
        broadcast = appliance.send("--urgent", "--receipt", text=TEXT)
        accepted = time.monotonic()
        while appliance.open_items():
            time.sleep(0.2)
        ended = time.monotonic()
        shown = appliance("broadcast", "show", broadcast)
    times = outcome_times(appliance)
    print(f"{given.recipients} recipients over {given.domains} domains, round trip {given.round_trip} s")
    print(f"broadcast send returned after      {accepted - began:6.2f} s")
    print(f"last outcome written after (about) {ended - began:6.2f} s")
    seconds = (times[-1] - times[0]) / 1000
    print(f"first to last outcome              {seconds:6.2f} s = {given.recipients / seconds:.0f} mails/s")
    print({word: shown[word] for word in ("accepted", "refused", "held", "expired") if shown[word]})


if __name__ == "__main__":
    main()
