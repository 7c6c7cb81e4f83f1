"""Does a mailer that runs, dies and comes again call an operator in time, by webhook and by program?"""

import base64
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mailer.net.webhook import signed
from tests.appliance import Appliance, sinks

REFUSED, SILENT, GOOD = "unknown-probe@d01.example", "silent-probe@d02.example", "probe@d03.example"
LATE_SECONDS = 8

pytestmark = pytest.mark.timeout(300)

PROGRAM = """\
#!/bin/sh
{ cat; echo; } >> "$1"
env | grep ^MIMAMORI >> "$1.env"
"""


@dataclass
class Monitor:
    """A web server of the town's that is called by webhooks."""

    calls: list[tuple[float, dict[str, str], bytes]] = field(default_factory=list)

    def alarms(self) -> list[tuple[str, str, str]]:
        """What was told: event, kind and subject, in order."""
        told = [json.loads(body)["data"] for _, _, body in self.calls]
        return [(one["event"], one["kind"], one["subject"]) for one in told]

    def at(self, subject: str) -> float:
        """When a subject was first told of."""
        return next(at for at, _, body in self.calls if json.loads(body)["data"]["subject"] == subject)


@contextmanager
def monitoring() -> Iterator[tuple[Monitor, int]]:
    """Run the web server as long as the block lasts; yield it and its port."""
    monitor = Monitor()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            fields = {name.lower(): value for name, value in self.headers.items()}
            monitor.calls.append((time.time(), fields, self.rfile.read(int(fields["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield monitor, server.server_port
        finally:
            server.shutdown()
            thread.join()


def kill(mailer: "subprocess.Popen[str]") -> None:
    """End a mailer and its workers without a word."""
    workers = Path(f"/proc/{mailer.pid}/task/{mailer.pid}/children").read_text().split()
    for process in (mailer.pid, *map(int, workers)):
        os.kill(process, signal.SIGKILL)
    mailer.communicate()


@contextmanager
def killed_at_the_end(mailer: "subprocess.Popen[str]") -> Iterator[None]:
    """Do not wait for the receiver that keeps silent."""
    try:
        yield
    finally:
        kill(mailer)


def wait(done: Callable[[], bool]) -> None:
    """Wait until it is so."""
    end = time.monotonic() + 40
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def settings(directory: Path, port: int) -> str:
    """Return the sections for alarms and canaries; the program is made."""
    program = directory / "alarm"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return f"""
[alarm]
webhook = "http://127.0.0.1:{port}/alarms"
command = ["{program}", "{directory}/told"]
[canary]
addresses = ["{REFUSED}", "{SILENT}", "{GOOD}"]
late = "{LATE_SECONDS}s"
"""


def check_signature(directory: Path, fields: dict[str, str], body: bytes) -> None:
    """Prove that a call is signed with the secret that `init` has made."""
    prefix, _, secret = (directory / "state/secrets/webhook.key").read_text().strip().partition("_")
    assert prefix == "whsec"
    at = int(fields["webhook-timestamp"])
    expected = signed(base64.b64decode(secret), fields["webhook-id"], at, body)
    assert {name: fields[name] for name in expected} == expected


def test_canaries_that_are_refused_and_late_call_an_operator_though_the_mailer_was_killed(tmp_path: Path) -> None:
    with sinks("--domains", "3") as ports, monitoring() as (monitor, web):
        town = Appliance(tmp_path, dns=ports["dns"], port=ports["port"], extra=settings(tmp_path, web))
        town.register(["a@d03.example", "b@d03.example"])
        first = town.start("mailer")
        sent = town.send("--urgent", "--receipt")
        announced = time.time()
        wait(lambda: monitor.alarms() == [("raised", "canary_refused", REFUSED)])
        kill(first)
        with killed_at_the_end(town.start("mailer")):
            up = time.time()
            wait(lambda: ("raised", "canary_late", SILENT) in monitor.alarms())
            assert monitor.at(SILENT) < max(announced + LATE_SECONDS, up + 10)
            # What was told and not written down when the mailer was killed is told twice, under the same name.
            wait(lambda: set(told_by_program(tmp_path)) == set(monitor.alarms()))
            shown = town("broadcast", "show", sent)
            perches = {one["address"]: one for one in town("canaries", "list")}
            standing = town("alarms", "list")
            status = town("status")
            late = next(one["id"] for one in standing if one["kind"] == "canary_late")
            wait(lambda: town("alarms", "show", late)["delivered"])
            assert town("alarms", "clear", "--all", "--reason", "known")["alarms"] == 2
            wait(lambda: len({fields["webhook-id"] for _, fields, _ in monitor.calls}) == 4)
    check(shown, perches)
    assert {one["kind"] for one in standing} == {"canary_refused", "canary_late"}
    assert status["alarms"] == {"standing": 2, "failing": []}
    assert [event for event, *_ in monitor.alarms()[-2:]] == ["cleared", "cleared"]
    for _, fields, body in monitor.calls:
        check_signature(tmp_path, fields, body)
    assert f"MIMAMORI_ALARM_SUBJECT={SILENT}\n" in (tmp_path / "told.env").read_text()


def told_by_program(directory: Path) -> list[tuple[str, str, str]]:
    """Return what the program was told, as `Monitor.alarms` has it."""
    told = [json.loads(line)["data"] for line in (directory / "told").read_text().splitlines() if line]
    return [(one["event"], one["kind"], one["subject"]) for one in told]


def check(shown: dict[str, Any], perches: dict[str, Any]) -> None:
    """Prove that the canaries are shown, and counted nowhere."""
    assert (shown["recipients"], shown["accepted"], shown["state"]) == (2, 2, "finished")
    refused, silent, good = shown["canaries"]
    assert (refused["state"], refused["accepted_after"]) == ("refused", None)
    assert silent["late"]
    assert (good["state"], good["late"]) == ("accepted", False)
    assert 0 <= good["accepted_after"] < LATE_SECONDS
    assert perches[GOOD]["alarms"] == []
    assert perches[REFUSED]["alarms"] == ["canary_refused"]


def test_a_webhook_that_is_down_is_seen_in_the_status_and_keeps_the_program_from_nothing(tmp_path: Path) -> None:
    town = Appliance(tmp_path, dns=1, port=1, extra=settings(tmp_path, 1))
    with killed_at_the_end(town.start("mailer")):
        raised = town("alarms", "test")
        wait(lambda: (tmp_path / "told").exists())
        wait(lambda: bool(town("status")["alarms"]["failing"]))
        failing = town("status")["alarms"]["failing"]
    assert told_by_program(tmp_path) == [("raised", "test", raised["subject"])]
    assert [(one["path"], one["alarms"]) for one in failing] == [("webhook", 1)]
    assert "refused" in failing[0]["trouble"]
