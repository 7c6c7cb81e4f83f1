"""What do a process and its children cost: memory, CPU time, flushes of the disk?"""

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
LOOK_SECONDS = 0.25
MIB = 1024


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            number, _, rest = path.read_text().partition(" (")
            parents.setdefault(int(rest.rpartition(") ")[2].split()[1]), []).append(int(number))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def memory(pid: int) -> float:
    """Return the memory of a process and its descendants in MiB, what they share counted once (PSS)."""
    kilobytes = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            kilobytes += int(re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[0])
    return kilobytes / MIB


def cpu(pid: int) -> float:
    """Return the CPU seconds of a process and its living descendants, and of those that they waited for."""
    ticks = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(") ")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS


@dataclass
class Weighed:
    """The most memory seen, in MiB."""

    most: float = 0.0


@contextlib.contextmanager
def weighing(pid: int) -> Iterator[Weighed]:
    """Look at the memory of a process and its descendants four times a second as long as the block lasts."""
    weighed, stop = Weighed(), threading.Event()

    def look() -> None:
        while not stop.wait(LOOK_SECONDS):
            weighed.most = max(weighed.most, memory(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield weighed
    finally:
        stop.set()
        thread.join()
    weighed.most = max(weighed.most, memory(pid))


@dataclass
class Flushed:
    """How often the disk was told to keep what it has, known after the block; None where strace cannot be run."""

    flushes: int | None = None


@contextlib.contextmanager
def counting_flushes(pid: int, log: Path) -> Iterator[Flushed]:
    """Count the flushes of a process, its descendants and threads as long as the block lasts."""
    flushed = Flushed()
    command = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=fsync,fdatasync,sync_file_range,msync"]
    try:
        tracer = subprocess.Popen([*command, *(f"-p{one}" for one in family(pid))], stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        yield flushed
        return
    try:
        yield flushed
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
    flushed.flushes = len(re.findall(r"^\d+ +(?:fsync|fdatasync|sync_file_range|msync)\(", log.read_text(), re.M))
