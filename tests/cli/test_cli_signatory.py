"""Do workers get signatures over a socket, and none of the keys?"""

import os
import socket
from collections.abc import Callable

import pytest

from mailer import signatory
from mailer.signatory import Signatory

DIGEST = bytes(range(32))


def sign(selector: str, digest: bytes) -> bytes:
    """Return something that tells what was signed by whom; nobody has the key of `gone`."""
    return b"" if selector == "gone" else selector.encode() + digest[:4]


@pytest.fixture
def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair()


async def test_signatures_come_in_the_order_of_the_mails_and_selectors(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    signatory.serve(pair[0], sign)
    asking = await Signatory.at(pair[1])
    digests = [[bytes([n]) * 32, bytes([n + 1]) * 32] for n in range(40)]
    assert await asking.sign(["rsa", "ed"], digests) == [[sign("rsa", one), sign("ed", two)] for one, two in digests]
    asking.close()


async def test_a_key_that_is_not_there_gives_an_empty_signature(pair: tuple[socket.socket, socket.socket]) -> None:
    signatory.serve(pair[0], sign)
    asking = await Signatory.at(pair[1])
    assert await asking.sign(["gone", "ed"], [[DIGEST, DIGEST]]) == [[b"", sign("ed", DIGEST)]]
    asking.close()


async def test_when_the_parent_is_gone_that_is_an_error(pair: tuple[socket.socket, socket.socket]) -> None:
    asking = await Signatory.at(pair[1])
    pair[0].close()
    with pytest.raises((EOFError, OSError)):
        await asking.sign(["ed"], [[DIGEST]])
    asking.close()


async def test_who_signs_steps_behind_the_workers_and_nobody_else_does(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    niceness: list[int] = []

    def asked(selector: str, digest: bytes) -> bytes:
        niceness.append(os.getpriority(os.PRIO_PROCESS, 0))  # to Linux, this thread
        return sign(selector, digest)

    signatory.serve(pair[0], asked)
    asking = await Signatory.at(pair[1])
    await asking.sign(["ed"], [[DIGEST]])
    asking.close()
    here = os.getpriority(os.PRIO_PROCESS, 0)
    assert niceness == [min(19, here + signatory.BEHIND)]


async def test_a_failure_to_sign_ends_the_connection_and_not_the_parent(
    pair: tuple[socket.socket, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_selector: str, _digest: bytes) -> bytes:
        raise RuntimeError("the key broke")

    failing: Callable[[str, bytes], bytes] = broken
    signatory.serve(pair[0], failing)
    asking = await Signatory.at(pair[1])
    with pytest.raises((EOFError, OSError)):
        await asking.sign(["ed"], [[DIGEST]])
    asking.close()
    assert "the key broke" in caplog.text
