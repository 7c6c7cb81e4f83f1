"""Do workers get signatures over a socket, and none of the keys?"""

import asyncio
import os
import socket
import threading
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


async def test_who_hangs_is_waited_for_no_longer_and_its_late_answer_is_nobodys(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def hanging(selector: str, digest: bytes) -> bytes:
        goes_on.wait(10)
        return sign(selector, digest)

    monkeypatch.setattr(signatory, "LONGEST_SECONDS", 0.05)
    signatory.serve(pair[0], hanging)
    asking = await Signatory.at(pair[1])
    with pytest.raises(TimeoutError):
        await asking.sign(["ed"], [[DIGEST]])
    goes_on.set()
    for _ in range(2):
        with pytest.raises((EOFError, OSError)):
            await asking.sign(["rsa"], [[DIGEST]])
    asking.close()


async def test_who_goes_away_while_it_waits_leaves_no_answer_to_the_next(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    goes_on = threading.Event()

    def waiting(selector: str, digest: bytes) -> bytes:
        goes_on.wait(10)
        return sign(selector, digest)

    signatory.serve(pair[0], waiting)
    asking = await Signatory.at(pair[1])
    first = asyncio.create_task(asking.sign(["ed"], [[DIGEST]]))
    await asyncio.sleep(0.01)
    first.cancel()
    goes_on.set()
    with pytest.raises((EOFError, OSError)):
        await asking.sign(["rsa"], [[bytes(32)]])
    asking.close()
