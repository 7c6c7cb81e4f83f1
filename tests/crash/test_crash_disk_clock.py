"""Does a broadcast outlive a disk that fails or fills up, and a clock that is set, in the middle of it?

Real processes and a real store. The disk's failures are injected by strace, its end is a small tmpfs, the clock is set
by libfaketime in the mailer alone. The receivers' journal says what really arrived.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.appliance import Appliance, sinks
from tests.crash.test_crash_kill import received, wait_until_settled
from tests.sinks import domain

RECIPIENTS = 600
WORKERS = len(os.sched_getaffinity(0))
LIBFAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another's process and a mount")


@dataclass
class Run:
    """A broadcast under way, and what is known of it."""

    appliance: Appliance
    journal: Path
    broadcast: str = ""

    def send(self) -> None:
        """Send to everybody."""
        self.broadcast = self.appliance.send("--urgent")

    def assert_exact(self) -> None:
        """Wait for the end, then fail unless each mail was accepted and arrived once."""
        wait_until_settled(self.appliance)
        self.appliance("broadcast", "verify", self.broadcast)
        copies = received(self.journal)
        for one in self.appliance("broadcast", "recipients", self.broadcast):
            assert one["state"] == "accepted"
            assert copies[one["address"]] == 1


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Six hundred registered recipients and their receivers, a round trip of 20 ms away."""
    journal = tmp_path / "journal.jsonl"
    with sinks("--domains", "10", "--journal", str(journal), "--round-trip", "0.02") as ports:
        appliance = Appliance(tmp_path, dns=ports["dns"], port=ports["port"])
        appliance.register([f"guardian{n}@{domain(1 + n % 10)}" for n in range(RECIPIENTS)])
        yield Run(appliance, journal)


def children(parent: int) -> dict[str, int]:
    """Return the process of each child under a parent, by the end of its command."""
    found = {}
    for process in subprocess.run(
        ["pgrep", "-P", str(parent)], capture_output=True, text=True, check=True
    ).stdout.split():
        found[Path(f"/proc/{process}/cmdline").read_text().rstrip("\0").rpartition("\0")[2]] = int(process)
    return found


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Return when it holds; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@root
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_after_flushes_that_failed_the_worker_is_another_process_and_each_mail_arrived_once(run: Run) -> None:
    trace = run.journal.with_name("trace")
    inject = ["-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO:when=4..12"]
    with run.appliance.serving("mailer") as parent:
        first = min(children(parent.pid).values())
        with subprocess.Popen(["strace", "-qq", "-f", "-p", str(first), "-o", str(trace), *inject]) as strace:
            wait_until(lambda: "TracerPid:\t0" not in Path(f"/proc/{first}/status").read_text())
            run.send()
            run.assert_exact()
            wait_until(lambda: first not in (now := children(parent.pid).values()) and len(now) == WORKERS)
            strace.terminate()
    assert "INJECTED" in trace.read_text()


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """Put the store on a disk of 24 MiB as long as the block lasts."""
    kept = place.with_name("kept")
    shutil.copytree(place, kept)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], check=True)
    try:
        shutil.copytree(kept, place, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill_up(file: Path) -> None:
    """Write until nothing more fits."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as filling:
        while True:
            filling.write(bytes(4096))


@root
def test_on_a_full_disk_sending_stands_still_and_goes_on_by_itself(run: Run) -> None:
    state = run.appliance.directory / "state"
    with small_disk(state), run.appliance.serving("mailer"):
        run.send()
        wait_until(lambda: sum(received(run.journal).values()) > 0)
        fill_up(state / "filling")
        standing = -1
        while standing != (standing := sum(received(run.journal).values())):
            time.sleep(2)
        assert standing < RECIPIENTS
        with pytest.raises(AssertionError, match="full"):
            run.send()
        (state / "filling").unlink()
        run.assert_exact()


@pytest.mark.skipif(LIBFAKETIME is None, reason="needs Debian's faketime")
@pytest.mark.parametrize("seconds", [3600, -10800, 34_560_000, -34_560_000])
def test_whoever_sets_the_clock_neither_stops_nor_expires_a_broadcast(
    run: Run, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    offset = run.journal.with_name("offset")
    offset.write_text("+0")
    with monkeypatch.context() as faked:
        faked.setenv("LD_PRELOAD", str(LIBFAKETIME))
        faked.setenv("FAKETIME_TIMESTAMP_FILE", str(offset))
        faked.setenv("FAKETIME_NO_CACHE", "1")
        faked.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        mailer = run.appliance.start("mailer")
    run.send()
    wait_until(lambda: sum(received(run.journal).values()) > 0)
    offset.write_text(f"{seconds:+d}")
    run.assert_exact()
    mailer.terminate()
    assert mailer.wait(30) == 0
    if mailer.stdout:
        mailer.stdout.close()
