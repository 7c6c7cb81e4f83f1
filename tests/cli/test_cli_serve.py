"""Do the real services come up, stay up and end by the command?"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import types
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailer import serve as parent
from mailer.cli import serve
from tests.cli.town import CONFIG, Town

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ports(town: Town) -> tuple[int, int]:
    """Two ports that nobody has, for inbound and web; written into the town's configuration."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        inbound, web = one.getsockname()[1], other.getsockname()[1]
    town.write("mimamori.toml", CONFIG.format(directory=town.directory, inbound=inbound, web=web))
    return inbound, web


@contextlib.contextmanager
def serving(town: Town, *services: str) -> Iterator[subprocess.Popen[str]]:
    """Run `mimamori serve` until the block ends; at its begin everything is up."""
    words = [sys.executable, "-m", "mailer", "--config", str(town.config), "serve", *services]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "ready\n", process.communicate()[1]
            yield process
        finally:
            process.kill()


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def children(process: subprocess.Popen[str]) -> dict[str, int]:
    """Return the services under a parent and their process ids."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    words = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in listed}
    return {line[-2].decode(): pid for pid, line in words.items() if len(line) > 1}


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_all_services_come_up_and_end_in_order(town: Town, ports: tuple[int, int]) -> None:
    with serving(town) as process:
        assert healthy(ports[1])
        with socket.create_connection(("127.0.0.1", ports[0]), 5) as peer:
            assert peer.recv(100).startswith(b"220 ")
        services = children(process)
        assert set(services) == {"mailer", "inbound", "webhook"}
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert all(map(gone, services.values()))


def test_a_service_that_is_killed_comes_back(town: Town, ports: tuple[int, int]) -> None:
    with serving(town, "inbound", "webhook") as process:
        services = children(process)
        assert set(services) == {"inbound", "webhook"}
        os.kill(services["webhook"], signal.SIGKILL)
        until(lambda: children(process).get("webhook") not in (None, services["webhook"]))
        until(lambda: healthy(ports[1]))


def test_no_service_outlives_a_parent_that_was_killed(town: Town, ports: tuple[int, int]) -> None:
    with serving(town) as process:
        services = children(process)
        process.kill()
        until(lambda: all(map(gone, services.values())), 30)


def test_one_service_runs_in_this_very_process(town: Town, ports: tuple[int, int]) -> None:
    with serving(town, "webhook") as process:
        assert healthy(ports[1])
        assert children(process) == {}
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize("services", [(), ("webhook",)])
def test_a_port_that_is_taken_is_said_in_a_sentence(
    town: Town, ports: tuple[int, int], services: tuple[str, ...]
) -> None:
    words = [sys.executable, "-m", "mailer", "--config", str(town.config), "serve", *services]
    with socket.create_server(("127.0.0.1", ports[1])):
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{ports[1]}: cannot be listened on" in done.stderr
    assert "Traceback" not in done.stderr
    assert "ready" not in done.stdout


def test_without_a_store_nothing_is_started(bare_town: Town) -> None:
    result = bare_town.type("serve")
    assert result.exit_code == 1
    assert "mimamori init" in result.stderr


@pytest.mark.parametrize(("up", "status"), [(True, serve.FAILED), (False, 1)])
def test_a_failure_after_the_start_is_worth_another_start(
    town: Town, monkeypatch: pytest.MonkeyPatch, up: bool, status: int
) -> None:
    async def run(_settings: object, ready: Callable[[], None], _stop: asyncio.Event) -> None:
        if up:
            ready()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(serve, "import_module", lambda _name: types.SimpleNamespace(run=run))
    monkeypatch.setattr(serve, "_announce", lambda: None)
    monkeypatch.setattr("mailer.log.set_up", lambda: None)
    assert town.type("serve", "webhook").exit_code == status


def test_a_fault_of_ours_is_worth_another_start_at_any_time(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(_settings: object, _ready: Callable[[], None], _stop: asyncio.Event) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(serve, "import_module", lambda _name: types.SimpleNamespace(run=run))
    monkeypatch.setattr("mailer.log.set_up", lambda: None)
    assert town.type("serve", "webhook").exit_code == serve.FAILED not in parent.REFUSALS


def test_signals_mean_afterwards_what_they_meant_before(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async def over(*_: object) -> None:
        return

    monkeypatch.setattr("webhook.app.run", over)
    monkeypatch.setattr("mailer.log.set_up", lambda: None)
    before = [signal.getsignal(number) for number in parent.STOP_SIGNALS]
    assert town.type("serve", "webhook").exit_code == 0
    assert [signal.getsignal(number) for number in parent.STOP_SIGNALS] == before
