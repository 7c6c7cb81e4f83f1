"""Is a program run with what it may know, and with nothing more and no longer than it may?"""

import asyncio
import contextlib
import logging
import os
import signal
import time
from pathlib import Path

import pytest

from mailer import errand

SHELL = "/bin/sh"


def wait_for_the_end_of(process: int) -> None:
    """Return when a process is dead; one that is may wait for init to notice."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        while Path(f"/proc/{process}/stat").read_text().split()[2] != "Z":
            time.sleep(0.01)


async def test_it_gets_its_input_and_its_variables_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials")
    opened = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(opened, True)
    script = (
        f"cat > {tmp_path}/in; env > {tmp_path}/env; pwd > {tmp_path}/cwd; ls /proc/self/fd | wc -l > {tmp_path}/fds"
    )
    assert await errand.run([SHELL, "-c", script], "監視".encode(), {"MIMAMORI_ALARM_ID": "A1; rm -rf"}) == ""
    os.close(opened)
    assert (tmp_path / "in").read_text() == "監視"
    of_the_shell = ("PWD=", "SHLVL=", "OLDPWD=", "_=")
    given = {line for line in (tmp_path / "env").read_text().splitlines() if not line.startswith(of_the_shell)}
    assert given == {"LANG=C.UTF-8", f"PATH={errand.ENVIRONMENT['PATH']}", "MIMAMORI_ALARM_ID=A1; rm -rf"}
    assert (tmp_path / "cwd").read_text() == "/\n"
    assert int((tmp_path / "fds").read_text()) == 4  # standard ones, and the directory that ls reads


async def test_arguments_are_never_read_by_a_shell(tmp_path: Path) -> None:
    assert await errand.run(["/bin/touch", f"{tmp_path}/$(id); x"], b"", {}) == ""
    assert os.listdir(tmp_path) == ["$(id); x"]


TROUBLES: list[tuple[list[str], str]] = [
    ([SHELL, "-c", "exit 3"], "/bin/sh: exit status 3"),
    (["/nowhere/alarm"], "/nowhere/alarm: No such file or directory"),
    (["/etc/passwd"], "/etc/passwd: Permission denied"),
    (["/bin/true"], ""),
]


@pytest.mark.parametrize(("command", "trouble"), TROUBLES)
async def test_troubles(command: list[str], trouble: str) -> None:
    assert await errand.run(command, b"x" * 1_000_000, {}) == trouble


@pytest.mark.parametrize(("command", "trouble"), TROUBLES)
def test_troubles_in_the_loop_that_the_services_prefer(command: list[str], trouble: str) -> None:
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(errand.run(command, b"x" * 1_000_000, {})) == trouble


async def test_at_its_deadline_it_is_killed_with_its_children(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/pid; wait"
    assert await errand.run([SHELL, "-c", script], b"", {}, seconds=0.5) == "/bin/sh: killed after 0.5 s"
    await asyncio.to_thread(wait_for_the_end_of, int((tmp_path / "pid").read_text()))


async def test_one_that_has_ended_well_is_not_blamed_for_a_child_that_it_left(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/pid"
    assert await errand.run([SHELL, "-c", script], b"", {}, seconds=5.0) == ""
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def pipes_held() -> set[str]:
    """Return the pipes that this process holds open."""
    links = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    return {held for held in (os.readlink(link) for link in links if os.path.lexists(link)) if held.startswith("pipe:")}


async def test_a_child_that_holds_its_pipes_leaves_nothing_open_here(tmp_path: Path) -> None:
    before = pipes_held()
    script = f"exec 3<&0; sleep 60 <&3 & echo $! > {tmp_path}/pid"
    assert await errand.run([SHELL, "-c", script], b"x" * 1_000_000, {}, seconds=5.0) == ""
    assert pipes_held() <= before
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


async def test_the_end_of_the_service_kills_it_with_its_children_and_leaves_nothing_open(tmp_path: Path) -> None:
    before = pipes_held()
    script = f"sleep 60 & echo $! > {tmp_path}/pid; wait"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await errand.run([SHELL, "-c", script], b"", {})
    assert pipes_held() <= before
    await asyncio.to_thread(wait_for_the_end_of, int((tmp_path / "pid").read_text()))


async def test_what_it_says_is_cut_and_cleaned_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    script = "printf 'told taro@docomo.ne.jp\\n\\033[31m'; head -c 3000000 /dev/zero | tr '\\0' x"
    with caplog.at_level(logging.INFO):
        assert await errand.run([SHELL, "-c", script], b"", {}) == ""
    (record,) = caplog.records
    assert "told ***@*** [31mxxx" in record.getMessage()
    assert len(record.getMessage()) < 2 * errand.MOST_OUTPUT
