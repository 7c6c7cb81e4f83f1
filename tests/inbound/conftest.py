"""What do the tests of port 25 share? A port 25 with limits of the test's choice, and a greeted peer."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from mailer.net.inbound_doors import Limits
from tests.inbound.port25 import Client, Port25


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
