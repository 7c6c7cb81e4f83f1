"""How is the whole appliance run by a test as an operator runs it?

With a configuration file, by the command, in processes of its own: `init`, `households import`, `serve`, `broadcast`.
Only its name server answers from the test.
"""

import asyncio
import base64
import contextlib
import csv
import io
import json
import random
import select
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailer.rehearsal.dns import DnsServer, Zone
from tests.acceptance.jail import wait_until
from tests.acceptance.packages import Lacking

ROOT = Path(__file__).resolve().parents[2]
PYTHON = (sys.executable, "-m")
READY_SECONDS = 60
VERB_SECONDS = 60
SOURCE = "127.0.89.1"
DNS_PORT = 53
HEAD = "school,grade,class,child,guardian,login,address1,address2,address3,address4,receives_broadcasts"

CONFIGURATION = """\
[state]
directory = "{directory}/state"
[dns]
nameservers = ["{nameserver}"]
[delivery]
port = {port}
permit_private_destinations = true
require_standing = false
source_addresses = ["{source}"]
[inbound]
listen = ["127.0.0.1:{inbound}"]
[web]
listen = ["127.0.0.1:{web}"]
base_url = "http://127.0.0.1:{web}"
"""


@dataclass(frozen=True)
class Appliance:
    """An appliance whose files lie in a directory."""

    directory: Path

    @classmethod
    def create(cls, directory: Path, **settings: object) -> "Appliance":
        """Write the configuration and run `init`."""
        directory.mkdir()
        made = cls(directory)
        made.configuration.write_text(CONFIGURATION.format(directory=directory, source=SOURCE, **settings))
        made.run("init")
        return made

    @property
    def configuration(self) -> Path:
        """Return the configuration file."""
        return self.directory / "mimamori.toml"

    def run(self, *verb: str) -> Any:
        """Run a verb and return its JSON document."""
        return json.loads(_run("mailer", "--config", str(self.configuration), "--json", *verb))

    def lines(self, *verb: str) -> list[dict[str, Any]]:
        """Run a verb and return its JSON lines."""
        said = _run("mailer", "--config", str(self.configuration), "--json", *verb)
        return [json.loads(line) for line in said.splitlines()]

    @contextlib.contextmanager
    def serving(self, *services: str) -> Iterator[None]:
        """Keep services running under one parent, or the one that is named; they must end cleanly."""
        verb = ("mailer", "--config", str(self.configuration), "serve", *services)
        command = ("setpriv", "--pdeathsig", "KILL", *PYTHON, *verb)
        log = (self.directory / "log").open("ab")
        with log, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log) as process:
            try:
                assert process.stdout
                assert select.select([process.stdout], [], [], READY_SECONDS)[0], self.log()
                assert process.stdout.readline() == b"ready\n", self.log()
                yield
            finally:
                process.terminate()
            assert process.wait(VERB_SECONDS) == 0, self.log()

    def log(self) -> str:
        """Return what the services said so far."""
        return (self.directory / "log").read_text(encoding="utf-8")

    def register(self, addresses: Mapping[str, Iterable[str]]) -> None:
        """Import a roster: for each address of a school one household."""
        text = io.StringIO(f"{HEAD}\n")
        text.seek(0, io.SEEK_END)
        rows = csv.writer(text)
        for school, ones in addresses.items():
            for number, address in enumerate(ones):
                login = f"{school}{number}"
                rows.writerow([school, "1", "1", f"児童{number}", f"保護者{number}", login, address, "", "", "", "1"])
        roster = self.directory / "roster.csv"
        roster.write_text(text.getvalue(), encoding="utf-8")
        self.run("households", "import", str(roster))

    def send(self, school: str, text: str, *, urgent: bool = True) -> str:
        """Send a broadcast with a receipt URL to a school; return its id."""
        file = self.directory / "text.txt"
        file.write_text(text, encoding="utf-8")
        verb = ("broadcast", "send", "--school", school, "--subject", "不審者情報", "--text-file", str(file))
        sent = self.run(*verb, "--receipt", *(["--urgent"] if urgent else []))
        return str(sent["id"])

    def wait(self, announcement: str, seconds: float = 60, **counts: int) -> None:
        """Wait until `broadcast show` has these counts."""

        def reached() -> bool:
            figures = self.run("broadcast", "show", announcement)
            return all(figures[word] == count for word, count in counts.items())

        wait_until(reached, seconds, lambda: (self.recipients(announcement), self.log()))

    def recipients(self, announcement: str) -> dict[str, dict[str, Any]]:
        """Return what `broadcast recipients` says, by address."""
        return {line["address"]: line for line in self.lines("broadcast", "recipients", announcement)}

    def raw(self, mail: int) -> bytes:
        """Return a mail that came in, as it came."""
        verb = ("mailer", "--config", str(self.configuration), "bounce", "show", str(mail), "--raw")
        return subprocess.run((*PYTHON, *verb), cwd=ROOT, capture_output=True, check=True, timeout=VERB_SECONDS).stdout

    def rendered(self, announcement: str) -> dict[str, bytes]:
        """Return the mail for every recipient, made anew in another process."""
        said = _run("tests.acceptance.render", str(self.configuration), announcement)
        return {address: base64.b64decode(mail) for address, mail in json.loads(said).items()}


def _run(*module: str) -> str:
    """Run a module with its arguments and return what it printed."""
    done = subprocess.run(
        (*PYTHON, *module), cwd=ROOT, capture_output=True, text=True, check=False, timeout=VERB_SECONDS
    )
    assert done.returncode == 0, f"{module}: {done.returncode}: {done.stderr}{done.stdout}"
    return done.stdout


@contextlib.contextmanager
def name_server(zone: Zone) -> Iterator[DnsServer]:
    """Answer from a zone in a thread, at the one port where servers that nobody here wrote ask."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = DnsServer(zone)
    address = f"127.89.{random.randrange(256)}.{random.randrange(1, 255)}"
    try:
        _start(server, address, loop)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _start(server: DnsServer, address: str, loop: asyncio.AbstractEventLoop) -> None:
    try:
        asyncio.run_coroutine_threadsafe(server.start(address, DNS_PORT), loop).result(10)
    except OSError as error:
        raise Lacking(f"no name server can listen at {address}:{DNS_PORT}: {error}") from error
