"""Does a route carry what DNSSEC and MTA-STS demand, and never less?"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from mailer.net.demand import Rung
from mailer.net.resolver import Resolver
from mailer.net.routes import PATIENCE, Route, Routing, find_route
from mailer.rehearsal.dns import DnsMood, DnsServer, Records
from mailer.smtp.route import NoRoute
from mailer.smtp.sts import MissingPolicy, StsPolicy, read_policy
from mailer.smtp.tls_result import TlsResult

RECORD = "3 1 1 " + "ab" * 32
UNUSABLE = "0 0 1 " + "ab" * 32
ZONE = {
    "town.example": Records(mx=((10, "mx.town.example"),), secure=True),
    "mx.town.example": Records(a=("192.0.2.1",), secure=True),
    "_25._tcp.mx.town.example": Records(tlsa=(RECORD, UNUSABLE), secure=True),
    "unusable.example": Records(mx=((10, "mx.unusable.example"),), secure=True),
    "mx.unusable.example": Records(a=("192.0.2.2",), secure=True),
    "_25._tcp.mx.unusable.example": Records(tlsa=(UNUSABLE,), secure=True),
    "without.example": Records(mx=((10, "mx.without.example"),), secure=True),
    "mx.without.example": Records(a=("192.0.2.3",), secure=True),
    "hosted.example": Records(mx=((10, "mx.town.example"),)),
    "insecure-host.example": Records(mx=((10, "mx.insecure-host.example"),), secure=True),
    "mx.insecure-host.example": Records(a=("192.0.2.4",)),
    "_25._tcp.mx.insecure-host.example": Records(tlsa=(RECORD,), secure=True),
    "insecure-tlsa.example": Records(mx=((10, "mx.insecure-tlsa.example"),), secure=True),
    "mx.insecure-tlsa.example": Records(a=("192.0.2.5",), secure=True),
    "_25._tcp.mx.insecure-tlsa.example": Records(tlsa=(RECORD,)),
    "bogus.example": Records(mx=((10, "mx.bogus.example"),), secure=True),
    "mx.bogus.example": Records(a=("192.0.2.6",), secure=True),
    "_25._tcp.mx.bogus.example": Records(mood=DnsMood.SERVFAIL),
    "_25._tcp.mx.said.example": Records(mood=DnsMood.BOGUS),
    "mx.said.example": Records(a=("192.0.2.6",), secure=True),
    "said.example": Records(mx=((10, "mx.said.example"),), secure=True),
    "whole.example": Records(mx=((10, "mx.whole.example"),), secure=True),
    "mx.whole.example": Records(a=("192.0.2.10",), secure=True),
    "_25._tcp.mx.whole.example": Records(tlsa=("3 0 0 " + "ab" * 600,), secure=True),
    "half.example": Records(mx=((10, "mx.bogus.example"), (20, "mx.town.example")), secure=True),
    "implicit.example": Records(a=("192.0.2.7",), secure=True),
    "_25._tcp.implicit.example": Records(tlsa=(RECORD,), secure=True),
    "alias.example": Records(mx=((10, "mx.alias.example"),), secure=True),
    "mx.alias.example": Records(cname="mx.town.example", secure=True),
    "_25._tcp.mx.alias.example": Records(tlsa=("3 1 1 " + "cd" * 32,), secure=True),
    "half-alias.example": Records(mx=((10, "mx.half-alias.example"),), secure=True),
    "mx.half-alias.example": Records(cname="mx1.two.example", secure=True),
    "_25._tcp.mx.half-alias.example": Records(tlsa=(RECORD,), secure=True),
    "open-alias.example": Records(mx=((10, "mx.open-alias.example"),), secure=True),
    "mx.open-alias.example": Records(cname="mx.insecure-host.example"),
    "renamed.example": Records(cname="town.example", secure=True),
    "two.example": Records(mx=((10, "mx1.two.example"), (20, "mx2.two.example"))),
    "mx1.two.example": Records(a=("192.0.2.8",)),
    "mx2.two.example": Records(a=("192.0.2.9",)),
    "mutebackup.example": Records(mx=((10, "mx1.two.example"), (20, "mute.example"))),
    "mute.example": Records(mood=DnsMood.TIMEOUT),
}


@dataclass
class Policies:
    """The MTA-STS policies of a test; `known` are there at once, the others never come."""

    known: dict[str, StsPolicy] = field(default_factory=dict)
    cached: dict[str, StsPolicy] = field(default_factory=dict)
    missed: dict[str, MissingPolicy] = field(default_factory=dict)
    mute: bool = False

    def look(self, domain: str) -> "asyncio.Task[StsPolicy | None]":
        async def find() -> StsPolicy | None:
            if self.mute:
                await asyncio.Event().wait()
            return self.known.get(domain)

        return asyncio.create_task(find())

    def kept(self, domain: str) -> StsPolicy | None:
        return self.cached.get(domain)

    def missing(self, domain: str) -> MissingPolicy | None:
        return self.missed.get(domain)

    def is_fetching(self, domain: str) -> bool:
        return False

    def lasting(self, domain: str) -> float:
        return 7.0 if domain == "town.example" else float("inf")

    def forget(self, *domains: str) -> None:
        raise AssertionError("nobody flushes here")


@pytest.fixture
async def resolver() -> AsyncIterator[Resolver]:
    server = DnsServer(ZONE)
    await server.start()
    yield at("127.0.0.1", server.port)
    await server.stop()


def at(host: str, port: int, lifetime: float = 20.0) -> Resolver:
    monotonic = asyncio.get_running_loop().time
    return Resolver([(host, port)], timeout=lifetime, lifetime=lifetime, monotonic=monotonic)


ROUTING = Routing(frozenset(), 5, True, dane=True)


def policy(mode: str, *mx: str) -> StsPolicy:
    return read_policy("\n".join(["version: STSv1", f"mode: {mode}", "max_age: 86400", *(f"mx: {one}" for one in mx)]))


def rungs(route: Route) -> list[tuple[Rung, ...]]:
    return [host.demand.rungs for host in route.hosts]


OPPORTUNISTIC = (Rung.ANY_TLS, Rung.PLAIN)


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("town.example", (Rung.DANE,)),
        ("unusable.example", (Rung.ANY_TLS,)),
        ("without.example", OPPORTUNISTIC),
        ("hosted.example", OPPORTUNISTIC),
        ("insecure-host.example", OPPORTUNISTIC),
        ("insecure-tlsa.example", OPPORTUNISTIC),
        ("implicit.example", (Rung.DANE,)),
    ],
)
async def test_tlsa_records_rule_where_dnssec_vouches_for_all_of_the_way(
    resolver: Resolver, domain: str, expected: tuple[Rung, ...]
) -> None:
    assert rungs(await find_route(domain, resolver, ROUTING)) == [expected]


@pytest.mark.parametrize(
    ("domain", "base"),
    [
        ("alias.example", "mx.town.example"),
        ("half-alias.example", "mx.half-alias.example"),
        ("open-alias.example", ""),
    ],
)
async def test_of_an_alias_the_records_behind_it_count_first(resolver: Resolver, domain: str, base: str) -> None:
    (host,) = (await find_route(domain, resolver, ROUTING)).hosts
    assert host.name == f"mx.{domain}"
    assert host.demand.names[:1] == ((base,) if base else ())
    assert host.demand.rungs == ((Rung.DANE,) if base else OPPORTUNISTIC)


async def test_of_a_domain_that_is_an_alias_both_names_may_stand_in_the_certificate(resolver: Resolver) -> None:
    (host,) = (await find_route("renamed.example", resolver, ROUTING)).hosts
    assert host.demand.rungs == (Rung.DANE,)
    assert host.demand.names == ("mx.town.example", "town.example", "renamed.example")
    assert host.demand.policy.reported == "renamed.example"


async def test_tlsa_records_as_they_were_found_are_told(resolver: Resolver) -> None:
    demand = (await find_route("town.example", resolver, ROUTING)).hosts[0].demand
    assert (demand.policy.kind, demand.policy.domain) == ("tlsa", "mx.town.example")
    assert {text.lower() for text in demand.policy.strings} == {RECORD, UNUSABLE}
    assert len(demand.tlsa) == 1


@pytest.mark.parametrize("canonical", ["", "mx.host.example"])
async def test_records_that_were_mended_count_once_the_domain_is_forgotten(canonical: str) -> None:
    base = canonical or "alias.example"
    server = DnsServer(
        {
            "alias.example": Records(cname=canonical, secure=True)
            if canonical
            else Records(mx=((10, "alias.example"),), a=("192.0.2.1",), secure=True),
            "mx.host.example": Records(a=("192.0.2.1",), secure=True),
            f"_25._tcp.{base}": Records(tlsa=("3 1 1 " + "aa" * 32,), secure=True),
        }
    )
    await server.start()
    resolver, seen = at("127.0.0.1", server.port), list[str]()
    for digest in ("bb", "cc"):
        seen += (await find_route("alias.example", resolver, ROUTING)).hosts[0].demand.policy.strings
        server.answers.put(f"_25._tcp.{base}", Records(tlsa=(f"3 1 1 {digest * 32}",), secure=True))
        resolver.forget("alias.example")
    await server.stop()
    assert [text.lower()[6:8] for text in seen] == ["aa", "bb"]


async def test_where_dane_is_off_no_tlsa_record_is_asked_for(resolver: Resolver) -> None:
    assert rungs(await find_route("town.example", resolver, replace(ROUTING, dane=False))) == [OPPORTUNISTIC]


async def test_a_resolver_that_is_not_on_this_machine_vouches_for_nothing(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipaddress.IPv4Address.is_loopback", False)
    assert rungs(await find_route("town.example", resolver, ROUTING)) == [OPPORTUNISTIC]


async def test_a_host_whose_records_cannot_be_trusted_is_passed_over(resolver: Resolver) -> None:
    told: list[TlsResult] = []
    routing = replace(ROUTING, observe=told.append)
    assert [host.name for host in (await find_route("half.example", resolver, routing)).hosts] == ["mx.town.example"]
    with pytest.raises(NoRoute) as caught:
        await find_route("bogus.example", resolver, routing)
    assert (caught.value.permanent, caught.value.enhanced) == (False, "4.7.5")
    assert told == [], "nobody knows whose fault a bare SERVFAIL is"


async def test_records_that_the_resolver_calls_bogus_are_told(resolver: Resolver) -> None:
    told: list[TlsResult] = []
    with pytest.raises(NoRoute):
        await find_route("said.example", resolver, replace(ROUTING, observe=told.append))
    assert [(one.policy.reported, one.mx_host, one.failure) for one in told] == [
        ("said.example", "mx.said.example", "dnssec-invalid")
    ]


async def test_a_long_tlsa_record_is_told_in_one_piece(resolver: Resolver) -> None:
    demand = (await find_route("whole.example", resolver, ROUTING)).hosts[0].demand
    assert demand.policy.strings == ("3 0 0 " + "ab" * 600,)
    assert len(demand.tlsa) == 1


async def test_a_policy_that_cannot_be_had_is_told_with_each_session_and_demands_nothing(resolver: Resolver) -> None:
    missing = MissingPolicy("sts-policy-invalid", "no mode", ("version: STSv1", "max_age: 1"))
    sts = Policies(missed={"two.example": missing, "town.example": missing})
    route = await find_route("two.example", resolver, replace(ROUTING, sts=sts))
    assert rungs(route) == [OPPORTUNISTIC] * 2
    demand = route.hosts[0].demand
    assert (demand.policy.kind, demand.policy.domain, demand.policy.strings) == ("sts", "two.example", missing.lines)
    assert (demand.flaw, demand.why) == ("sts-policy-invalid", "no mode")
    assert rungs(await find_route("town.example", resolver, replace(ROUTING, sts=sts))) == [(Rung.DANE,)]


async def test_an_enforced_policy_leaves_out_what_it_does_not_name(resolver: Resolver) -> None:
    told: list[TlsResult] = []
    sts = Policies({"two.example": policy("enforce", "mx2.two.example")})
    route = await find_route("two.example", resolver, replace(ROUTING, sts=sts, observe=told.append))
    assert [(host.name, host.demand.rungs) for host in route.hosts] == [("mx2.two.example", (Rung.STS,))]
    assert [(one.mx_host, one.failure) for one in told] == [("mx1.two.example", "validation-failure")]


async def test_where_an_enforced_policy_names_no_host_the_mail_waits(resolver: Resolver) -> None:
    sts = Policies({"two.example": policy("enforce", "*.elsewhere.example")})
    with pytest.raises(NoRoute) as caught:
        await find_route("two.example", resolver, replace(ROUTING, sts=sts))
    assert not caught.value.permanent
    assert caught.value.text == "the MTA-STS policy of two.example does not name its MX mx1.two.example"


@pytest.mark.parametrize(
    ("mode", "expected"), [("testing", (Rung.STS, *OPPORTUNISTIC)), ("none", OPPORTUNISTIC), ("enforce", (Rung.STS,))]
)
async def test_what_the_modes_of_a_policy_demand(resolver: Resolver, mode: str, expected: tuple[Rung, ...]) -> None:
    sts = Policies({"two.example": policy(mode, "*.two.example")})
    assert rungs(await find_route("two.example", resolver, replace(ROUTING, sts=sts))) == [expected] * 2


async def test_dane_wins_over_a_policy(resolver: Resolver) -> None:
    sts = Policies({"town.example": policy("enforce", "other.example")})
    assert rungs(await find_route("town.example", resolver, replace(ROUTING, sts=sts))) == [(Rung.DANE,)]


@pytest.mark.parametrize(
    ("mode", "expected"), [("enforce", (Rung.STS,)), ("testing", (Rung.ANY_TLS,)), ("none", (Rung.ANY_TLS,))]
)
async def test_records_of_which_none_is_usable_outweigh_no_policy_that_is_enforced(
    resolver: Resolver, mode: str, expected: tuple[Rung, ...]
) -> None:
    sts = Policies({"unusable.example": policy(mode, "mx.unusable.example")})
    route = await find_route("unusable.example", resolver, replace(ROUTING, sts=sts))
    assert rungs(route) == [expected]
    demand = route.hosts[0].demand
    assert (demand.policy.kind, demand.flaw) == (("sts", "") if mode == "enforce" else ("tlsa", "tlsa-invalid"))
    assert demand.unusable is None or demand.unusable.strings == (UNUSABLE,)
    assert (demand.unusable is None) == (mode != "enforce")


async def test_records_of_which_none_is_usable_open_no_host_that_an_enforced_policy_does_not_name(
    resolver: Resolver,
) -> None:
    sts = Policies({"unusable.example": policy("enforce", "other.example")})
    with pytest.raises(NoRoute):
        await find_route("unusable.example", resolver, replace(ROUTING, sts=sts))


async def test_a_policy_that_was_looked_for_in_vain_is_soon_looked_for_again(resolver: Resolver) -> None:
    routing = replace(ROUTING, sts=Policies())
    assert (await find_route("town.example", resolver, routing)).seconds == 7.0
    assert (await find_route("two.example", resolver, routing)).seconds > 7.0


async def test_mail_that_is_protected_in_another_way_goes_through_another_door(resolver: Resolver) -> None:
    plain = await find_route("hosted.example", resolver, ROUTING)
    proved = await find_route("town.example", resolver, ROUTING)
    assert plain.site == proved.site == plain.key == "mx.town.example"
    assert proved.key != plain.key
    sts = Policies({"hosted.example": policy("enforce", "mx.town.example")})
    enforced = await find_route("hosted.example", resolver, replace(ROUTING, sts=sts))
    assert len({plain.key, proved.key, enforced.key}) == 3


async def test_hosts_of_which_one_demands_more_share_no_door_with_hosts_that_all_do() -> None:
    record = Records(tlsa=(RECORD,), secure=True)
    server = DnsServer(
        {
            "pair.example": Records(mx=((10, "mx1.pair.example"), (20, "mx2.pair.example")), secure=True),
            "mx1.pair.example": Records(a=("192.0.2.1",), secure=True),
            "mx2.pair.example": Records(a=("192.0.2.2",), secure=True),
            "_25._tcp.mx1.pair.example": record,
        }
    )
    await server.start()
    keys = []
    for host in ("mx2", "mx1"):
        keys.append((await find_route("pair.example", at("127.0.0.1", server.port), ROUTING)).key)
        server.answers.put(f"_25._tcp.{host}.pair.example", record)
    await server.stop()
    hosts = "mx1.pair.example mx2.pair.example"
    assert keys == [f"{hosts} mx1.pair.example=tlsa/dane", f"{hosts} tlsa/dane"]


async def test_mail_that_requires_tls_has_a_door_of_its_own(resolver: Resolver) -> None:
    known = await find_route("town.example", resolver, ROUTING)
    required = await find_route("town.example", resolver, replace(ROUTING, require_tls=frozenset({"town.example"})))
    assert (known.requires_tls, required.requires_tls) == (False, True)
    assert required.key == f"{known.key} requiretls"
    assert required.site == known.site


@pytest.mark.parametrize("cached", [True, False])
async def test_a_policy_that_does_not_come_holds_nothing_up(
    resolver: Resolver, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.net.routes.PATIENCE", 0.05)
    kept = {"two.example": policy("enforce", "*.two.example")} if cached else {}
    async with asyncio.timeout(10.0):
        route = await find_route("two.example", resolver, replace(ROUTING, sts=Policies(cached=kept, mute=True)))
    assert rungs(route) == [(Rung.STS,) if cached else OPPORTUNISTIC] * 2
    assert route.seconds <= 5.0, "and is soon asked for again"


async def test_a_mute_backup_holds_no_route_up(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PATIENCE == 2.0
    monkeypatch.setattr("mailer.net.routes.PATIENCE", 0.05)
    async with asyncio.timeout(10.0):
        route = await find_route("mutebackup.example", resolver, ROUTING)
    assert [host.name for host in route.hosts] == ["mx1.two.example"]
    assert route.key == "mute.example mx1.two.example"
    assert route.seconds <= 5.0
