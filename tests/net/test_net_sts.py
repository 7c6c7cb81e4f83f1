"""Does a policy hold for its time, whatever becomes of the DNS and the web server meanwhile?"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from mailer.net import sts
from mailer.net.https import FetchFailed
from mailer.net.resolver import Resolver
from mailer.net.sts import Sts
from mailer.rehearsal.dns import DnsMood, DnsServer, Records
from mailer.smtp.sts import KeptPolicy, read_policy
from tests.dispatcher.town import until

DOMAIN = "town.example"
TEXT = "version: STSv1\nmode: {mode}\nmx: mx.town.example\nmax_age: {age}\n"
START = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass
class World:
    """The DNS, the web server, the store and the clock around one keeper of policies."""

    dns: DnsServer
    text: str = TEXT.format(mode="enforce", age=864_000)
    now: datetime = START
    failure: FetchFailed | None = None
    patience: float = 20.0
    fetched: list[str] = field(default_factory=list)
    stored: dict[str, KeptPolicy] = field(default_factory=dict)

    def publish(self, name: str | None, mood: DnsMood = DnsMood.ANSWER) -> None:
        """Let the DNS give this id; who asks a mute one is not to wait long."""
        self.patience = 0.1 if mood is DnsMood.TIMEOUT else 20.0
        self.dns.answers.put(f"_mta-sts.{DOMAIN}", Records(txt=(f"v=STSv1; id={name}",) if name else (), mood=mood))

    def keeper(self) -> Sts:
        """Return a keeper as a new process has it, with a resolver that remembers nothing."""
        monotonic = asyncio.get_running_loop().time
        resolver = Resolver(
            [("127.0.0.1", self.dns.port)], timeout=self.patience, lifetime=self.patience, monotonic=monotonic
        )
        return Sts(resolver, self.fetch, self, lambda: self.now)

    async def fetch(self, host: str, path: str) -> str:
        self.fetched.append(f"{host}{path}")
        if self.failure is not None:
            raise self.failure
        return self.text

    async def load(self, domain: str) -> KeptPolicy | None:
        return self.stored.get(domain)

    async def save(self, kept: KeptPolicy) -> None:
        self.stored[kept.domain] = kept

    async def mode(self, keeper: Sts | None = None) -> str | None:
        """Look a policy up, by a new process unless one is given."""
        found = await (keeper or self.keeper()).look(DOMAIN)
        return None if found is None else found.mode


@pytest.fixture
async def world() -> AsyncIterator[World]:
    dns = DnsServer({"town.example": Records(mx=((10, "mx.town.example"),))})
    await dns.start()
    yield World(dns)
    await dns.stop()


async def test_without_a_record_nothing_is_fetched(world: World) -> None:
    assert await world.mode() is None
    assert world.fetched == []


async def test_a_policy_is_fetched_once_for_its_id(world: World) -> None:
    world.publish("1")
    assert [await world.mode(), await world.mode()] == ["enforce", "enforce"]
    assert world.fetched == ["mta-sts.town.example/.well-known/mta-sts.txt"]
    world.publish("2")
    world.text = TEXT.format(mode="testing", age=864_000)
    assert await world.mode() == "testing"
    assert len(world.fetched) == 2


async def test_what_could_not_be_had_is_soon_looked_for_again(world: World) -> None:
    keeper = world.keeper()
    await world.mode(keeper)
    assert keeper.lasting(DOMAIN) == float("inf")
    world.publish(None, DnsMood.SERVFAIL)
    keeper = world.keeper()
    await world.mode(keeper)
    assert keeper.lasting(DOMAIN) == 60.0
    world.publish("1")
    world.failure = FetchFailed("sts-policy-fetch-error", "why")
    keeper = world.keeper()
    await world.mode(keeper)
    assert keeper.lasting(DOMAIN) == 300.0


async def test_many_who_look_share_one_fetch(world: World) -> None:
    world.publish("1")
    keeper = world.keeper()
    found = await asyncio.gather(*(keeper.look(DOMAIN) for _ in range(20)))
    assert all(one is not None for one in found)
    assert len(world.fetched) == 1


@pytest.mark.parametrize("mood", [DnsMood.ANSWER, DnsMood.SERVFAIL, DnsMood.TIMEOUT])
async def test_a_record_that_is_gone_ends_no_policy(world: World, mood: DnsMood) -> None:
    world.publish("1")
    await world.mode()
    world.publish(None, mood)
    assert await world.mode() == "enforce"
    world.now += timedelta(seconds=864_000)
    assert await world.mode() is None


@pytest.mark.parametrize("word", ["sts-policy-fetch-error", "sts-webpki-invalid", "sts-policy-invalid"])
async def test_a_known_policy_holds_while_a_new_one_cannot_be_had(world: World, word: str) -> None:
    world.publish("1")
    await world.mode()
    world.publish("2")
    world.failure = FetchFailed(word, "why")
    keeper = world.keeper()
    assert await world.mode(keeper) == "enforce"
    assert keeper.missing(DOMAIN) is None, "there is one"
    assert keeper.lasting(DOMAIN) == 300.0


async def test_where_none_was_known_a_failure_is_as_if_there_were_none_and_is_not_tried_again_at_once(
    world: World,
) -> None:
    world.publish("1")
    world.text = "<html>\r\n\r\nmode: \xfc\r\n"
    keeper = world.keeper()
    assert [await world.mode(keeper), await world.mode(keeper)] == [None, None]
    missing = keeper.missing(DOMAIN)
    assert missing is not None
    assert (missing.word, missing.lines) == ("sts-policy-invalid", ("<html>", "mode: ?"))
    assert len(world.fetched) == 1


async def test_what_could_not_be_had_is_looked_for_at_once_when_it_is_forgotten(world: World) -> None:
    world.publish("1")
    world.failure = FetchFailed("sts-policy-fetch-error", "why")
    keeper = world.keeper()
    assert await world.mode(keeper) is None
    world.failure = None
    keeper.forget("other.example", DOMAIN)
    assert keeper.lasting(DOMAIN) == float("inf")
    assert await world.mode(keeper) == "enforce"
    keeper.forget(DOMAIN)
    assert keeper.kept(DOMAIN) is not None, "what is known holds on"


async def test_a_new_id_is_seen_at_once_when_the_domain_is_forgotten(world: World) -> None:
    world.publish("1")
    keeper = world.keeper()
    await world.mode(keeper)
    world.publish("2")
    world.text = TEXT.format(mode="testing", age=864_000)
    assert await world.mode(keeper) == "enforce"
    keeper._resolver.forget(DOMAIN)
    assert await world.mode(keeper) == "testing"


async def test_a_policy_is_fetched_anew_each_day_so_that_it_does_not_run_out(world: World) -> None:
    world.publish("1")
    keeper = world.keeper()
    await world.mode(keeper)
    for _ in range(30):
        world.now += timedelta(hours=12)
        await keeper.freshen()
        assert keeper.kept(DOMAIN) is not None
    assert len(world.fetched) == 1 + 15


async def test_a_short_policy_is_fetched_anew_at_half_its_time(world: World) -> None:
    world.publish("1")
    world.text = TEXT.format(mode="enforce", age=7200)
    keeper = world.keeper()
    await world.mode(keeper)
    world.now += timedelta(seconds=3600)
    await keeper.freshen()
    assert len(world.fetched) == 2


async def test_what_another_process_has_fetched_is_not_fetched_again(world: World) -> None:
    world.publish("1")
    first, second = world.keeper(), world.keeper()
    await world.mode(first)
    await world.mode(second)
    assert len(world.fetched) == 1
    world.now += timedelta(days=1)
    await first.freshen()
    await second.freshen()
    assert len(world.fetched) == 2


async def test_what_is_over_is_forgotten(world: World) -> None:
    world.publish("1")
    keeper = world.keeper()
    await world.mode(keeper)
    world.now += timedelta(days=20)
    await keeper.freshen()
    assert keeper.kept(DOMAIN) is None
    assert len(world.fetched) == 1


async def test_the_memory_of_the_start_is_used(world: World) -> None:
    world.publish(None, DnsMood.TIMEOUT)
    keeper = world.keeper()
    keeper.know([KeptPolicy(DOMAIN, "1", read_policy(world.text), START)])
    assert await world.mode(keeper) == "enforce"


async def test_a_store_that_cannot_be_read_keeps_nobody_from_looking(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(domain: str) -> KeptPolicy | None:
        raise OSError("the disk is gone")

    world.publish("1")
    monkeypatch.setattr(world, "load", broken)
    assert await world.mode() is None
    assert "the disk is gone" in caplog.text


async def test_fresh_keeping_goes_on_until_it_is_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sts, "LOOK_SECONDS", 0.01)
    world.publish("1")
    keeper = world.keeper()
    await world.mode(keeper)
    world.now += timedelta(days=1)
    running = asyncio.create_task(keeper.keep_fresh())
    await until(lambda: len(world.fetched) == 2, 10.0)
    running.cancel()
    await asyncio.wait({running})
