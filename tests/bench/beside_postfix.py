"""How fast is the product beside Postfix with opendkim, on the same work, in the same minutes?

`python -m tests.bench.beside_postfix [--recipients 10000] [--domains 40] [--round-trip S] [--connections N]
[--rounds 3] [--plot FILE.svg] [--directory DIR]`: one broadcast of unique mails (receipt URL, VERP, about 2.5 KB of
Japanese text, RSA-2048) in Japanese shares to receivers on loopback that take everything. Without `--round-trip` and
`--connections` three settings: no round trip, 20 ms, and 20 ms with 5 connections a domain. In each round every sender
has its turn against the same receivers, Postfix with its own values and tuned; the medians of the rounds are told.

Timed for the product from starting `broadcast send`, for Postfix from the first injected envelope (its mails are made
beforehand), until the last 250 at the receivers. Postfix sends no BDAT, so all receivers offer DATA alone; the product
with CHUNKING is a row of its own, and so is the product when it signs as Postfix does, with RSA alone: as installed it
signs with Ed25519 too. Some idle connections that Postfix keeps do not count towards its limit. What cannot be measured
while the clock runs (flushes, how far the store is behind, memory) comes from further runs. Needs root and Debian's
packages.
"""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from statistics import median

from tests.appliance import sinks
from tests.bench import journal, product, rival
from tests.bench.broadcast import SHARES, TEXT, addresses
from tests.bench.capacity import signatures_per_second
from tests.bench.plot import Bar, bars
from tests.bench.product import Receivers, Run
from tests.sinks import domain

PRODUCT, RSA_ALONE, BDAT = "product", "product, RSA alone", "product, CHUNKING offered"
TUNED, DEFAULT = "Postfix + opendkim, tuned", "Postfix + opendkim, default"
#: Greeting, EHLO and the first envelope cost a round trip each before the first mail's own.
OPENING_TRIPS = 3


@dataclass
class Scene:
    """One setting, and what every sender did in it."""

    round_trip: float
    connections: int
    runs: dict[str, list[Run]] = field(default_factory=dict)
    signatures: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return what it is called in tables."""
        return f"{self.round_trip * 1000:g} ms, {self.connections} connections a domain"

    def seconds(self, sender: str) -> float:
        """Return the median of a sender's rounds."""
        return median(run.last for run in self.runs[sender])

    def shortest(self, recipients: int) -> float:
        """Return how long the biggest domain's mails take at least: with DATA each is a round trip."""
        trips = ceil(recipients * SHARES[0] / 100 / self.connections) + OPENING_TRIPS
        return trips * self.round_trip

    def signing(self, recipients: int) -> float:
        """Return how long the cores take to sign as many mails when they do nothing else."""
        return recipients / median(self.signatures)


def receivers(scene: Scene, given: argparse.Namespace, *, chunking: bool = False) -> Receivers:
    """Return what the mails of a scene meet."""
    return Receivers(given.domains, scene.round_trip, scene.connections, chunking)


def postfix(directory: Path, scene: Scene, given: argparse.Namespace, sender: str) -> Run:
    """Send the broadcast by Postfix and opendkim."""
    run, path = Run(given.recipients), directory / "journal"
    mails = rival.letters(addresses(given.recipients, given.domains), TEXT)
    with sinks(*receivers(scene, given).options(path)) as ports:
        places = {domain(n): f"127.0.81.{n}:{ports['port']}" for n in range(1, given.domains + 1)}
        settings = rival.TUNED if sender == TUNED else rival.DEFAULT
        servers = rival.start(directory, places, scene.connections, settings)
        try:
            began = servers.send(mails)
            journal.Tail(path).wait_for(run.mails)
        except BaseException:
            print(servers.postfix.log()[-2000:], servers.opendkim.log()[-2000:])
            raise
        finally:
            servers.stop()
    run.note(journal.read(path), began)
    injected = sum(len(mail.content) for mail in mails) / len(mails)
    assert run.octets > injected + rival.SIGNATURE_OCTETS, "opendkim did not sign"
    return run


def senders(scene: Scene, given: argparse.Namespace) -> dict[str, Callable[[Path], Run]]:
    """Return who has a turn in each round, in order."""
    people = addresses(given.recipients, given.domains)
    turns: dict[str, Callable[[Path], Run]] = {
        PRODUCT: lambda directory: product.send(directory, receivers(scene, given), people),
        TUNED: lambda directory: postfix(directory, scene, given, TUNED),
        RSA_ALONE: lambda directory: product.send(directory, receivers(scene, given), people, rsa_alone=True),
        BDAT: lambda directory: product.send(directory, receivers(scene, given, chunking=True), people),
        DEFAULT: lambda directory: postfix(directory, scene, given, DEFAULT),
    }
    return turns


def play(scene: Scene, given: argparse.Namespace) -> None:
    """Give everyone a turn, round after round; the cores are measured before each."""
    for number in range(given.rounds):
        scene.signatures.append(signatures_per_second())
        for sender, turn in senders(scene, given).items():
            run = _alone(given, turn)
            scene.runs.setdefault(sender, []).append(run)
            told = f"{run.last:6.2f} s {run.rate:7,.0f}/s"
            print(f"  round {number + 1}  {scene.name:32} {sender:28} {told}", flush=True)


