"""Does every alarm leave on every way, whatever the store and the other ways do?"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

from mailer import alarms
from mailer.alarms import Keeper
from mailer.domain.alarm import Kind, Message
from mailer.service import alarm, watch
from mailer.service.office import Office
from mailer.store.database import transaction
from mailer.store.writer import Writer
from tests.conftest import FakeClock


@dataclass
class Way:
    """A way out that keeps what it was given, and fails as often as it is told to."""

    name: str = "webhook"
    troubles: list[str] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)
    blocks: asyncio.Event | None = None

    async def tell(self, message: Message) -> str:
        """Take a message, or refuse it."""
        if self.blocks is not None:
            await self.blocks.wait()
        if self.troubles:
            return self.troubles.pop()
        self.told.append(message)
        return ""

    @property
    def events(self) -> list[tuple[str, str]]:
        """What was told, in order."""
        return [(one.facts["kind"], one.facts["event"]) for one in self.told]


class Failing(Way):
    """A way that fails in a manner that nobody thought of."""

    async def tell(self, message: Message) -> str:
        """Fail."""
        raise RuntimeError("no such luck")


@pytest.fixture
def writer(office: Office) -> Iterator[Writer]:
    """A writer of its own thread."""
    made = Writer(end=lambda: None)
    yield made
    made.close()


def raise_(office: Office, kind: Kind = Kind.CARRIER_PAUSED) -> None:
    """Raise an alarm."""
    with transaction():
        alarm.raise_(office, kind, "docomo", "421 blocked")


async def until(keeper: Keeper, done: Callable[[], bool]) -> None:
    """Look until it is so; each look yields to what tells."""
    async with asyncio.timeout(10):
        while not done():
            await keeper.look()
            await asyncio.sleep(0.01)


def delivered(path: str) -> bool:
    """Tell whether all that a way owed is written as told."""
    return all(one.told_at for each in alarm.list_(ended=True) for one in alarm.show(each.id)[1] if one.path == path)


async def test_every_way_tells_once(office: Office, writer: Writer) -> None:
    one, other = Way("webhook"), Way("command")
    raise_(office)
    keeper = Keeper(office, writer, [one, other], dict)
    await until(keeper, lambda: bool(one.told and other.told) and delivered("webhook") and delivered("command"))
    await keeper.look()
    assert one.events == other.events == [("carrier_paused", "raised")]
    document = json.loads(one.told[0].body)
    assert document["type"] == "alarm.raised"
    assert document["text"] == "A receiver turned us away, and sending there pauses: docomo 421 blocked"
    assert document["data"]["kind"] == "carrier_paused"
    assert one.told[0].id == f"{document['data']['id']}_raised"


async def test_a_way_that_hangs_or_breaks_holds_up_no_other(office: Office, writer: Writer, clock: FakeClock) -> None:
    hangs, breaks, works = Way("webhook", blocks=asyncio.Event()), Failing("pager"), Way("command")
    raise_(office)
    keeper = Keeper(office, writer, [hangs, breaks, works], dict)
    await until(keeper, lambda: bool(works.told) and bool(alarm.failing()))
    assert [(one.path, one.trouble) for one in alarm.failing()] == [("pager", "RuntimeError: no such luck")]
    assert hangs.told == []
    keeper.stop()


async def test_what_failed_is_told_when_it_is_tried_again(office: Office, writer: Writer, clock: FakeClock) -> None:
    way = Way(troubles=["HTTP status 500"])
    raise_(office)
    keeper = Keeper(office, writer, [way], dict)
    await until(keeper, lambda: bool(alarm.failing()))
    clock.advance(seconds=5)
    await until(keeper, lambda: bool(way.told) and delivered("webhook"))
    assert alarm.failing() == []


async def test_a_store_that_is_locked_is_told_from_memory_and_written_down_later(
    office: Office, writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "PATIENCE_SECONDS", 0.05)
    way = Way()
    keeper = Keeper(office, writer, [way], lambda: {(Kind.DISK_LOW, "/var"): "1 MB"})
    blocker = apsw.Connection(f"{tmp_path}/mimamori.db")
    blocker.execute("BEGIN IMMEDIATE")
    await until(keeper, lambda: len(way.told) == 2)
    assert {kind for kind, _ in way.events} == {"store_failed", "disk_low"}
    blocker.execute("ROLLBACK")
    blocker.close()
    await until(keeper, lambda: len(way.told) == 3 and delivered("webhook"))
    assert way.events[2] == ("store_failed", "cleared")
    assert {(one.id, one.kind) for one in alarm.list_(ended=True)} >= {
        (message.facts["id"], Kind(message.facts["kind"])) for message in way.told[:2]
    }
    assert [one.kind for one in alarm.list_()] == [Kind.DISK_LOW]
    keeper.stop()


async def test_a_store_that_refuses_writes_is_an_alarm_though_nobody_writes(
    office: Office, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise apsw.FullError("database or disk is full")

    way = Way()
    keeper = Keeper(office, writer, [way], dict)
    with monkeypatch.context() as broken:
        broken.setattr(watch, "prove_writable", refuse)
        await until(keeper, lambda: bool(way.told))
    assert way.events == [("store_failed", "raised")]
    assert "disk is full" in way.told[0].facts["text"]
    await until(keeper, lambda: len(way.told) == 2)
    assert way.events[1] == ("store_failed", "cleared")


async def test_a_way_that_fails_in_an_emergency_rests_between_its_tries(
    office: Office, writer: Writer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(watch, "prove_writable", refuse)
    way = Way(troubles=["HTTP status 500"] * 3)
    keeper = Keeper(office, writer, [way], dict)
    await until(keeper, lambda: len(way.troubles) == 2)
    for _ in range(5):
        await keeper.look()
        await asyncio.sleep(0.01)
    assert len(way.troubles) == 2
    clock.advance(seconds=5)
    await until(keeper, lambda: len(way.troubles) == 1)
