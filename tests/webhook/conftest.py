"""What do the tests of the pages share? A town with a broadcast, served on loopback."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from mailer.service.office import Office
from tests.conftest import Register
from tests.webhook.served import Served, send, serving


@pytest.fixture
async def served(office: Office, register: Register) -> AsyncIterator[Served]:
    """Two siblings' households share mother@; one broadcast went to both schools."""
    register("t-daini", "mother@docomo.ne.jp", "father@ezweb.ne.jp")
    register("t-daiichi", "mother@docomo.ne.jp")
    send(office, "t-daiichi", "t-daini")
    async with serving(office) as site:
        yield site


@pytest.fixture
async def browser(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that follows nothing and trusts no environment."""
    async with httpx2.AsyncClient(base_url=served.origin, trust_env=False) as client:
        yield client
