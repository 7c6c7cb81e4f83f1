"""Does everything acknowledged outlive a power cut?

The store stands on an ext4 of its own; the cut is the kernel's own (EXT4_IOC_SHUTDOWN, log not flushed): what was
not on the disk is gone, however often it was written. Needs root, for the loop device.
"""

import contextlib
import fcntl
import os
import random
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.appliance import Appliance, sinks
from tests.crash.test_crash_kill import Toll, assert_kept, count, received, under_way, wait_until_settled
from tests.crash.tree import family, kill
from tests.sinks import domain

RECIPIENTS = 1000
DOMAINS = 20
CUTS = 12
SEED = 20261126
EXT4_IOC_SHUTDOWN = 0x8004587D
NOLOGFLUSH = 2


class Disk:
    """An ext4 in a file, whose power can be cut."""

    def __init__(self, directory: Path) -> None:
        self.image = directory / "disk.img"
        self.place = directory / "state"
        self.place.mkdir()
        with self.image.open("wb") as image:
            image.truncate(256 * 1024 * 1024)
        _run("mkfs.ext4", "-q", str(self.image))

    @contextlib.contextmanager
    def plugged(self) -> Iterator[None]:
        """Mount it as long as the block lasts."""
        _run("mount", "-o", "loop", str(self.image), str(self.place))
        try:
            yield
        finally:
            _run("umount", str(self.place))

    def cut(self) -> None:
        """Cut the power: nothing reaches the disk from now on, the file system's own journal included."""
        place = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(place, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(place)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


def one_cut(directory: Path, chance: random.Random, toll: Toll) -> None:
    """Send one broadcast, cut the power in the middle of it, plug in again, let another mailer finish, and count."""
    journal = directory / "journal.jsonl"
    disk = Disk(directory)
    with sinks("--domains", str(DOMAINS), "--journal", str(journal), "--round-trip", "0.005") as ports:
        with disk.plugged():
            appliance = Appliance(directory, dns=ports["dns"], port=ports["port"])
            appliance.register([f"guardian{n}@{domain(1 + n % DOMAINS)}" for n in range(RECIPIENTS)])
            mailer = appliance.start("mailer")
            broadcast = appliance.send("--urgent", "--receipt")
            time.sleep(chance.uniform(0.0, 0.9))
            disk.cut()
            kill(family(mailer.pid))
            mailer.wait()
            if mailer.stdout:
                mailer.stdout.close()
        with disk.plugged():
            assert_sound(disk.place / "mimamori.db")
            in_flight = under_way(disk.place / "mimamori.db")
            with appliance.serving("mailer"):
                wait_until_settled(appliance)
            appliance("broadcast", "verify", broadcast)
            count(toll, received(journal), appliance("broadcast", "recipients", broadcast), in_flight)


def assert_sound(store: Path) -> None:
    """Fail unless the store opens and every page of it is whole."""
    with contextlib.closing(apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a loop device to cut the power of")
def test_nothing_acknowledged_is_lost_by_a_power_cut(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    toll = Toll()
    for number in range(CUTS):
        directory = tmp_path / str(number)
        directory.mkdir()
        one_cut(directory, chance, toll)
    assert_kept(toll)
