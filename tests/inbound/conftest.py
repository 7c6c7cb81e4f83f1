"""What do the tests of port 25 share? A port 25 with limits of the test's choice, a greeted peer,
and a queue item whose mail may come back.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from mailer.net.inbound_doors import Limits
from mailer.service import broadcast
from mailer.service.office import Office
from mailer.store.database import select
from tests.conftest import Register
from tests.inbound.port25 import ADDRESS, Client, Port25


@pytest.fixture
def limits() -> Callable[..., Limits]:
    """Limits for a test: the shipped ones with a short greeting, and what the test changes."""

    def made(**changes: float) -> Limits:
        return Limits(**{"greeting_seconds": 0.01, **changes})  # type: ignore[arg-type]  # counts are whole numbers

    return made


@pytest.fixture
async def port25(tmp_path: Path) -> Port25:
    """A port 25 that is not open yet."""
    return Port25(tmp_path)


@pytest.fixture
async def peer(port25: Port25, limits: Callable[..., Limits]) -> AsyncIterator[Client]:
    """A client that has said EHLO to a listener with the ordinary limits."""
    async with port25.open(limits()):
        yield await port25.hello()


@pytest.fixture
def item(office: Office, register: Register) -> int:
    """A queue item that was accepted by the carrier."""
    register("t-daiichi", ADDRESS)
    request = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", receipt=True, urgent=True, actor="test")
    broadcast.send(office, request)
    ((number,),) = select("SELECT id FROM queue_item")
    select("UPDATE queue_item SET state = 'accepted' WHERE id = ?", (number,))
    return int(number)
