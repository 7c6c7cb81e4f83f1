"""What becomes of a broadcast when what the mailer stands on goes away in the middle of it, and comes back?

The network, the far side, the store's file, room on the disk, the time of day. Real processes; what the far side got is
weighed against the store.
"""

import contextlib
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailer.store.space import RESERVE, free_octets
from tests.crash.far_side import addresses
from tests.crash.kills import Who, strike
from tests.crash.lane import weighed
from tests.crash.line import Line, Setting, line
from tests.crash.test_crash_disk_clock import LIBFAKETIME, fill_up, small_disk
from tests.crash.tree import alive, wait_until

#: So slow that a broadcast takes several seconds.
SLOW = Setting(think_seconds=0.3)
NAMESPACE = f"mimamori-crash-{os.getpid()}"

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a mount, a namespace or a capability less")


def begun(on: Line, mails: int = 20) -> str:
    """Send a broadcast and return once the far side has so many mails of it."""
    broadcast = on.send()
    wait_until(lambda: on.count() >= mails, "the far side takes mail")
    return broadcast


def assert_arrived(on: Line, broadcast: str) -> None:
    """Wait for the end, then fail unless nothing is lost and every copy too many is marked."""
    on.settle(120)
    # A connection that broke off leaves marks, too, and nobody knows from outside how many.
    balance = replace(weighed(on, [broadcast], set()), beyond=0)
    assert not balance.faults


@pytest.fixture
def network() -> Iterator[str]:
    """A network namespace whose loopback is up."""
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    try:
        _loopback("up")
        yield NAMESPACE
    finally:
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=True)


def _loopback(state: str) -> None:
    subprocess.run(["ip", "-n", NAMESPACE, "link", "set", "lo", state], check=True)


@root
@pytest.mark.skipif(shutil.which("ip") is None, reason="needs iproute2")
def test_after_the_network_was_away_every_mail_arrives(tmp_path: Path, network: str) -> None:
    with line(tmp_path, Setting(within=("ip", "netns", "exec", network), think_seconds=0.3)) as on:
        on.start()
        broadcast = begun(on)
        _loopback("down")
        time.sleep(3)
        away = on.count()
        assert away < len(addresses())
        _loopback("up")
        assert_arrived(on, broadcast)


def test_after_the_far_side_broke_down_every_mail_arrives(tmp_path: Path) -> None:
    with line(tmp_path, SLOW) as on:
        on.start()
        broadcast = begun(on)
        on.far.break_down()
        time.sleep(1)
        on.far.come_back()
        assert_arrived(on, broadcast)


def test_after_the_far_side_went_away_and_the_mailer_was_killed_every_mail_arrives(tmp_path: Path) -> None:
    with line(tmp_path, SLOW) as on:
        on.start()
        broadcast = begun(on)
        on.far.break_down()
        strike(on, Who.TREE, 0)
        on.start()
        time.sleep(1)
        on.far.come_back()
        assert_arrived(on, broadcast)


def test_a_mailer_does_not_start_on_a_store_of_rubbish_and_names_it(tmp_path: Path) -> None:
    with line(tmp_path, SLOW) as on:
        on.start()
        begun(on)
        on.store.write_bytes(os.urandom(on.store.stat().st_size))
        on.bury()
        on.store.with_name("mimamori.db-wal").unlink(missing_ok=True)
        taken = on.count()
        assert_refuses(on)
        assert on.count() == taken


def assert_refuses(on: Line) -> None:
    """Fail unless a mailer that is started now ends with status 1 and names the store."""
    on.launch()
    assert on.mailer
    assert on.mailer.wait(30) == 1
    assert f"{on.store}: " in on.log().splitlines()[-1]


