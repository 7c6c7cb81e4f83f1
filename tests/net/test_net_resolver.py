"""Does the resolver ask seldom, and never take silence for absence?"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable

import pytest

from mailer.net.resolver import FAILED, Answer, DnsTrouble, NameUnknown, Resolver
from mailer.net.routes import Routing, find_route
from mailer.rehearsal.dns import Answers, DnsMood, DnsServer, Records
from mailer.smtp.route import NoRoute
from tests.dispatcher.town import until

ZONE = {
    "town.example": Records(mx=((10, "mx1.town.example"), (20, "mx2.town.example"))),
    "mx1.town.example": Records(a=("192.0.2.1", "192.0.2.2"), aaaa=("2001:db8::1",)),
    "mx2.town.example": Records(a=("192.0.2.3",)),
    "plain.example": Records(a=("192.0.2.9",)),
    "bare.example": Records(txt=("nothing here",)),
    "null.example": Records(mx=((0, "."),)),
    "sick.example": Records(mood=DnsMood.SERVFAIL),
    "mute.example": Records(mood=DnsMood.TIMEOUT),
    "big.example": Records(mx=((10, "mx1.town.example"),), mood=DnsMood.TRUNCATED),
    "alias.example": Records(mx=((10, "cname.example"), (20, "mx2.town.example"))),
    "onlyalias.example": Records(mx=((10, "cname.example"),)),
    "cname.example": Records(cname="mx1.town.example"),
    "loop.example": Records(mx=((10, "loop1.example"),)),
    "loop1.example": Records(cname="loop2.example"),
    "loop2.example": Records(cname="loop1.example"),
    "halfsick.example": Records(mx=((10, "sick.example"), (20, "mx2.town.example"))),
    "private.example": Records(mx=((10, "inside.example"),)),
    "inside.example": Records(a=("10.0.0.1", "127.0.0.1", "169.254.0.1"), aaaa=("::1", "::ffff:127.0.0.1")),
    "disguised.example": Records(mx=((10, "mx.disguised.example"),)),
    "mx.disguised.example": Records(aaaa=("::127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::1", "fec0::1")),
    "ours.example": Records(mx=((10, "mx.ours-by-address.example"),)),
    "mx.ours-by-address.example": Records(a=("8.8.4.4",)),
    "theirs.example": Records(a=("8.8.8.8",)),
    "lost.example": Records(mx=((10, "nowhere.example"),)),
    "mutes.example": Records(mx=tuple((10, f"mute{number}.example") for number in range(8))),
    **{f"mute{number}.example": Records(mood=DnsMood.TIMEOUT) for number in range(8)},
    "crowd.example": Records(mx=tuple((number, f"mx{number}.example") for number in range(150, 0, -1))),
    "many.example": Records(mx=tuple((10, f"mx{number}.many.example") for number in range(8))),
    **{f"mx{number}.many.example": Records(a=(f"192.0.2.{number}",)) for number in range(8)},
    "number.example": Records(mx=((10, "192.0.2.1"),)),
}
OPEN = Routing(frozenset({"mx.ours.example"}), 5, True)
CLOSED = Routing(frozenset({"mx.ours.example"}), 5, False)


class Hand:
    """Monotonic seconds that move by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def dns() -> AsyncIterator[DnsServer]:
    server = DnsServer(ZONE)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def resolver(dns: DnsServer) -> Resolver:
    return resolver_at(dns, asyncio.get_running_loop().time)


def resolver_at(dns: DnsServer, monotonic: Callable[[], float], lifetime: float = 0.6) -> Resolver:
    return Resolver([("127.0.0.1", dns.port)], timeout=lifetime / 2, lifetime=lifetime, monotonic=monotonic)


async def test_answers_come_in_text_and_order(resolver: Resolver) -> None:
    exchanges, whole = await resolver.exchanges("town.example")
    assert {(one.preference, one.host) for one in exchanges} == {(10, "mx1.town.example"), (20, "mx2.town.example")}
    assert 30 <= whole.seconds <= 3600
    answer = await resolver.addresses("mx1.town.example")
    assert set(answer.records[:2]) == {"192.0.2.1", "192.0.2.2"}
    assert answer.records[2:] == ("2001:db8::1",)


async def test_of_too_many_exchanges_the_best_are_kept(resolver: Resolver) -> None:
    exchanges, _ = await resolver.exchanges("crowd.example")
    assert sorted(one.preference for one in exchanges) == list(range(1, 101))


async def test_a_truncated_answer_is_asked_for_again_over_tcp(resolver: Resolver) -> None:
    exchanges, _ = await resolver.exchanges("big.example")
    assert [one.host for one in exchanges] == ["mx1.town.example"]


