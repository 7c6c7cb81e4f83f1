"""Are the ways known before there is mail, and do they hold while the DNS is silent?"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from mailer.carrier.group import Carrier, Carriers, Manners
from mailer.dispatcher.limits import Limits
from mailer.dispatcher.site import Site
from mailer.dispatcher.ways import AT_A_TIME, BIG_DOMAINS, GONE_SECONDS, NO_ROUTE_SECONDS, STALE_SECONDS, Ways
from mailer.net.routes import Host, Route
from mailer.smtp.route import NoRoute

MANNERS = Manners(5, 100, None, None, 300)
SILENT = NoRoute("no answer", permanent=False, enhanced="4.4.3", reason="network_trouble", is_silence=True)
ALIAS = NoRoute("the MX is an alias", permanent=False, enhanced="4.4.4", reason="network_trouble")
GONE = NoRoute("no such domain", permanent=True, enhanced="5.1.2", reason="domain_unknown")


@dataclass
class Dns:
    """Gives each domain a route of its own that holds for `seconds`, or the trouble that is set; counts questions."""

    seconds: float = 60.0
    troubles: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def find(self, domain: str) -> "asyncio.Future[Route]":
        self.asked.append(domain)
        answer: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
        trouble = self.troubles.get(domain)
        if trouble is None:
            answer.set_result(
                Route(domain, (Host(f"mx.{domain}", ("192.0.2.1",)),), self.seconds, f"mx.{domain}", f"mx.{domain}")
            )
        else:
            answer.set_exception(trouble)
        return answer


def ways(dns: Dns, first: Mapping[str, bool] | None = None, known: Collection[str] = ()) -> Ways:
    def site(name: str, carrier: Carrier | None) -> Site:
        return Site(name, carrier, Limits(MANNERS, 1), cast(Any, None))

    def ours(domain: str) -> bool:
        return (first or {}).get(domain, True)

    return Ways(Carriers((), (), MANNERS), dns.find, site, lambda domain, site: None, ours, known.__contains__)


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_way_is_known_before_mail_is_due() -> None:
    dns = Dns()
    known = ways(dns)
    known.look_ahead(["a.example"], now())
    await settle()
    way = known.way("a.example", now())
    assert way is not None
    assert way.door is not None
    assert dns.asked == ["a.example"]


async def test_it_is_renewed_when_its_time_is_over_and_serves_until_then() -> None:
    dns = Dns()
    known = ways(dns)
    known.look_ahead(["a.example"], now())
    await settle()
    known.look_ahead(["a.example"], now() + dns.seconds + 1)
    assert known.way("a.example", now() + dns.seconds + 1) is not None
    await settle()
    assert dns.asked == ["a.example"] * 2


async def test_of_small_domains_a_worker_looks_ahead_for_its_own_only() -> None:
    dns = Dns()
    domains = [f"d{number}.example" for number in range(BIG_DOMAINS + 2)]
    known = ways(dns, dict.fromkeys(domains[:-1], False))
    known.look_ahead(domains, now())
    await settle()
    assert dns.asked == [*domains[:BIG_DOMAINS], domains[-1]]


async def test_a_domain_without_a_way_is_not_asked_for_until_mail_is_due() -> None:
    dns = Dns(troubles={"typo.example": GONE})
    known = ways(dns)
    for seconds in (0.0, NO_ROUTE_SECONDS + 1, 10 * NO_ROUTE_SECONDS):
        known.look_ahead(["typo.example"], now() + seconds)
        await settle()
    assert dns.asked == ["typo.example"]
    known.way("typo.example", now() + NO_ROUTE_SECONDS + 1)
    await settle()
    assert dns.asked == ["typo.example"] * 2


async def expired(dns: Dns, known: Ways, trouble: NoRoute) -> None:
    """Find a way that is over soon, then have it looked for in vain."""
    dns.seconds = 0.0
    known.way("a.example", now())
    await settle()
    dns.troubles["a.example"] = trouble
    known.way("a.example", now())
    await settle()


async def test_while_the_dns_is_silent_the_old_way_serves() -> None:
    dns = Dns()
    known = ways(dns)
    await expired(dns, known, SILENT)
    way = known.way("a.example", now())
    assert way is not None
    assert way.trouble is None
    known.way("a.example", now() + NO_ROUTE_SECONDS + 1)
    await settle()
    assert dns.asked == ["a.example"] * 3


async def test_but_not_for_ever() -> None:
    dns = Dns()
    known = ways(dns)
    await expired(dns, known, SILENT)
    known._ways["a.example"].found_until -= STALE_SECONDS + 1
    known.way("a.example", now() + NO_ROUTE_SECONDS + 1)
    await settle()
    way = known.way("a.example", now())
    assert way is not None
    assert way.trouble is SILENT


async def test_an_answer_of_the_dns_ends_the_old_way_at_once() -> None:
    for answer in (ALIAS, GONE):
        dns = Dns()
        known = ways(dns)
        await expired(dns, known, answer)
        way = known.way("a.example", now())
        assert way is not None
        assert way.trouble is answer


async def test_a_fault_of_our_own_is_no_answer_and_is_not_met_again_at_once() -> None:
    dns = Dns(troubles={"a.example": RuntimeError("a fault")})
    known = ways(dns)
    for _ in range(5):
        known.way("a.example", now())
        await settle()
    way = known.way("a.example", now())
    assert way is not None
    assert way.trouble is not None
    assert (way.trouble.permanent, way.trouble.is_silence) == (False, True)
    assert dns.asked == ["a.example"]


async def test_a_domain_that_had_a_way_is_not_gone_for_good_on_the_first_day() -> None:
    dns = Dns(troubles={"a.example": GONE, "typo.example": GONE})
    known = ways(dns, known=["a.example"])
    begun = now()

    async def trouble(domain: str, later: float = 0.0) -> NoRoute | None:
        known.way(domain, begun + later)
        await settle()
        way = known._ways[domain]
        way.until = 0.0  # it is asked for again
        return way.trouble

    gone = await trouble("a.example")
    assert gone is not None
    assert (gone.permanent, gone.enhanced, gone.reason, gone.text) == (False, "4.1.2", "domain_unknown", GONE.text)
    assert await trouble("typo.example") is GONE
    known._gone_since["a.example"] -= GONE_SECONDS - 1
    again = await trouble("a.example")
    assert again is not None
    assert not again.permanent
    known._gone_since["a.example"] -= 1
    assert await trouble("a.example") is GONE
    del dns.troubles["a.example"]
    assert await trouble("a.example") is None
    dns.troubles["a.example"] = GONE
    anew = await trouble("a.example")
    assert anew is not None
    assert not anew.permanent


async def test_so_many_are_looked_up_at_a_time_and_the_first_to_be_due_first() -> None:
    dns, answers = Dns(), dict[str, "asyncio.Future[Route]"]()

    def find(domain: str) -> "asyncio.Future[Route]":
        dns.asked.append(domain)
        return answers.setdefault(domain, asyncio.get_running_loop().create_future())

    known = ways(cast(Dns, type("Slow", (), {"find": staticmethod(find)})))
    domains = [f"{number}.example" for number in range(AT_A_TIME + 5)]
    for domain in domains:
        known.way(domain, now())
    await settle()
    assert dns.asked == domains[:AT_A_TIME]
    for domain in domains[:3]:
        answers[domain].set_exception(GONE)
    await settle()
    await settle()
    assert dns.asked == domains[: AT_A_TIME + 3]
    for answer in answers.values():
        answer.cancel()
