"""Is there room for everyone, however many come from one place?"""

import logging

import pytest

from mailer.net.inbound_doors import LOG_SECONDS, Doors, Limits, plain


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
