"""Is there room for everyone, however many come from one place?"""

import logging
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from mailer.net.inbound_doors import FAULTS, LOG_SECONDS, OCTETS, Doors, Limits, neighbours_of, plain, who_gives_way
from mailer.reserve import CALM_SECONDS, MIB, Reserve


def test_one_network_gets_its_share_and_room_is_given_back() -> None:
    doors = Doors(Limits(connections=5, connections_per_address=2))
    assert [doors.enter("192.0.2.1", 0) for _ in range(3)] == [True, True, False]
    assert doors.enter("192.0.2.2", 0)
    doors.leave("192.0.2.1")
    assert doors.enter("192.0.2.1", 0)


def test_a_whole_ipv6_network_counts_as_one() -> None:
    doors = Doors(Limits(connections_per_address=2))
    assert [doors.enter(f"2001:db8::{host}", 0) for host in range(3)] == [True, True, False]
    assert doors.enter("2001:db8:0:1::1", 0)


@pytest.mark.parametrize(
    ("shown", "address"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv4_peer_of_a_socket_for_both_families(shown: str, address: str) -> None:
    assert plain(shown) == address


def test_everybody_together_has_a_limit() -> None:
    doors = Doors(Limits(connections=3))
    assert [doors.enter(f"192.0.2.{host}", 0) for host in range(4)] == [True, True, True, False]


def test_a_flood_is_logged_once_a_minute_with_its_count(caplog: pytest.LogCaptureFixture) -> None:
    doors = Doors(Limits(connections=0))
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            doors.enter("192.0.2.1", 0.0)
        doors.enter("192.0.2.1", LOG_SECONDS)
    assert [record.getMessage().split(",")[0] for record in caplog.records] == [
        "turned away: 1 connections",
        "turned away: 100 connections",
    ]


def test_who_comes_too_often_in_a_minute_waits_for_the_next_and_others_do_not() -> None:
    doors = Doors(Limits(connections_per_minute=3))
    for _ in range(3):
        assert doors.enter("192.0.2.1", 0)
        doors.leave("192.0.2.1")
    assert not doors.enter("192.0.2.1", 30)
    assert doors.enter("192.0.2.2", 30)
    assert doors.enter("192.0.2.1", 60)


@pytest.mark.parametrize(("what", "amount"), [(FAULTS, 101), (OCTETS, 256 * 1024 * 1024 + 1)])
def test_who_costs_too_much_in_a_minute_has_had_enough(what: str, amount: int) -> None:
    doors = Doors(Limits())
    doors.spend("2001:db8::1", what, amount, 0)
    assert doors.has_had_enough("2001:db8::2", 1)
    assert not doors.has_had_enough("2001:db8:0:1::1", 1)
    assert not doors.has_had_enough("2001:db8::1", 61)


@dataclass
class Standing:
    """Somebody inside."""

    neighbours: str
    since: float
    busy: bool = False

    def give_way(self) -> None:
        """Stay: here only the choice is looked at."""


def crowd(*peers: str) -> list[Standing]:
    """Return peers that came one a second and brought no mail."""
    return [Standing(neighbours_of(peer), second) for second, peer in enumerate(peers)]


@pytest.mark.parametrize(
    ("inside", "newcomer", "now", "goes"),
    [
        (["192.0.2.1", "198.51.100.1", "198.51.100.2"], "203.0.113.1", 3, 1),
        (["2001:db8::1", "2001:db9::1", "2001:db9:0:9::1"], "203.0.113.1", 3, 1),
        (["192.0.2.1", "198.51.100.1", "198.51.100.2"], "192.0.2.2", 3, None),
        (["192.0.2.1", "198.51.100.1"], "203.0.113.1", 2, None),
        (["192.0.2.1", "198.51.100.1"], "203.0.113.1", 10, 0),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3"], "192.0.2.4", 9, None),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3"], "192.0.2.4", 10, 0),
        ([], "192.0.2.4", 10, None),
    ],
)
def test_who_gives_way_to_a_newcomer(inside: list[str], newcomer: str, now: float, goes: int | None) -> None:
    guests = crowd(*inside)
    assert who_gives_way(guests, newcomer, now, 10) is (None if goes is None else guests[goes])


