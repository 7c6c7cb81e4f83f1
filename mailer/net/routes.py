"""At which addresses can a domain's mail be handed over now, and how must the way there be protected?

Puts the rules of `smtp.route` and the answers of the resolver together: hosts in order, each with addresses
that may be dialled. Private, loopback and own addresses never are, unless a setting opens them for a test
network (attacks B9). An MX should be no alias (RFC 2181 §10.3), but RFC 5321 §5.1 leaves it to the client what it does
with one, and it is followed, as by Postfix. Where DNSSEC vouches for the MX and the host's addresses, its TLSA records
are asked for, and a host whose records cannot be had is passed over (RFC 7672); where one is usable they outweigh an
MTA-STS policy (RFC 8461), which lets other hosts be passed over, too.

Raises `NoRoute`.
"""

import asyncio
import errno
import random
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from mailer.net.demand import Demand, Observe, by_dane, by_sts, opportunistic, unobserved, without_sts
from mailer.net.resolver import FAILED, Answer, DnsTrouble, NameUnknown, Resolver
from mailer.smtp.internet import ipv4_inside, is_public
from mailer.smtp.route import MxRecord, NoRoute, hosts_in_order
from mailer.smtp.sts import MissingPolicy, StsPolicy
from mailer.smtp.tls_result import TlsPolicy, TlsResult

#: Once a host can be dialled, the others are waited for so long, and the MTA-STS policy.
PATIENCE = 2.0
#: A policy that is known to be there may take longer to come.
FETCH_PATIENCE = 8.0
#: So many hosts are looked up at once, and the next ones while none of them can be dialled, up to so many in all.
HOSTS_AT_ONCE = 10
MOST_HOSTS_LOOKED_UP = 20

#: Addresses for documentation, IPv4 and IPv6: no machine has them.
NOBODYS = ("192.0.2.1", "2001:db8::1")


@dataclass(frozen=True, slots=True)
class Host:
    """One MX host, the addresses at which it may be dialled, and what is demanded of the connection."""

    name: str
    addresses: tuple[str, ...]
    demand: Demand = field(default_factory=lambda: opportunistic(""))


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a domain's mailboxes: hosts best first; it holds for `seconds`.

    Domains with the same `key` name the same hosts and demand the same of them, so their mail may share connections,
    whichever hosts are tried. `site` names the hosts alone: whoever owns them. `requires_tls`: the mail goes only where
    a host is proved and promises REQUIRETLS.
    """

    domain: str
    hosts: tuple[Host, ...]
    seconds: float
    key: str
    site: str = ""
    requires_tls: bool = False


class StsPolicies(Protocol):
    """Who knows the MTA-STS policies of domains."""

    def look(self, domain: str) -> "asyncio.Task[StsPolicy | None]":
        """Return the looking for a policy, which goes on by itself; it never fails."""

    def kept(self, domain: str) -> StsPolicy | None:
        """Return the policy that is known now."""

    def is_fetching(self, domain: str) -> bool:
        """Tell whether there is a policy that is being fetched."""

    def missing(self, domain: str) -> MissingPolicy | None:
        """Return what is known of a policy that is announced and cannot be had."""

    def lasting(self, domain: str) -> float:
        """Return for how many seconds what was found need not be looked for again."""

    def forget(self, *domains: str) -> None:
        """Look for what could not be had anew, when it is wanted next."""


@dataclass(frozen=True, slots=True)
class Routing:
    """What rules a route: our own names, how many addresses are tried, and whether private ones may be dialled.

    `dane` asks for TLSA records, `sts` for MTA-STS policies if it is there; `observe` is told of hosts that are passed
    over for their sake. The mail of the domains `require_tls` goes only where REQUIRETLS is promised.
    """

    own: frozenset[str]
    most_addresses: int
    permit_private: bool
    shuffle: Callable[[list[str]], None] = random.shuffle
    dane: bool = False
    sts: StsPolicies | None = None
    observe: Observe = unobserved
    require_tls: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Search:
    """What is known while a route is looked for: `vouched` says that DNSSEC vouches for the MX records.

    `canonical` is the name under which they stand where the domain is an alias.
    """

    domain: str
    resolver: Resolver
    routing: Routing
    until: float
    implicit: bool
    vouched: bool
    canonical: str


_Found = tuple[Host, float]


async def find_route(domain: str, resolver: Resolver, routing: Routing) -> Route:
    """Return the route to `domain` (lower case, A-labels), all look-ups together within one question's lifetime."""
    until = _now() + resolver.lifetime
    looking = None if routing.sts is None else routing.sts.look(domain)
    exchanges, answer = await _exchanges(domain, resolver)
    names = hosts_in_order(domain, exchanges, routing.own, routing.shuffle)
    vouched = routing.dane and answer.secure
    search = _Search(domain, resolver, routing, until, not exchanges, vouched, answer.canonical)
    found = await _look_up_best(names[:MOST_HOSTS_LOOKED_UP], search)
    policy, lasting = await _policy(looking, search)
    hosts, troubles = _protected(found, policy, search)
    if not hosts:
        raise _worst(troubles)
    seconds = min([answer.seconds, lasting, *(seconds for _, seconds in hosts)])
    if not all(trouble.permanent for trouble in troubles):
        seconds = min(seconds, FAILED)
    site = " ".join(sorted(names))
    chosen = tuple(_with_room([host for host, _ in hosts], routing.most_addresses))
    requires_tls = domain in routing.require_tls
    return Route(domain, chosen, seconds, _key(site, [host for host, _ in hosts], requires_tls), site, requires_tls)


