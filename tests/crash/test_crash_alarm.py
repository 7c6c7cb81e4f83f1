"""Is an operator called within a minute when the disk is full, though nothing can be written down of it?

A real mailer on a small tmpfs. The program that is called writes elsewhere.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alarm.test_alarm_process import settings, told_by_program, wait
from tests.appliance import Appliance
from tests.crash.test_crash_disk_clock import fill_up

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a mount"),
]
MINUTE = 60.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on a disk of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_calls_an_operator_and_says_when_it_is_over(tmp_path: Path, small_disk: Path) -> None:
    extra = settings(tmp_path, 1).replace("[alarm]", "[alarm]\nfree_megabytes = 2")
    town = Appliance(small_disk, dns=1, port=1, extra=extra)
    with town.serving("mailer"):
        filled = time.monotonic()
        fill_up(small_disk / "ballast")
        wait(lambda: {"disk_low", "store_failed"} <= kinds(tmp_path, "raised"))
        assert time.monotonic() - filled < MINUTE
        (small_disk / "ballast").unlink()
        wait(lambda: {"disk_low", "store_failed"} <= kinds(tmp_path, "cleared"))
        assert town("alarms", "list") == []
        written = town("alarms", "list", "--ended")
    assert {"disk_low", "store_failed"} <= {one["kind"] for one in written}


def kinds(directory: Path, event: str) -> set[str]:
    """Return the kinds of alarm that the program was told of."""
    if not (directory / "told").exists():
        return set()
    return {kind for told, kind, _ in told_by_program(directory) if told == event}
