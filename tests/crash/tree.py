"""Which processes make up a running mailer, and how are they stopped and killed?

A mailer is one process or a parent with workers below it; both are found through /proc, so that nothing here knows how
the mailer starts its workers.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

#: Python's own helpers below a parent: they do none of the mailer's work.
HELPERS = (b"multiprocessing.resource_tracker", b"multiprocessing.forkserver")


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Return when it holds; fail after so many seconds, saying what did not come."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.005)


def states(pids: Iterable[int]) -> str:
    """Return in words what processes do: T stands for one that is stopped, t for one that a tracer stops."""
    return ", ".join(f"{pid} {_state(pid) or 'gone'}" for pid in pids)


def family(parent: int) -> list[int]:
    """Return a process and all below it."""
    below: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            below.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found = [parent]
    for pid in found:
        found += below.get(pid, [])
    return found


def workers(parent: int) -> list[int]:
    """Return the processes that work for a parent."""
    return [pid for pid in family(parent)[1:] if alive(pid) and not any(name in _words(pid) for name in HELPERS)]


def alive(pid: int) -> bool:
    """Tell whether a process can still do anything, or could if it were not stopped."""
    return _state(pid) not in ("", "Z", "X")


def freeze(pids: Iterable[int]) -> None:
    """Stop processes where they are; return once they stand still."""
    pids = list(pids)
    _send(pids, signal.SIGSTOP)
    wait_until(lambda: all(_state(pid) in ("", "Z", "X", "T", "t") for pid in pids), "processes stand still")


def thaw(pids: Iterable[int]) -> None:
    """Let stopped processes go on."""
    _send(pids, signal.SIGCONT)


def kill(pids: Iterable[int]) -> None:
    """Kill processes; return once nothing of them can act."""
    pids = list(pids)
    _send(pids, signal.SIGKILL)
    wait_until(lambda: not any(map(alive, pids)), "killed processes are gone")


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _state(pid: int) -> str:
    """Return the letter for what the threads of a process do; running if any of them does, empty if it is gone."""
    letters = set()
    with contextlib.suppress(FileNotFoundError):  # the process may end while we look,
        for task in Path(f"/proc/{pid}/task").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # and a thread
                letters.add(task.read_text().rpartition(")")[2].split()[0])
    return min(letters, key="RSDTtZX".find, default="")


def _words(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
