"""How does one appliance live through many kills?

A line is an appliance, its receivers and the mailer of the moment. Verbs are typed into this process, because starting
another one for each would take longer than the kill; the mailer, the receivers and the store are real. After a kill
the store is read from a copy, so that it is the next mailer that recovers it.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
from click.testing import CliRunner, Result

from mailer.cli.root import root
from mailer.language import spoken, use
from tests.appliance import ROOT, Appliance
from tests.crash.far_side import addresses
from tests.crash.tree import family, kill, states, wait_until

SETTLED_SECONDS = 60
UNDER_WAY = "SELECT id FROM queue_item WHERE state = 'sending'"
LOST = "SELECT item_id FROM attempt WHERE verdict = 'lost'"
#: What SQLite says where a process that was stopped or killed keeps a lock.
LOCKED = (apsw.BusyError, apsw.ProtocolError)
STORE_FILES = ("mimamori.db", "mimamori.db-wal")


@dataclass(frozen=True)
class Setting:
    """Which services run, behind which words of command, and how long the far side thinks about each mail."""

    services: Sequence[str] = ("mailer",)
    within: Sequence[str] = ()
    think_seconds: float = 0.003


def _typed(*words: str) -> Result:
    """Run the command in this process, which speaks its language again afterwards."""
    before = spoken()
    try:
        return CliRunner().invoke(root, list(words))
    finally:
        use(before)


class FarSideHandle:
    """The receivers' process, and the lines it is told and tells."""

    def __init__(self, journal: Path, setting: Setting) -> None:
        self.journal = journal
        self._setting = setting
        self._read_up_to = 0
        self._begin()

    def _begin(self, *options: str) -> None:
        think = ("--think", str(self._setting.think_seconds))
        words = ["-m", "tests.crash.far_side", "--journal", str(self.journal), *think, *options]
        self.process = subprocess.Popen(
            [*self._setting.within, sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._buffer = b""
        self.ports = self.hear(30)

    def break_down(self) -> None:
        """Kill the receivers."""
        self.process.kill()
        self._forget()

    def come_back(self) -> None:
        """Start receivers at the same ports, after a breakdown."""
        self._begin("--port", str(self.ports["port"]), "--dns", str(self.ports["dns"]))

    def tell(self, do: str, **more: object) -> None:
        """Give an order."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")
        self.process.stdin.flush()

    def obey(self, do: str, **more: object) -> None:
        """Give an order and wait until it is carried out."""
        self.tell(do, **more)
        while self.hear(10) != {"done": do}:
            pass

    def hear(self, seconds: float) -> dict[str, Any]:
        """Return the next line; empty if none comes in time."""
        assert self.process.stdout
        while b"\n" not in self._buffer:
            if not select.select([self.process.stdout], [], [], seconds)[0]:
                return {}
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, "the receivers ended"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def news(self) -> list[dict[str, Any]]:
        """Return the journal's lines since the last time."""
        with self.journal.open("rb") as journal:
            journal.seek(self._read_up_to)
            data = journal.read()
        self._read_up_to += len(data)
        return [json.loads(line) for line in data.splitlines()]

    def end(self) -> None:
        """End the receivers in order."""
        assert self.process.stdin
        self.process.stdin.close()
        self._forget()

    def _forget(self) -> None:
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()


class Line:
    """An appliance with everybody registered, and the mailer that runs on it now."""

    def __init__(self, directory: Path, far: FarSideHandle, setting: Setting) -> None:
        self.far = far
        self._setting = setting
        self.directory = directory
        self.appliance = Appliance(directory, dns=far.ports["dns"], port=far.ports["port"])
        self.appliance.register(addresses())
        self.store = directory / "state" / "mimamori.db"
        self.text = directory / "text.txt"
        self.text.write_text("15時20分ごろ、校門の近くで不審者の情報がありました。\n" * 4, encoding="utf-8")
        self.mailer: subprocess.Popen[str] | None = None

    # --- verbs

    def type(self, *verb: str) -> Any:
        """Type a verb here with --json and return its document; fail on any exit status but 0."""
        done = _typed("--config", str(self.appliance.config), "--json", *verb)
        assert done.exit_code == 0, f"{verb}: {done.exit_code}\n{done.output}\n{done.exception!r}"
        return json.loads(done.stdout)

    def send(self) -> str:
        """Send an urgent broadcast to everybody and return its id."""
        words = ("--all", "--urgent", "--receipt", "--subject", "不審者情報", "--text-file", str(self.text))
        return str(self.type("broadcast", "send", *words)["id"])

    def holds(self, broadcast: str) -> bool:
        """Tell whether the accounting of a broadcast holds."""
        done = _typed("--config", str(self.appliance.config), "broadcast", "verify", broadcast)
        return done.exit_code == 0

    # --- the mailer

    @property
    def pid(self) -> int:
        """The mailer's own process: the parent, if it has workers."""
        assert self.mailer
        return self.mailer.pid

    def launch(self) -> None:
        """Start a mailer without waiting for it."""
        self.bury()
        config = ("--config", str(self.appliance.config))
        with (self.directory / "serve.log").open("a") as log:
            self.mailer = subprocess.Popen(
                [*self._setting.within, sys.executable, "-m", "mailer", *config, "serve", *self._setting.services],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                start_new_session=True,
            )

    def start(self, seconds: float = 30) -> None:
        """Start a mailer as a service manager does: again if it refuses. Return when it is ready."""
        end = time.monotonic() + seconds
        while True:
            self.launch()
            assert self.mailer
            assert self.mailer.stdout
            if any(line.strip() == "ready" for line in iter(self.mailer.stdout.readline, "")):
                return
            assert time.monotonic() < end, self.log()[-3000:]

    def bury(self) -> None:
        """Make sure that nothing is left of the mailer before."""
        if self.mailer is None:
            return
        kill(family(self.mailer.pid))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.mailer.pid, signal.SIGKILL)
        self.mailer.wait()
        if self.mailer.stdout:
            self.mailer.stdout.close()
        self.mailer = None

    def log(self) -> str:
        """Return what the mailers said."""
        return (self.directory / "serve.log").read_text()

    # --- the store

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the store itself, while a mailer runs."""
        return _select(self.store, sql)

    def snapshot(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask a copy of the store, while nobody writes: the files themselves stay as the dead left them."""
        copies = self.directory / "copy"
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir()
        for name in STORE_FILES:
            if (file := self.store.with_name(name)).exists():
                shutil.copyfile(file, copies / name)
        return _select(copies / self.store.name, sql)

    def under_way(self) -> set[int]:
        """Return the items that are claimed and not settled, while nobody writes."""
        return {item for (item,) in self.snapshot(UNDER_WAY)}

    def under_way_for_others(self) -> set[int]:
        """Return the same as other processes see it that hold the store open, or where a dead one's claims were found.

        They share an index of the log. A commit that reached the log and not that index never was, to them.
        """
        found = self.snapshot(LOST)
        with contextlib.suppress(*LOCKED):
            found += self.select(UNDER_WAY)
        return {item for (item,) in found}

    def count(self) -> int:
        """Return how many mails the far side has, without taking its news."""
        return self.far.journal.read_bytes().count(b'"received"')

    def is_settled(self) -> bool:
        """Tell whether no item waits or is under way; False also while a process that is stopped keeps the store."""
        with contextlib.suppress(*LOCKED):
            return not self.select("SELECT 1 FROM queue_item WHERE state IN ('waiting', 'sending') LIMIT 1")
        return False

    def settle(self, seconds: float = SETTLED_SECONDS) -> None:
        """Wait until no item waits or is under way."""
        try:
            wait_until(self.is_settled, "every item is settled", seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}; the mailer: {states(family(self.pid))}") from None


def _select(store: Path, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        return connection.execute(sql).fetchall()


@contextlib.contextmanager
def line(directory: Path, setting: Setting = Setting()) -> Iterator[Line]:
    """Set up a line, without a mailer yet, for as long as the block lasts."""
    far = FarSideHandle(directory / "journal.jsonl", setting)
    try:
        made = Line(directory, far, setting)
        try:
            yield made
        finally:
            made.bury()
    finally:
        far.end()