def _alone(given: argparse.Namespace, turn: Callable[[Path], Run]) -> Run:
    """Have a turn in a new directory, after the disk has nothing left to do."""
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        os.sync()
        return turn(Path(directory))


def table(scene: Scene, given: argparse.Namespace) -> None:
    """Print what came of a scene."""
    count = given.recipients
    print(f"\n{scene.name}; doing nothing else the cores sign {median(scene.signatures):,.0f} RSA-2048 a second")
    for sender, runs in scene.runs.items():
        seconds = scene.seconds(sender)
        times = " ".join(f"{run.last:.2f}" for run in runs)
        print(f"  {sender:28} {seconds:7.2f} s {count / seconds:8,.0f} mails/s  ({times})")
        print(f"  {'':28} {_meeting(runs[-1])}")
    best = min(scene.seconds(TUNED), scene.seconds(DEFAULT))
    for sender in (PRODUCT, RSA_ALONE, BDAT):
        mine = scene.seconds(sender)
        share = f"{scene.signing(count) / mine:.0%} of what the cores can sign"
        if scene.round_trip:
            share += f", {scene.shortest(count) / mine:.0%} of the shortest possible ({scene.shortest(count):.2f} s)"
        print(f"  {sender:28} {best / mine:.1f} times as fast as the faster Postfix, {share}")
    last = scene.runs[PRODUCT][-1]
    times = f"first RCPT after {last.first_rcpt:.2f} s, all durable after {last.durable or 0:.2f} s"
    print(f"  the command itself took {last.command:.2f} s, {times}")


def _meeting(run: Run) -> str:
    """Say how a sender met the receivers."""
    trips = f"{run.rounds:.2f} round trips a mail of {run.octets:,.0f} octets"
    most = f"{run.connections} connections, at most {run.most_connections} at one domain"
    return f"{trips}, {most}; the receivers took {run.receivers_cpu:.2f} s CPU"


def beyond_the_clock(scene: Scene, given: argparse.Namespace) -> None:
    """Print what other runs tell of the product: flushes, how far the store is behind, memory."""
    people = addresses(given.recipients, given.domains)
    here = receivers(scene, given)
    traced = _alone(given, lambda directory: product.send(directory, here, people, "traced"))
    seen = _alone(given, lambda directory: product.send(directory, here, people, "observed"))
    behind = sorted(seen.behind)
    print(f"\nthe product, {scene.name}, in runs that were looked into")
    flushes = "not known: no strace" if traced.flushes is None else f"{traced.flushes:7}"
    print(f"  flushes of the disk          {flushes}")
    print(f"  rows written to first RCPT   {seen.queued_to_rcpt * 1000:7.0f} ms")
    if behind:
        late, latest = behind[len(behind) * 99 // 100] * 1000, behind[-1] * 1000
        print(f"  the store is behind          {late:7.0f} ms (p99), {latest:.0f} ms at most")
    print(f"  memory of the mailer         {seen.memory:7.0f} MiB, CPU time {seen.cpu:.2f} s")


def plot(scenes: Sequence[Scene], given: argparse.Namespace) -> str:
    """Return the picture of all scenes; the dashed line is the shortest possible."""
    colours = {PRODUCT: 0, RSA_ALONE: 2, BDAT: 5, TUNED: 1, DEFAULT: 3}
    groups = [
        (
            f"Round trip {scene.name}",
            [
                Bar(
                    sender,
                    scene.seconds(sender),
                    f"{scene.seconds(sender):.2f} s",
                    colours[sender],
                    _bound(scene, given),
                )
                for sender in scene.runs
            ],
        )
        for scene in scenes
    ]
    title = f"{given.recipients:,} unique signed mails over {given.domains} domains"
    rate = median(rate for scene in scenes for rate in scene.signatures)
    note = (
        f"Seconds to the last 250, medians of {given.rounds} alternating round(s); the cores sign {rate:,.0f} RSA-2048"
        " a second.\nDashed: the shortest possible, by signatures or by the biggest domain's round trips with DATA."
    )
    return bars(title, note, groups)


def _bound(scene: Scene, given: argparse.Namespace) -> float:
    return max(scene.shortest(given.recipients), scene.signing(given.recipients))


def filesystem(directory: Path | None) -> str:
    """Return the kind of file system of a directory: on a tmpfs no flush costs anything."""
    command = ("stat", "--file-system", "--format=%T", str(directory or tempfile.gettempdir()))
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Read the arguments, play the scenes, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--domains", type=int, default=40)
    parser.add_argument("--round-trip", type=float, help="seconds; with --connections: this one setting only")
    parser.add_argument("--connections", type=int, help="connections a domain")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument(
        "--directory", type=Path, help="where stores and queues are made: a real disk; else the usual one"
    )
    given = parser.parse_args()
    scenes = [Scene(0.0, 20), Scene(0.02, 20), Scene(0.02, 5)]
    if given.round_trip is not None or given.connections is not None:
        scenes = [Scene(given.round_trip or 0.0, given.connections or 20)]
    print(f"stores and queues on {filesystem(given.directory)}, {len(os.sched_getaffinity(0))} cores")
    for scene in scenes:
        play(scene, given)
    for scene in scenes:
        table(scene, given)
    beyond_the_clock(scenes[0], given)
    if given.plot is not None:
        given.plot.write_text(plot(scenes, given), encoding="utf-8")


if __name__ == "__main__":
    main()