def _key(site: str, hosts: Sequence[Host], requires_tls: bool) -> str:
    """Return what is common to the connections that mail of several domains may share.

    Where not all hosts demand the same, it says which demands what: else it would be the key of a route where all do.
    """
    alike = len({host.demand.key for host in hosts}) == 1
    demands = {host.demand.key if alike else f"{host.name}={host.demand.key}" for host in hosts if host.demand.key}
    return " ".join([site, *sorted(demands), *(("requiretls",) if requires_tls else ())])


def _with_room(hosts: Iterable[Host], room: int) -> Iterator[Host]:
    """Yield the hosts with at most so many addresses together."""
    for host in hosts:
        if room > 0:
            yield replace(host, addresses=host.addresses[:room])
            room -= len(host.addresses)


async def _exchanges(domain: str, resolver: Resolver) -> tuple[list[MxRecord], Answer]:
    try:
        return await resolver.exchanges(domain)
    except NameUnknown as absent:
        raise NoRoute(
            f"the domain {domain} does not exist", permanent=True, enhanced="5.1.2", reason="domain_unknown"
        ) from absent
    except DnsTrouble as trouble:
        words = f"the DNS gave no answer for {domain}: {trouble}"
        raise NoRoute(words, permanent=False, enhanced="4.4.3", reason="network_trouble", is_silence=True) from trouble


async def _look_up_best(names: Sequence[str], search: _Search) -> list[_Found | NoRoute]:
    """Look up the best hosts, and the next ones only where none of those can be dialled."""
    found: list[_Found | NoRoute] = []
    for first in range(0, len(names), HOSTS_AT_ONCE):
        found += await _look_up_all(names[first : first + HOSTS_AT_ONCE], search)
        if not all(isinstance(one, NoRoute) for one in found):
            break
    return found


async def _look_up_all(names: Sequence[str], search: _Search) -> list[_Found | NoRoute]:
    """Look all hosts up at once: ten mute ones take as long as one, and no longer than `PATIENCE` once one is there."""
    tasks = {name: asyncio.create_task(_look_up(name, search)) for name in names}
    pending, until = set(tasks.values()), search.until
    try:
        while pending and (left := until - _now()) > 0:
            done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if until == search.until and not all(isinstance(task.result(), NoRoute) for task in done):
                until = min(until, _now() + PATIENCE)
    finally:
        for task in pending:
            task.cancel()
    return [task.result() if task not in pending else _too_late(name) for name, task in tasks.items()]


async def _look_up(name: str, search: _Search) -> _Found | NoRoute:
    try:
        return await _host(name, search)
    except NoRoute as trouble:
        return trouble


async def _host(name: str, search: _Search) -> _Found:
    routing = search.routing
    try:
        answer = await search.resolver.addresses(name)
    except DnsTrouble as trouble:
        raise _for_now(f"the DNS gave no address for {name}: {trouble}", "4.4.3") from trouble
    except NameUnknown:
        raise _no_address(name, search.implicit) from None
    if not answer.records:
        raise _no_address(name, search.implicit)
    if answer.canonical in routing.own:
        raise _for_now(f"{name} is an alias of ourselves", "4.4.6")
    usable = tuple(address for address in answer.records if routing.permit_private or may_be_dialled(address))
    if not usable and all(_is_ours(address) for address in answer.records):
        raise NoRoute(
            f"the mail for {name} would come back to ourselves",
            permanent=True,
            enhanced="5.4.6",
            reason="network_trouble",
        )
    if not usable:
        raise _for_now(f"{name} has only private or own addresses", "4.4.4")
    demand, seconds = await _by_tlsa(name, answer, search)
    return Host(name, usable, demand), min(answer.seconds, seconds)


async def _by_tlsa(name: str, addresses: Answer, search: _Search) -> tuple[Demand, float]:
    """Return what the host's TLSA records demand: nothing where DNSSEC does not vouch for them, or there are none."""
    for base in await _bases(name, addresses, search) if search.vouched else ():
        records = await _tlsa(base, search)
        if records is not None:
            return by_dane(base, search.domain, records.records, search.canonical), records.seconds
    return opportunistic(search.domain), addresses.seconds


async def _bases(name: str, addresses: Answer, search: _Search) -> list[str]:
    """Return the names at which TLSA records may stand, the first that has some counts (RFC 7672).

    Where the host's name is an alias, that is first the name behind it; where DNSSEC vouches for the alias alone, only
    the alias.
    """
    if addresses.secure:
        return list(dict.fromkeys([addresses.canonical or name, name]))
    if not addresses.canonical:
        return []
    try:
        alias = await search.resolver.ask(name, "CNAME")
    except (NameUnknown, DnsTrouble) as trouble:
        raise _for_now(f"the DNS does not say whether {name} is an alias: {trouble}", "4.4.3") from trouble
    return [name] if alias.records and alias.secure else []


