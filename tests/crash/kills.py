"""At which moments may a mailer be killed, and who of it?

A trap is set before a broadcast is sent and springs by itself: at a stage of SMTP (the far side springs it), at the
n-th flush of the store or the n-th write to its log (strace does: SIGKILL meets a system call before it takes effect;
SIGUSR1, which nobody handles, ends the process once it has), or after some time. Then the whole mailer is killed, the
parent alone, or one worker; the first two are followed by a new mailer.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Protocol

from tests.crash.far_side import STAGES
from tests.crash.line import Line
from tests.crash.tree import alive, family, freeze, kill, thaw, wait_until, workers

LONGEST_MOMENT = 0.5
LONGEST_START = 1.5
LONGEST_END = 0.2
#: How long workers may outlive their parent. The service manager would not wait at all.
ORPHAN_SECONDS = 30
STRACE_SECONDS = 5
#: Calls of one process in one broadcast, about; a trap that stands further on springs in the next broadcast.
FLUSHES, WRITES = 8, 80
BEFORE, AFTER = "SIGKILL", "SIGUSR1"


class Who(StrEnum):
    """Who of a mailer is killed."""

    TREE = "all of it"
    PARENT = "the parent alone"
    WORKER = "one worker"


class Trap(Protocol):
    """What waits for its moment. `strike` kills, and returns the items that were under way."""

    def sprung(self, seconds: float) -> bool:
        """Wait so long at most; tell whether the moment has come."""

    def strike(self, who: Who) -> set[int]:
        """Kill."""


def strike(line: Line, who: Who, worker: int, go_on: Callable[[], object] = lambda: None) -> set[int]:
    """Stop the mailer where it is, kill whom it is about, and return the items that were under way.

    `go_on` is called once they are dead: what waits for that goes on.
    """
    members = family(line.pid)
    freeze(members)
    if who is Who.WORKER and worker != line.pid:
        open_then = line.under_way() | line.under_way_for_others()
        kill([worker])
        go_on()
        thaw(members)
        return open_then
    if who is Who.PARENT:
        kill([line.pid])
        go_on()
        thaw(members)
        wait_until(lambda: not any(map(alive, members)), "workers follow their parent", ORPHAN_SECONDS)
    kill(members)
    go_on()
    # Where one died before the others, its parent may have found what it left by then.
    return line.under_way() | line.under_way_for_others()


class AtStage:
    """The far side stops the mailer when a stage comes for the n-th time, and goes on after the kill."""

    def __init__(self, stage: str, line: Line, chance: random.Random) -> None:
        self._line = line
        self._speaker = 0
        nth = chance.randint(1, STAGES[stage])
        line.far.obey("trap", stage=stage, nth=nth, pids=family(line.pid))

    def sprung(self, seconds: float) -> bool:
        """Listen to the far side."""
        heard = self._line.far.hear(seconds)
        self._speaker = heard.get("speaker", 0)
        return "sprung" in heard

    def strike(self, who: Who) -> set[int]:
        """Kill; a worker is the one that spoke to the far side."""
        return strike(self._line, who, self._speaker or self._line.pid, lambda: self._line.far.tell("go"))


class InCommit:
    """strace kills a process at its n-th flush of the store or its n-th write to the log."""

    def __init__(self, call: str, effect: str, line: Line, chance: random.Random) -> None:
        self._line = line
        self._members = [pid for pid in family(line.pid) if alive(pid)]
        flush = call == "fdatasync"
        nth = chance.randint(1, FLUSHES if flush else WRITES)
        to = [] if flush else ["-P", f"{line.store}-wal"]
        whom = [word for pid in self._members for word in ("-p", str(pid))]
        inject = f"inject={call}:signal={effect}:when={nth}"
        self._strace = subprocess.Popen(
            ["strace", "-qq", "-f", "-o", "/dev/null", *to, "-e", f"trace={call}", "-e", inject, *whom]
        )
        wait_until(lambda: all(_is_traced(pid) for pid in self._members if alive(pid)), "strace has hold of the mailer")

    def sprung(self, seconds: float) -> bool:
        """Look who is dead."""
        end = time.monotonic() + seconds
        while not self._dead() and time.monotonic() < end:
            time.sleep(0.002)
        return bool(self._dead())

    def strike(self, who: Who) -> set[int]:
        """Kill whoever else it is about."""
        self._strace.terminate()
        try:
            self._strace.wait(STRACE_SECONDS)
        except subprocess.TimeoutExpired:
            # It may wait for ever for a thread of a process that has died; killed, it lets go of all others.
            self._strace.kill()
            self._strace.wait()
        if who is Who.WORKER and alive(self._line.pid):
            members = family(self._line.pid)
            freeze(members)
            open_then = self._line.under_way() | self._line.under_way_for_others()
            thaw(members)
            return open_then
        return strike(self._line, Who.TREE, 0)

    def _dead(self) -> list[int]:
        return [pid for pid in self._members if not alive(pid)]


def _is_traced(pid: int) -> bool:
    return "TracerPid:\t0" not in Path(f"/proc/{pid}/status").read_text()


class AtMoment:
    """Some time after the trap was set."""

    def __init__(self, line: Line, chance: random.Random) -> None:
        self._line = line
        self._chance = chance
        self._at = time.monotonic() + chance.uniform(0, LONGEST_MOMENT)

    def sprung(self, seconds: float) -> bool:
        """Look at the time."""
        left = self._at - time.monotonic()
        time.sleep(max(0, min(left, seconds)))
        return left <= seconds

    def strike(self, who: Who) -> set[int]:
        """Kill; a worker is any."""
        return strike(self._line, who, self._chance.choice(workers(self._line.pid) or [self._line.pid]))


class InRecovery(AtMoment):
    """Some time after the start of the mailer that follows a kill: another kill, as it recovers or begins again."""

    def strike(self, who: Who) -> set[int]:
        """Kill, start, and kill again."""
        open_then = super().strike(who)
        self._line.launch()
        time.sleep(self._chance.uniform(0.3, LONGEST_START))
        return open_then | super().strike(who)


class AtEnd(AtMoment):
    """While the mailer ends in order."""

    def strike(self, who: Who) -> set[int]:
        """Ask it to end, and do not wait."""
        os.kill(self._line.pid, signal.SIGTERM)
        time.sleep(self._chance.uniform(0, LONGEST_END))
        return super().strike(who)


SetTrap = Callable[[Line, random.Random], Trap]


def _stage(stage: str) -> SetTrap:
    return lambda line, chance: AtStage(stage, line, chance)


def _commit(call: str, effect: str) -> SetTrap:
    return lambda line, chance: InCommit(call, effect, line, chance)


IN_COMMIT: Mapping[str, SetTrap] = {
    "before a flush": _commit("fdatasync", BEFORE),
    "after a flush": _commit("fdatasync", AFTER),
    "before a write to the log": _commit("pwrite64", BEFORE),
    "after a write to the log": _commit("pwrite64", AFTER),
}
AT_STAGE: Mapping[str, SetTrap] = {f"at {stage}": _stage(stage) for stage in STAGES}
IN_LIFE: Mapping[str, SetTrap] = {"at any moment": AtMoment, "in recovery": InRecovery, "in the end": AtEnd}


@dataclass(frozen=True)
class Kind:
    """When, and whom."""

    when: str
    who: Who

    def __str__(self) -> str:
        return f"{self.when}: {self.who}"

    def set_trap(self, line: Line, chance: random.Random) -> Trap:
        """Set the trap for one kill."""
        return TRAPS[self.when](line, chance)

    def why_not(self, line: Line) -> str:
        """Return why there can be no such kill here; empty if there can."""
        if self.who is not Who.TREE and not workers(line.pid):
            return "this mailer is one process: no worker, and no parent to kill alone"
        if self.when in IN_COMMIT and not can_trace():
            return "needs strace, and the right to use it"
        return ""


TRAPS: Mapping[str, SetTrap] = {**IN_COMMIT, **AT_STAGE, **IN_LIFE}
#: While a mailer starts or ends, it is killed whole; inside a commit whoever commits dies, with all others or without.
NEVER = {
    "in recovery": (Who.PARENT, Who.WORKER),
    "in the end": (Who.PARENT, Who.WORKER),
    **dict.fromkeys(IN_COMMIT, (Who.PARENT,)),
}
KINDS = [Kind(when, who) for when in TRAPS for who in Who if who not in NEVER.get(when, ())]


@cache
def can_trace() -> bool:
    """Tell whether strace is here and may do its work."""
    if shutil.which("strace") is None:
        return False
    done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return done.returncode == 0
