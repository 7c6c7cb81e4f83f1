"""At which addresses can a domain's mail be handed over now?

Puts the rules of `smtp.route` and the answers of the resolver together: hosts in order, each with addresses
that may be dialled. Private, loopback and own addresses never are, unless a setting opens them for a test
network (attacks B9); an MX that is an alias is passed over (RFC 2181 §10.3, RFC 5321 §5.1).

Raises `NoRoute`.
"""

import asyncio
import errno
import ipaddress
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass

from mailer.net.resolver import FAILED, DnsTrouble, NameUnknown, Resolver
from mailer.smtp.route import Exchange, NoRoute, hosts_in_order

MOST_HOSTS_LOOKED_UP = 10

#: IPv6 networks that carry an IPv4 address in their last 32 bits: IPv4-compatible and NAT64.
IPV4_INSIDE = (ipaddress.IPv6Network("::/96"), ipaddress.IPv6Network("64:ff9b::/96"))

#: Addresses for documentation, IPv4 and IPv6: no machine has them.
NOBODYS = ("192.0.2.1", "2001:db8::1")


@dataclass(frozen=True, slots=True)
class Host:
    """One MX host and the addresses at which it may be dialled."""

    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a domain's mailboxes: hosts best first; it holds for `seconds`.

    Domains with the same `key` name the same hosts, so their mail may share connections, whichever of them are tried.
    """

    domain: str
    hosts: tuple[Host, ...]
    seconds: float
    key: str


@dataclass(frozen=True, slots=True)
class Routing:
    """What rules a route: our own names, how many addresses are tried, and whether private ones may be dialled."""

    own: frozenset[str]
    most_addresses: int
    permit_private: bool
    shuffle: Callable[[list[str]], None] = random.shuffle


async def find_route(domain: str, resolver: Resolver, routing: Routing) -> Route:
    """Return the route to `domain` (lower case, A-labels), all look-ups together within one question's lifetime."""
    until = asyncio.get_running_loop().time() + resolver.lifetime
    exchanges, seconds = await _exchanges(domain, resolver)
    names = hosts_in_order(domain, exchanges, routing.own, routing.shuffle)
    hosts: list[Host] = []
    troubles: list[NoRoute] = []
    room = routing.most_addresses
    looks = (_look_up(name, resolver, routing, until, implicit=not exchanges) for name in names[:MOST_HOSTS_LOOKED_UP])
    for found in await asyncio.gather(*looks):  # at once: ten mute hosts take as long as one
        if isinstance(found, NoRoute):
            troubles.append(found)
            seconds = min(seconds, seconds if found.permanent else FAILED)
            continue
        host, lasting = found
        hosts.append(Host(host.name, host.addresses[:room]))
        seconds = min(seconds, lasting)
        room -= len(host.addresses)
        if room <= 0:
            break
    if not hosts:
        raise _worst(troubles)
    return Route(domain, tuple(hosts), seconds, " ".join(sorted(names)))


async def _exchanges(domain: str, resolver: Resolver) -> tuple[list[Exchange], float]:
    try:
        return await resolver.exchanges(domain)
    except NameUnknown as absent:
        raise NoRoute(
            f"the domain {domain} does not exist", permanent=True, enhanced="5.1.2", reason="domain_unknown"
        ) from absent
    except DnsTrouble as trouble:
        raise _for_now(f"the DNS gave no answer for {domain}: {trouble}", "4.4.3") from trouble


async def _look_up(
    name: str, resolver: Resolver, routing: Routing, until: float, *, implicit: bool
) -> tuple[Host, float] | NoRoute:
    try:
        async with asyncio.timeout_at(until):
            return await _host(name, resolver, routing, implicit=implicit)
    except TimeoutError:
        return _for_now(f"the DNS gave no address for {name} in time", "4.4.3")
    except NoRoute as trouble:
        return trouble


async def _host(name: str, resolver: Resolver, routing: Routing, *, implicit: bool) -> tuple[Host, float]:
    try:
        answer = await resolver.addresses(name)
    except DnsTrouble as trouble:
        raise _for_now(f"the DNS gave no address for {name}: {trouble}", "4.4.3") from trouble
    except NameUnknown:
        raise _no_address(name, implicit) from None
    if not answer.records:
        raise _no_address(name, implicit)
    if answer.alias and not implicit:
        raise _for_now(f"the MX {name} is an alias", "4.4.4")
    usable = tuple(address for address in answer.records if routing.permit_private or _may_be_dialled(address))
    if not usable and all(_is_ours(address) for address in answer.records):
        raise NoRoute(
            f"the mail for {name} would come back to ourselves",
            permanent=True,
            enhanced="5.4.6",
            reason="network_trouble",
        )
    if not usable:
        raise _for_now(f"{name} has only private or own addresses", "4.4.4")
    return Host(name, usable), answer.seconds


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
    return ipaddress.ip_address(address).is_global and _is_own(address)


def _may_be_dialled(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        inside = _ipv4_inside(parsed)
        if parsed.is_site_local or (inside is not None and not _may_be_dialled(str(inside))):
            return False
    return parsed.is_global and not parsed.is_multicast and not _is_own(address)


def _ipv4_inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that is reached in truth; the ipaddress module judges only some of these by it."""
    if any(address in network for network in IPV4_INSIDE):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


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