async def _tlsa(base: str, search: _Search) -> Answer | None:
    try:
        answer = await search.resolver.ask(f"_25._tcp.{base}", "TLSA")
    except NameUnknown:
        return None
    except DnsTrouble as trouble:
        if trouble.is_bogus:  # else it may be our own resolver that ails
            policy = TlsPolicy("tlsa", base, mail_domain=search.domain)
            search.routing.observe(TlsResult(policy, base, "", "", "dnssec-invalid", str(trouble)[:200]))
        raise _for_now(f"the DNS gave no trustworthy TLSA records for {base}: {trouble}", "4.7.5") from trouble
    return answer if answer.records and answer.secure else None


async def _policy(looking: "asyncio.Task[StsPolicy | None] | None", search: _Search) -> tuple[StsPolicy | None, float]:
    """Return the MTA-STS policy, as far as it is known in time, and for how long that is good."""
    sts = search.routing.sts
    if looking is None or sts is None:
        return None, float("inf")
    await asyncio.wait({looking}, timeout=PATIENCE)
    if not looking.done() and sts.is_fetching(search.domain):
        await asyncio.wait({looking}, timeout=FETCH_PATIENCE)
    if not looking.done():
        return sts.kept(search.domain), FAILED
    return looking.result(), sts.lasting(search.domain)


def _protected(
    found: Iterable[_Found | NoRoute], policy: StsPolicy | None, search: _Search
) -> tuple[list[_Found], list[NoRoute]]:
    """Return the hosts that may be used, with what the policy demands, and what keeps the others out."""
    hosts: list[_Found] = []
    troubles: list[NoRoute] = []
    for one in found:
        judged = one if isinstance(one, NoRoute) else _under(policy, one, search)
        if isinstance(judged, NoRoute):
            troubles.append(judged)
        else:
            hosts.append(judged)
    return hosts, troubles


def _under(policy: StsPolicy | None, found: _Found, search: _Search) -> _Found | NoRoute:
    host, seconds = found
    enforced = policy is not None and policy.mode == "enforce"
    if host.demand.tlsa or (host.demand.is_dane and not enforced):
        return found
    if policy is None:
        return _without(host, search), seconds
    if policy.mode == "none":
        return found
    demand = by_sts(host.name, search.domain, policy)
    if demand is not None:
        unusable = host.demand.policy if host.demand.is_dane else None
        return replace(host, demand=replace(demand, unusable=unusable)), seconds
    stated = TlsPolicy("sts", search.domain, policy.lines, policy.mx)
    search.routing.observe(
        TlsResult(stated, host.name, "", "", "validation-failure", "the policy does not name this host")
    )
    return _for_now(f"the MTA-STS policy of {search.domain} does not name its MX {host.name}", "4.7.5")


def _without(host: Host, search: _Search) -> Host:
    """Return the host as it is used without a policy; where one should be there, its domain is to hear of it."""
    missing = None if search.routing.sts is None else search.routing.sts.missing(search.domain)
    return host if missing is None else replace(host, demand=without_sts(host.name, search.domain, missing))


def _too_late(name: str) -> NoRoute:
    return _for_now(f"the DNS gave no address for {name} in time", "4.4.3")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _no_address(name: str, implicit: bool) -> NoRoute:
    """A domain with neither MX nor address takes no mail; an MX without one may be a slip that is mended tomorrow."""
    if implicit:
        return NoRoute(f"{name} has no MX and no address", permanent=True, enhanced="5.1.10", reason="not_accepting")
    return _for_now(f"the MX {name} has no address", "4.4.4")


def _for_now(text: str, enhanced: str) -> NoRoute:
    return NoRoute(text, permanent=False, enhanced=enhanced, reason="network_trouble")


def _worst(troubles: list[NoRoute]) -> NoRoute:
    """A temporary trouble of one host outweighs a permanent one of another: unknown is temporary."""
    for trouble in troubles:
        if not trouble.permanent:
            return trouble
    return troubles[0]


def _is_ours(address: str) -> bool:
    """Tell whether mail to an address loops for good: loopback and private ones may be a slip, a public one is us."""
    return is_public(address) and _is_own(address)


def may_be_dialled(address: str) -> bool:
    """Tell whether an address is one of the public internet's, and none of ours."""
    inside = ipv4_inside(address)
    return is_public(address) and not _is_own(address) and (inside is None or not _is_own(inside))


def _is_own(address: str) -> bool:
    """Tell whether an address is one of this machine's: only those can be bound, and nothing is sent to find out.

    Unless the kernel lets any address be bound (ip_nonlocal_bind), which nobody's shows: then all count as foreign.
    """
    return _may_be_bound(address) and not _may_be_bound(NOBODYS[":" in address])


def _may_be_bound(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True