async def test_absence_and_failure_are_told_apart(resolver: Resolver) -> None:
    assert (await resolver.exchanges("plain.example"))[0] == []
    with pytest.raises(NameUnknown):
        await resolver.exchanges("nobody.example")
    for failing in ("sick.example", "mute.example"):
        with pytest.raises(DnsTrouble):
            await resolver.exchanges(failing)


async def test_one_question_serves_all_who_ask_and_is_asked_again_when_it_is_old(dns: DnsServer) -> None:
    hand = Hand()
    resolver = resolver_at(dns, hand)
    asked: list[str] = []
    query = resolver._query

    async def counted(name: str, kind: str) -> object:
        asked.append(name)
        return await query(name, kind)

    resolver._query = counted  # type: ignore[method-assign, assignment]  # counts what really goes out
    await asyncio.gather(*(resolver.exchanges("town.example") for _ in range(20)))
    await resolver.exchanges("town.example")
    assert asked == ["town.example"]
    hand.now += 4000
    await resolver.exchanges("town.example")
    assert asked == ["town.example"] * 2


async def test_a_failure_is_not_asked_for_again_at_once(dns: DnsServer) -> None:
    hand = Hand()
    resolver = resolver_at(dns, hand)
    for _ in range(2):
        with pytest.raises(DnsTrouble):
            await resolver.exchanges("sick.example")
    dns.answers.put("sick.example", Records(mx=((10, "mx1.town.example"),)))
    hand.now += 6
    assert (await resolver.exchanges("sick.example"))[0]


async def test_a_route_has_hosts_in_order_with_addresses(resolver: Resolver) -> None:
    route = await find_route("town.example", resolver, OPEN)
    assert [host.name for host in route.hosts] == ["mx1.town.example", "mx2.town.example"]
    assert route.key == "mx1.town.example mx2.town.example"


async def test_at_most_so_many_addresses(resolver: Resolver) -> None:
    route = await find_route("town.example", resolver, Routing(frozenset(), 2, True))
    assert [len(host.addresses) for host in route.hosts] == [2]


async def test_implicit_mx(resolver: Resolver) -> None:
    route = await find_route("plain.example", resolver, OPEN)
    assert [(host.name, host.addresses) for host in route.hosts] == [("plain.example", ("192.0.2.9",))]


async def test_an_alias_is_followed(resolver: Resolver) -> None:
    route = await find_route("alias.example", resolver, OPEN)
    assert [host.name for host in route.hosts] == ["cname.example", "mx2.town.example"]
    assert route.hosts[0].addresses[:1] in (("192.0.2.1",), ("192.0.2.2",))


async def test_an_alias_of_ourselves_is_passed_over(resolver: Resolver) -> None:
    ours = Routing(frozenset({"mx1.town.example"}), 5, True)
    assert [host.name for host in (await find_route("alias.example", resolver, ours)).hosts] == ["mx2.town.example"]
    with pytest.raises(NoRoute) as caught:
        await find_route("onlyalias.example", resolver, ours)
    assert not caught.value.permanent


async def test_a_host_without_dns_is_passed_over(resolver: Resolver) -> None:
    route = await find_route("halfsick.example", resolver, OPEN)
    assert [host.name for host in route.hosts] == ["mx2.town.example"]


async def test_a_route_without_its_best_host_is_looked_for_again_soon(resolver: Resolver) -> None:
    assert (await find_route("halfsick.example", resolver, OPEN)).seconds == FAILED
    assert (await find_route("town.example", resolver, OPEN)).seconds > FAILED


