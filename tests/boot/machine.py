"""How does a tree boot, and what is asked of the machine that it becomes?

systemd as process 1 of a container of its own, without network: only loopback. Commands enter through the namespaces
of that process; what services say is read from the journal.
"""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.boot.tree import BARE_ENVIRONMENT, NSPAWN, Done, Tree, run

BOOT_SECONDS = 60.0
HALT_SECONDS = 90.0
PYTHON = "/opt/mimamori/current/bin/python"


@dataclass(frozen=True)
class Machine:
    """A booted tree; `leader` is the number that its process 1 has here."""

    tree: Tree
    leader: int

    def run(self, *command: str, seconds: float = 60, **variables: str) -> Done:
        """Run a command inside as root, as somebody who is logged in would."""
        given = {**BARE_ENVIRONMENT, "HOME": "/root", **variables}
        words = ("env", "-i", *(f"{name}={value}" for name, value in given.items()), *command)
        place = ("-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-r", "-w")
        return run("nsenter", *place, *words, seconds=seconds)

    def check(self, *command: str, seconds: float = 60, **variables: str) -> str:
        """Run a command inside that must succeed; return what it said."""
        done = self.run(*command, seconds=seconds, **variables)
        assert done.status == 0, f"{' '.join(command)}: {done.status}\n{done.said[-4000:]}\n{self.journal()}"
        return done.said

    def mimamori(self, *verb: str, umask: str = "022") -> Any:
        """Type a verb with --json as root; return its document, or its documents where it writes JSON lines."""
        said = self.check("sh", "-c", f'umask {umask}; exec mimamori --json "$@"', "sh", *verb)
        try:
            return json.loads(said)
        except ValueError:
            return [json.loads(line) for line in said.splitlines()]

    def python(self, code: str) -> str:
        """Run a program of the product's own Python inside, as root; return what it printed."""
        return self.check(PYTHON, "-c", code).strip()

    def show(self, unit: str, name: str) -> str:
        """Return what systemd knows of a unit."""
        return self.check("systemctl", "show", "--value", "-p", name, unit).strip()

    def pid(self, service: str) -> int:
        """Return the number of a service's main process inside."""
        return int(self.show(f"mimamori-{service}.service", "MainPID"))

    def status(self, service: str) -> dict[str, str]:
        """Return what the kernel knows of a service's main process."""
        lines = self.check("cat", f"/proc/{self.pid(service)}/status").splitlines()
        return {name: value.strip() for name, _colon, value in (line.partition(":") for line in lines)}

    def is_active(self, unit: str) -> bool:
        """Return whether a unit is up."""
        return self.run("systemctl", "--quiet", "is-active", unit).status == 0

    def journal(self) -> str:
        """Return the last that the services and systemd said."""
        return self.run("journalctl", "--no-pager", "--lines=60", "--output=short-monotonic").said

    def wait_until(self, done: Callable[[], object], seconds: float) -> float:
        """Wait until `done` is true and return how long it took; fail with the journal after some seconds."""
        began = time.monotonic()
        while not done():
            assert time.monotonic() - began < seconds, self.journal()
            time.sleep(0.2)
        return time.monotonic() - began


@contextmanager
def booted(tree: Tree, *options: str) -> Iterator[Machine]:
    """Boot a tree, yield the machine when all its services are up, and shut it down."""
    console = tree.root.with_name("console")
    place = (f"--directory={tree.root}", "--boot", "--private-network", "--console=pipe", *options)
    with console.open("wb") as output:
        process = subprocess.Popen(
            ("setpriv", "--pdeathsig", "KILL", *NSPAWN, *place),
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        machine = Machine(tree, _leader(process, console))
        machine.wait_until(lambda: _is_up(machine), BOOT_SECONDS)
        yield machine
        process.terminate()  # asks process 1 to halt
        assert process.wait(HALT_SECONDS) == 0, console.read_text("utf-8", "replace")
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.wait()


def _is_up(machine: Machine) -> bool:
    return machine.run("systemctl", "is-system-running").said.strip() in ("running", "degraded")


def _leader(process: subprocess.Popen[bytes], console: Path) -> int:
    end = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, console.read_text("utf-8", "replace")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for child in map(int, children):
            with suppress(OSError):
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return child
        time.sleep(0.1)
    raise AssertionError(console.read_text("utf-8", "replace"))
