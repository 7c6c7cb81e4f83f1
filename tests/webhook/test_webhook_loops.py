"""Do the pages do the same on uvloop, which the services use where it is installed?"""

import asyncio

import pytest

from mailer.service.office import Office
from tests.conftest import Register
from tests.webhook.served import send, serving

GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_pages_are_served_and_the_slow_are_cut(
    kind: str, office: Office, register: Register, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    factory = pytest.importorskip("uvloop").new_event_loop if kind == "uvloop" else asyncio.new_event_loop
    monkeypatch.setattr("webhook.guard.REQUEST_SECONDS", 0.3)
    register("t-daiichi", "mother@docomo.ne.jp")
    send(office, "t-daiichi")

    async def work() -> None:
        async with serving(office) as served:
            page = await served.head(target=f"/r/{served.token('mother@docomo.ne.jp')}")
            assert "受信を確認しました".encode() in page
            assert (await served.raw(GET)).startswith(b"HTTP/1.1 408 ")
            assert await served.raw(GET + b"\r\n" + GET) != b""

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work())
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
