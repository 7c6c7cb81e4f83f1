"""Does the mailer write what was begun to be announced, and what does it do when it cannot?"""

import asyncio

import pytest

from mailer.announcing import Announcer
from mailer.service import announcing
from mailer.service.office import Office
from mailer.store.space import RESERVE
from mailer.store.writer import Writer
from tests.conftest import FakeClock, Register
from tests.service.test_service_announcing import at_once, begin, populate, written


@pytest.fixture(autouse=True)
def town(register: Register, clock: FakeClock) -> None:
    """A town to write to."""
    populate(register, clock)


def fail() -> None:
    """Find no room."""
    raise OSError("no room")


def test_the_mailer_writes_it_and_goes_on_after_a_failure(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mailer.announcing.LOOK_SECONDS", 0.01)
    expected, name = at_once(office), begin(office)
    fails, write, troubles = iter([True, True]), announcing.go_on, list[str]()

    async def keep() -> None:
        loop, whole, writer = asyncio.get_running_loop(), asyncio.Event(), Writer()
        announcer = Announcer(office, writer)

        def go_on(office: Office) -> str:
            troubles.append(announcer.trouble)
            if next(fails, False):
                fail()
            found = write(office, 2)
            if not found and not announcer.trouble:
                loop.call_soon_threadsafe(whole.set)
            return found

        monkeypatch.setattr(announcing, "go_on", go_on)
        keeping = asyncio.create_task(announcer.keep())
        await whole.wait()
        keeping.cancel()
        await asyncio.to_thread(writer.close)

    asyncio.run(asyncio.wait_for(keep(), 30))
    assert written(name) == expected
    assert "cannot be written now: no room" in caplog.text
    assert (troubles[0], "no room" in troubles) == ("", True)


def test_on_a_disk_that_is_nearly_full_it_waits(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.announcing.LOOK_SECONDS", 0.01)
    name = begin(office)

    async def keep() -> None:
        writer = Writer()
        with monkeypatch.context() as full:
            full.setattr("mailer.store.space.free_octets", lambda _: RESERVE - 1)
            await writer.do(lambda: None)
            keeping = asyncio.create_task(Announcer(office, writer).keep())
            await asyncio.sleep(0.2)
            assert written(name) == ([], [])
            keeping.cancel()
        await asyncio.to_thread(writer.close)

    asyncio.run(asyncio.wait_for(keep(), 30))
