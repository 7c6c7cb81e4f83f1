"""How does the product send the workload, and what does that cost?

A `Run` is one broadcast by the whole appliance, as processes, from starting `mimamori broadcast send` on. Beyond how
long it takes, a run can be observed (how far the store is behind the receivers) or traced (flushes of the disk), each
of which costs time: such runs are not for the clock.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from tests.appliance import Appliance, sinks
from tests.bench import journal
from tests.bench.broadcast import TEXT
from tests.bench.processes import counting_flushes, cpu, weighing

LOOK_SECONDS = 0.02
LOOK_FOR_ROWS_SECONDS = 0.002
QUEUED = "SELECT EXISTS (SELECT 1 FROM queue_item)"
RETIRE = "UPDATE dkim_key SET state = 'retired' WHERE algorithm = 'ed25519'"
SETTLED = "SELECT COUNT(*) FROM queue_item WHERE state = 'accepted'"


@dataclass(frozen=True, slots=True)
class Receivers:
    """What the mails meet: seconds of a round trip, connections that each takes, whether CHUNKING is offered."""

    domains: int
    round_trip: float
    connections: int
    chunking: bool

    def options(self, path: Path) -> list[str]:
        """Return the options for `tests.sinks`."""
        chunking = "--chunking" if self.chunking else "--no-chunking"
        written = ["--lean", "--journal", str(path), chunking]
        return [*written, "--domains", str(self.domains), "--round-trip", str(self.round_trip)]


@dataclass
class Run:
    """What one broadcast came to; times are seconds from its start, None where nobody looked."""

    mails: int
    command: float = 0.0
    first_rcpt: float = 0.0
    last: float = 0.0
    queued_at: float | None = None
    queued_to_rcpt: float = 0.0
    durable: float | None = None
    looks: list[tuple[float, int]] = field(default_factory=list)
    behind: list[float] = field(default_factory=list)
    flushes: int | None = None
    memory: float = 0.0
    cpu: float = 0.0
    rounds: float = 0.0
    connections: int = 0
    most_connections: int = 0
    octets: float = 0.0
    receivers_cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Return mails per second, from the start to the last 250."""
        return self.mails / self.last

    def note(self, account: journal.Account, began: float) -> None:
        """Take over what the receivers wrote."""
        assert len(account.taken) == self.mails, f"{len(account.taken)} mails came instead of {self.mails}"
        self.first_rcpt = min(one.rcpt for one in account.taken) - began
        self.last = max(one.at for one in account.taken) - began
        self.rounds = account.total("rounds") / self.mails
        self.connections = account.total("connections")
        self.most_connections = account.most_connections
        self.octets = account.total("octets") / self.mails
        self.receivers_cpu = account.cpu


def appliance(directory: Path, receivers: Receivers, ports: dict[str, int]) -> Appliance:
    """Return an appliance that speaks to these receivers as the workload asks for."""
    made = Appliance(directory, dns=ports["dns"], port=ports["port"])
    asked = f"[delivery]\nconnections_per_site = {receivers.connections}\nmessages_per_session = 1000\n"
    made.config.write_text(made.config.read_text().replace("[delivery]\n", asked))
    return made


def send(
    directory: Path, receivers: Receivers, addresses: Sequence[str], how: str = "timed", *, rsa_alone: bool = False
) -> Run:
    """Send one broadcast in a new directory; `how` is timed, observed or traced. `rsa_alone` leaves out Ed25519."""
    path = directory / "journal"
    run = Run(len(addresses))
    with sinks(*receivers.options(path)) as ports:
        made = appliance(directory, receivers, ports)
        made.register(addresses)
        if rsa_alone:
            with store(directory) as connection:
                connection.execute(RETIRE)
        with made.serving("mailer") as mailer, HOW[how](run, mailer.pid, directory):
            worked, began = cpu(mailer.pid), time.time()
            made.send("--urgent", "--receipt", text=TEXT)
            run.command = time.time() - began
            journal.Tail(path).wait_for(run.mails)
            while made.open_items():
                time.sleep(LOOK_SECONDS)
            run.durable = time.time() - began
            run.cpu = cpu(mailer.pid) - worked
    account = journal.read(path)
    run.note(account, began)
    run.queued_to_rcpt = 0.0 if run.queued_at is None else began + run.first_rcpt - run.queued_at
    run.behind = lags(run.looks, sorted(one.at for one in account.taken))
    return run


@contextlib.contextmanager
def store(directory: Path) -> Iterator[apsw.Connection]:
    """Open the store of an appliance beside it."""
    path = str(directory / "state" / "mimamori.db")
    with contextlib.closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        connection.set_busy_timeout(1000)
        yield connection


@contextlib.contextmanager
def _timed(run: Run, pid: int, directory: Path) -> Iterator[None]:
    yield


@contextlib.contextmanager
def _traced(run: Run, pid: int, directory: Path) -> Iterator[None]:
    with counting_flushes(pid, directory / "strace") as flushed:
        yield
    run.flushes = flushed.flushes


@contextlib.contextmanager
def _observed(run: Run, pid: int, directory: Path) -> Iterator[None]:
    """Look when the rows are queued, then all the time how many outcomes the store has; weigh the mailer."""
    stop = threading.Event()

    def look() -> None:
        with store(directory) as connection:
            while not next(connection.execute(QUEUED))[0] and not stop.wait(LOOK_FOR_ROWS_SECONDS):
                pass
            run.queued_at = time.time()
            while not stop.wait(LOOK_SECONDS):
                at = time.time()
                run.looks.append((at, next(connection.execute(SETTLED))[0]))

    thread = threading.Thread(target=look)
    thread.start()
    with weighing(pid) as weighed:
        try:
            yield
        finally:
            stop.set()
            thread.join()
    run.memory = weighed.most


HOW = {"timed": _timed, "traced": _traced, "observed": _observed}


def lags(looks: Sequence[tuple[float, int]], answered: Sequence[float]) -> list[float]:
    """Return for each look for how long the store lacked an outcome: the age of the oldest 250 that is not counted."""
    return [max(0.0, at - answered[count]) for at, count in looks if count < len(answered) and answered[0] < at]
