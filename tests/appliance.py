"""How does a test run the whole appliance, as processes, the way an operator does?"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

ROOT = Path(__file__).resolve().parents[1]


class Appliance:
    """An installation in a directory of its own; verbs are typed, services are child processes."""

    def __init__(self, directory: Path, *, dns: int, port: int, extra: str = "") -> None:
        self.directory = directory
        self.config = directory / "mimamori.toml"
        self.web, self.inbound = free_ports(2)
        self.config.write_text(
            f"""
[state]
directory = "{directory}/state"
[dns]
nameservers = ["127.0.0.1:{dns}"]
[delivery]
port = {port}
permit_private_destinations = true
require_standing = false
[inbound]
listen = ["127.0.0.1:{self.inbound}"]
[web]
listen = ["127.0.0.1:{self.web}"]
base_url = "http://127.0.0.1:{self.web}"
{extra}
"""
        )
        self("init")

    def __call__(self, *verb: str) -> Any:
        """Type a verb with --json; return its document (or list of documents); fail on any exit status but 0."""
        done = subprocess.run(self._command("--json", *verb), capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, f"{verb}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        try:
            return json.loads(done.stdout) if done.stdout.strip() else None
        except ValueError:
            return [json.loads(line) for line in lines]

    def register(self, addresses: Sequence[str], school: str = "t-daiichi") -> None:
        """Import one household for each address."""
        roster = self.directory / "roster.csv"
        rows = [f"{school},1,1,児童{n},保護者{n},login{n},{address},,,,1" for n, address in enumerate(addresses)]
        header = "school,grade,class,child,guardian,login,address1,address2,address3,address4,receives_broadcasts"
        roster.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        self("households", "import", str(roster))

    def send(self, *options: str, text: str = "15時20分ごろ、校門の近くで。\n") -> str:
        """Send a broadcast to all schools and return its id."""
        file = self.directory / "text.txt"
        file.write_text(text, encoding="utf-8")
        sent = self("broadcast", "send", "--all", "--subject", "不審者情報", "--text-file", str(file), *options)
        return str(sent["id"])

    def start(self, *services: str) -> subprocess.Popen[str]:
        """Start services; return once they say `ready`."""
        log = (self.directory / "serve.log").open("a")
        child = subprocess.Popen(
            self._command("serve", *services), stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT
        )
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() == "ready":
                break
        else:
            raise AssertionError((self.directory / "serve.log").read_text()[-3000:])
        log.close()
        return child

    def open_items(self) -> int:
        """Return how many items are neither settled nor held, from the store itself: typing a verb costs too much."""
        store = str(self.directory / "state" / "mimamori.db")
        with contextlib.closing(apsw.Connection(store, flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
            rows = connection.execute("SELECT id FROM queue_item WHERE state IN ('waiting', 'sending')")
            return len(rows.fetchall())

    @contextlib.contextmanager
    def serving(self, *services: str) -> Iterator[subprocess.Popen[str]]:
        """Run services as long as the block lasts."""
        child = self.start(*services)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(30)
            if child.stdout:
                child.stdout.close()

    def _command(self, *verb: str) -> list[str]:
        return [sys.executable, "-m", "mailer", "--config", str(self.config), *verb]


def free_ports(number: int) -> list[int]:
    """Return TCP ports of loopback that nobody listens on, no two the same."""
    with contextlib.ExitStack() as probes:
        held = [probes.enter_context(socket.socket()) for _ in range(number)]
        for probe in held:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in held]


@contextlib.contextmanager
def sinks(*options: str) -> Iterator[dict[str, int]]:
    """Run tests.sinks as long as the block lasts; yield its ports."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.sinks", *options],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.terminate()
        child.wait(10)
        child.stdout.close()