def test_who_is_handing_over_a_mail_does_not_give_way() -> None:
    guests = crowd("192.0.2.1", "192.0.2.2", "192.0.2.3")
    guests[0].busy = True
    assert who_gives_way(guests, "203.0.113.1", 100, 10) is guests[1]
    assert who_gives_way(guests[:1], "203.0.113.1", 100, 10) is None


def test_room_is_made_only_where_a_place_is_lacking_and_for_whom_it_is_not_refused_anyway() -> None:
    doors, asked = Doors(Limits(connections=2, connections_per_address=1)), list[str]()

    def make_room(address: str, _now: float) -> bool:
        asked.append(address)
        doors.leave("192.0.2.1")
        return True

    assert [doors.enter(f"192.0.2.{host}", 0, make_room) for host in (1, 2, 2, 3)] == [True, True, False, True]
    assert asked == ["192.0.2.3"]


def test_this_machine_itself_may_come_as_often_as_it_likes() -> None:
    doors = Doors(Limits(connections_per_minute=1))
    for _ in range(5):
        assert doors.enter("127.0.0.1", 0)
        assert doors.enter("::1", 0)


def test_in_a_crowd_we_are_less_patient() -> None:
    doors = Doors(Limits(connections=4))
    for host in range(4):
        assert (doors.patience, doors.rate) == (300, 500)
        doors.enter(f"192.0.2.{host}", 0)
    assert (doors.patience, doors.rate) == (10, 5000)


@pytest.mark.parametrize(
    ("total", "free", "holds"),
    [(100_000, 10_001, True), (100_000, 9_999, False), (1_000, 513, True), (1_000, 511, False)],
)
def test_the_larger_of_a_part_and_so_many_mib_stays_free(total: int, free: int, *, holds: bool) -> None:
    usage = SimpleNamespace(total=total * MIB, free=free * MIB)
    reserve = Reserve(Path("/"), 10, 512, now=lambda: 0.0, usage=lambda _: usage)
    assert reserve.holds() is holds


def test_the_disk_is_asked_once_a_second() -> None:
    usage, now = SimpleNamespace(total=1000 * MIB, free=0), [0.0]
    reserve = Reserve(Path("/"), 10, 1, now=lambda: now[0], usage=lambda _: usage)
    assert not reserve.holds()
    usage.free = 500 * MIB
    assert not reserve.holds()
    now[0] = 1.0
    assert reserve.holds()


@pytest.mark.parametrize(("free", "spare", "holds"), [(400, 112, True), (400, 111, False), (63, 900, False)])
def test_what_is_free_inside_the_store_counts_but_for_a_floor(free: int, spare: int, *, holds: bool) -> None:
    usage = SimpleNamespace(total=1000 * MIB, free=free * MIB)
    reserve = Reserve(Path("/"), 10, 512, now=lambda: 0.0, usage=lambda _: usage, spare=lambda: spare * MIB)
    assert reserve.holds() is holds


@pytest.mark.parametrize(
    ("free", "spare", "shortage"),
    [(512, 0, ""), (400, 111, "511 MiB < 512 MiB"), (400, 112, ""), (63, 900, "63 MiB < 64 MiB")],
)
def test_a_shortage_says_what_is_free_of_what_must_be(free: int, spare: int, shortage: str) -> None:
    usage = SimpleNamespace(total=1000 * MIB, free=free * MIB)
    reserve = Reserve(Path("/"), 10, 512, now=lambda: 0.0, usage=lambda _: usage, spare=lambda: spare * MIB)
    assert reserve.shortage() == shortage


def test_room_that_comes_and_goes_is_one_shortage() -> None:
    usage, now = SimpleNamespace(total=1000 * MIB, free=1000 * MIB), [0.0]
    reserve = Reserve(Path("/"), 10, 512, now=lambda: now[0], usage=lambda _: usage)
    said = []
    for second in range(200):
        now[0] = float(second)
        usage.free = (400 if second in (10, 30) else 600) * MIB
        assert reserve.holds() is (second not in (10, 30))
        said.append(reserve.shortage())
    assert [second for second in range(200) if said[second]] == list(range(10, 30 + int(CALM_SECONDS)))
