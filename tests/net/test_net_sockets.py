"""Are listening sockets taken from the service manager, or bound, or refused in words?"""

import os
import socket

import pytest

from mailer.net.sockets import ListenError, listening


def test_addresses_of_the_settings_are_bound() -> None:
    opened = listening("web", [("127.0.0.1", 0), ("::1", 0)], {})
    try:
        assert [each.family for each in opened] == [socket.AF_INET, socket.AF_INET6]
        assert all(each.getsockname()[1] for each in opened)
        assert not any(each.getblocking() for each in opened)
    finally:
        for each in opened:
            each.close()


def test_no_address_is_no_door() -> None:
    assert listening("web", [], {}) == []


def test_an_address_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{port}: cannot be listened on \(.*in use.*\)"):
            listening("web", [("127.0.0.1", 0), ("127.0.0.1", port)], {})


@pytest.mark.parametrize("wanted", ["web", "smtp"])
def test_a_socket_passed_under_the_name_is_taken(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    names = {"web": 0, "smtp": 1}
    monkeypatch.setattr("mailer.net.sockets.FIRST_PASSED", first := min(each.fileno() for each in given))
    number = given[names[wanted]].fileno() - first
    passed = ["other"] * (number + 1)
    passed[number] = wanted
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(number + 1), "LISTEN_FDNAMES": ":".join(passed)}
    taken = listening(wanted, [("127.0.0.1", 1)], environ)
    assert [each.getsockname() for each in taken] == [given[names[wanted]].getsockname()]
    taken[0].detach()
    for each in given:
        each.close()


def test_sockets_meant_for_another_process_are_left_alone() -> None:
    environ = {"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web"}
    assert listening("web", [], environ) == []