async def test_addresses_of_one_kind_hold_for_a_moment_if_the_other_could_not_be_had(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = resolver._query

    async def half(name: str, kind: str) -> Answer:
        if kind == "A":
            raise DnsTrouble("for a moment")
        return await ask(name, kind)

    monkeypatch.setattr(resolver, "_query", half)
    answer = await resolver.addresses("mx1.town.example")
    assert (answer.records, answer.seconds) == (("2001:db8::1",), FAILED)


async def test_the_same_hosts_are_the_same_door_whichever_are_tried(resolver: Resolver) -> None:
    keys = {(await find_route("many.example", resolver, OPEN)).key for _ in range(20)}
    assert keys == {" ".join(f"mx{number}.many.example" for number in range(8))}


async def test_all_hosts_are_asked_for_at_once(dns: DnsServer) -> None:
    resolver = resolver_at(dns, asyncio.get_running_loop().time, lifetime=60.0)
    looking = asyncio.create_task(find_route("mutes.example", resolver, OPEN))
    await until(lambda: all(dns.answers.asked[f"mute{number}.example A"] for number in range(8)), 10.0)
    looking.cancel()
    await asyncio.wait({looking})


@pytest.mark.parametrize(("place", "asked"), [(9, 10), (10, 20), (19, 20), (20, 20)])
async def test_hosts_that_do_not_exist_hide_none_behind_them(
    resolver: Resolver, dns: DnsServer, place: int, asked: int
) -> None:
    names = [f"mx{number}.gone.example" for number in range(30)]
    dns.answers.put("gone.example", Records(mx=tuple(enumerate(names))))
    dns.answers.put(names[place], Records(a=("192.0.2.1",)))
    if place < 20:
        assert [host.name for host in (await find_route("gone.example", resolver, OPEN)).hosts] == [names[place]]
    else:
        with pytest.raises(NoRoute):
            await find_route("gone.example", resolver, OPEN)
    assert sum(dns.answers.asked[f"{name} A"] for name in names) == asked


async def test_a_route_is_looked_for_no_longer_than_one_question_lives(dns: DnsServer) -> None:
    resolver = resolver_at(dns, asyncio.get_running_loop().time, lifetime=60.0)
    resolver.lifetime = 0.05  # as if the exchanges had taken all but this
    async with asyncio.timeout(20.0):
        with pytest.raises(NoRoute) as caught:
            await find_route("mutes.example", resolver, OPEN)
    assert (caught.value.permanent, caught.value.enhanced) == (False, "4.4.3")


class MuteForAaaa(Answers):
    """A server, or a firewall before it, that drops questions for AAAA."""

    def answer(self, query: bytes, *, udp: bool) -> bytes | None:
        return None if b"\x00\x1c\x00\x01" in query else super().answer(query, udp=udp)


async def test_addresses_do_not_wait_long_for_the_second_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.net.resolver.GRACE", 0.05)
    dns = DnsServer(ZONE)
    dns.answers = MuteForAaaa(ZONE)
    await dns.start()
    resolver = resolver_at(dns, asyncio.get_running_loop().time, lifetime=60.0)
    async with asyncio.timeout(20.0):
        answer = await resolver.addresses("mx2.town.example")
    assert answer.records == ("192.0.2.3",)
    await dns.stop()


async def test_a_failure_that_nobody_waits_for_any_more_is_no_complaint(resolver: Resolver) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    asking = asyncio.create_task(resolver.ask("sick.example", "MX"))
    await asyncio.sleep(0)
    asking.cancel()
    await until(lambda: len(asyncio.all_tasks()) == 1, 10.0)
    del asking
    gc.collect()
    assert complaints == []


@pytest.mark.parametrize(
    ("domain", "permanent", "reason"),
    [
        ("nobody.example", True, "domain_unknown"),
        ("null.example", True, "not_accepting"),
        ("bare.example", True, "not_accepting"),
        ("sick.example", False, "network_trouble"),
        ("mute.example", False, "network_trouble"),
        ("loop.example", False, "network_trouble"),
        ("lost.example", False, "network_trouble"),
        ("number.example", False, "network_trouble"),
    ],
)
async def test_no_route(resolver: Resolver, domain: str, permanent: bool, reason: str) -> None:
    with pytest.raises(NoRoute) as caught:
        await find_route(domain, resolver, OPEN)
    assert (caught.value.permanent, caught.value.reason) == (permanent, reason)


async def test_private_addresses_are_never_dialled(resolver: Resolver) -> None:
    with pytest.raises(NoRoute) as caught:
        await find_route("private.example", resolver, CLOSED)
    assert not caught.value.permanent
    assert (await find_route("private.example", resolver, OPEN)).hosts


async def test_a_private_address_within_an_ipv6_one_is_never_dialled(resolver: Resolver) -> None:
    with pytest.raises(NoRoute) as caught:
        await find_route("disguised.example", resolver, CLOSED)
    assert not caught.value.permanent


async def test_an_exchange_at_our_own_public_address_is_refused(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.net.routes._may_be_bound", lambda address: address == "8.8.4.4")
    with pytest.raises(NoRoute) as caught:
        await find_route("ours.example", resolver, CLOSED)
    assert (caught.value.permanent, caught.value.enhanced) == (True, "5.4.6")
    assert (await find_route("theirs.example", resolver, CLOSED)).hosts[0].addresses == ("8.8.8.8",)


async def test_where_the_kernel_lets_any_address_be_bound_none_is_taken_for_ours(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.net.routes._may_be_bound", lambda _: True)
    assert (await find_route("theirs.example", resolver, CLOSED)).hosts[0].addresses == ("8.8.8.8",)
