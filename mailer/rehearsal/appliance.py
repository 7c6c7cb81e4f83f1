"""How is the appliance tried out beside the real one, without touching it?

An installation of its own in a directory of its own: same schools, same carriers, other ports, its own
store and keys. Verbs are typed as an operator types them, services run as child processes. Raises
TrialFailed with what a verb said.
"""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from config import Settings

STOP_SECONDS = 40


class TrialFailed(RuntimeError):
    """A verb or a service of the trial ended in an error."""


class Trial:
    """One installation for trying out; `settings` are those of the real one, if there is one."""

    def __init__(
        self, directory: Path, *, dns: int, port: int, inbound: int = 0, settings: Settings | None = None
    ) -> None:
        self.directory = directory
        self.config = directory / "mimamori.toml"
        self.web, self.inbound = free_port(), inbound or free_port()
        self.config.write_text(self._toml(dns, port, settings), encoding="utf-8")

    @property
    def base_url(self) -> str:
        """Return where the pages are."""
        return f"http://127.0.0.1:{self.web}"

    def type(self, *verb: str) -> Any:
        """Type a verb with --json; return its document, or the list of its lines."""
        done = subprocess.run(self.command("--json", *verb), capture_output=True, text=True, check=False)
        if done.returncode:
            raise TrialFailed(f"{' '.join(verb)}: {done.stderr.strip() or done.stdout.strip()}")
        documents = [json.loads(line) for line in done.stdout.splitlines()]
        return documents[0] if len(documents) == 1 else documents

    def command(self, *verb: str) -> list[str]:
        """Return the words that start a verb of this installation."""
        return [sys.executable, "-P", "-m", "mailer", "--config", str(self.config), *verb]

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run all three services as long as the block lasts."""
        with (self.directory / "serve.log").open("a") as log:
            child = start(self.command("serve"), stderr=log)
        try:
            self._wait_until_ready(child)
            yield
        finally:
            end(child)

    def _wait_until_ready(self, child: "subprocess.Popen[str]") -> None:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() == "ready":
                return
        raise TrialFailed((self.directory / "serve.log").read_text()[-2000:])

    def _toml(self, dns: int, port: int, settings: Settings | None) -> str:
        files = [("state", "directory", str(self.directory / "state"))]
        for section in ("schools", "carriers"):
            file = None if settings is None else getattr(settings, section).file
            files += [(section, "file", str(file))] if file else []
        domain = ""
        if settings is not None:
            domain = f'[domain]\nname = "{settings.domain.name}"\nhostname = "{settings.domain.hostname}"\n'
        named = "".join(f"[{section}]\n{key} = {json.dumps(value)}\n" for section, key, value in files)
        return (
            f'{domain}{named}[dns]\nnameservers = ["127.0.0.1:{dns}"]\n'
            f"[delivery]\nport = {port}\npermit_private_destinations = true\nrequire_standing = false\n"
            f'[inbound]\nlisten = ["127.0.0.1:{self.inbound}"]\n'
            f'[web]\nlisten = ["127.0.0.1:{self.web}"]\nbase_url = "{self.base_url}"\n'
        )


@contextmanager
def town(*options: str) -> Iterator[dict[str, int]]:
    """Run the town as a process as long as the block lasts; give its ports."""
    child = start([sys.executable, "-P", "-m", "mailer.rehearsal", *options])
    try:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())
    finally:
        end(child)


def start(command: Sequence[str], stderr: IO[str] | None = None) -> "subprocess.Popen[str]":
    """Start a child whose output is ours to read. Ctrl-C reaches us alone, so that the child is told once, by `end`."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True, process_group=0
    )


def end(child: "subprocess.Popen[str]") -> None:
    """Ask a child to end, and make it end."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