@root
def test_a_store_that_nobody_may_open_any_more_loses_nothing(tmp_path: Path) -> None:
    powers = "-dac_override,-dac_read_search"
    with line(tmp_path, Setting(within=("setpriv", f"--bounding-set={powers}"), think_seconds=0.3)) as on:
        on.start()
        broadcast = begun(on)
        on.store.chmod(0)
        strike(on, Who.TREE, 0)
        assert_refuses(on)
        on.store.chmod(0o660)
        on.start()
        assert_arrived(on, broadcast)


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_store_that_is_gone_is_noticed_and_no_more_mail_is_begun(tmp_path: Path, how: str) -> None:
    with line(tmp_path, SLOW) as on:
        on.start()
        begun(on)
        other = tmp_path / "rubbish"
        other.write_bytes(os.urandom(65536))
        if how == "removed":
            on.store.unlink()
        else:
            other.replace(on.store)
        wait_until(lambda: str(on.store) in on.log(), "the mailer says that its store is gone", 5)
        standing = -1
        while standing != (standing := on.count()):
            time.sleep(2)
        assert standing < len(addresses())


def _health(on: Line) -> int:
    """Return the status that monitoring gets."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{on.appliance.web}/healthz", timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with contextlib.closing(error):
            return error.code


@root
def test_health_is_red_while_the_disk_is_full_and_green_again_after(tmp_path: Path) -> None:
    with line(tmp_path, Setting(services=("mailer", "webhook"), think_seconds=0.3)) as on, small_disk(on.store.parent):
        on.start()
        broadcast = begun(on)
        fill_up(on.store.with_name("filling"))
        wait_until(lambda: _health(on) == 503, "health turns red", 15)
        on.store.with_name("filling").unlink()
        wait_until(lambda: _health(on) == 200, "health turns green", 15)
        assert_arrived(on, broadcast)
        on.bury()


@root
def test_while_room_is_short_nothing_is_begun_and_what_was_begun_is_written_down(tmp_path: Path) -> None:
    with line(tmp_path, SLOW) as on, small_disk(on.store.parent):
        on.start()
        broadcast = begun(on)
        filling = on.store.with_name("filling")
        filling.write_bytes(bytes(free_octets(filling.parent) - RESERVE // 2))
        wait_until(lambda: "too little room" in on.log(), "the mailer says so", 5)
        wait_until(lambda: on.count() == len(accepted(on)), "what was begun is written down", 10)
        standing = on.count()
        time.sleep(2)
        assert on.count() == standing < len(addresses())
        filling.unlink()
        assert_arrived(on, broadcast)
        on.bury()


def accepted(on: Line) -> list[tuple[int]]:
    """Return the items that are accepted in the store."""
    return on.select("SELECT id FROM queue_item WHERE state = 'accepted'")


@root
def test_killed_on_a_full_disk_a_mailer_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with line(tmp_path, SLOW) as on, small_disk(on.store.parent):
        on.start()
        broadcast = begun(on)
        fill_up(on.store.with_name("filling"))
        time.sleep(2)
        strike(on, Who.TREE, 0)
        on.store.with_name("filling").unlink()
        on.start()
        assert_arrived(on, broadcast)
        on.bury()


@pytest.mark.skipif(LIBFAKETIME is None, reason="needs Debian's faketime")
@pytest.mark.parametrize("seconds", [10_800, -10_800])
def test_killed_after_the_clock_was_set_nothing_waits_and_nothing_is_lost(tmp_path: Path, seconds: int) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+0")
    faked = (
        f"LD_PRELOAD={LIBFAKETIME}",
        f"FAKETIME_TIMESTAMP_FILE={offset}",
        "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
    )
    with line(tmp_path, Setting(within=("env", *faked), think_seconds=1.0)) as on:
        on.start()
        broadcast = begun(on)
        offset.write_text(f"{seconds:+d}")
        wait_until(lambda: "clock was set by" in on.log(), "the mailer notices its clock", 5)
        strike(on, Who.TREE, 0)
        assert not alive(on.pid)
        on.start()
        assert_arrived(on, broadcast)
