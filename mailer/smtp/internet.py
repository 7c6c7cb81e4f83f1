"""Is an address one of the public internet's?

By a table of our own, because the one of Python's `ipaddress` differs from version to version: what the registries of
special-purpose addresses of IANA (begun by RFC 6890; looked up in 2026) do not call globally reachable, and what is
deprecated, for multicast or for nobody. Of IPv6 only the space that is given out for single hosts is public at all.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

#: IPv4 that is not public, each with its name in the registry.
SPECIAL_IPV4: Mapping[IPv4Network, str] = {
    IPv4Network("0.0.0.0/8"): "this network",
    IPv4Network("10.0.0.0/8"): "private use",
    IPv4Network("100.64.0.0/10"): "shared address space",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("169.254.0.0/16"): "link local",
    IPv4Network("172.16.0.0/12"): "private use",
    IPv4Network("192.0.0.0/24"): "IETF protocol assignments",
    IPv4Network("192.0.2.0/24"): "documentation (TEST-NET-1)",
    IPv4Network("192.88.99.0/24"): "6to4 relay anycast, deprecated",
    IPv4Network("192.168.0.0/16"): "private use",
    IPv4Network("198.18.0.0/15"): "benchmarking",
    IPv4Network("198.51.100.0/24"): "documentation (TEST-NET-2)",
    IPv4Network("203.0.113.0/24"): "documentation (TEST-NET-3)",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved, and limited broadcast",
}

#: Of IPv6 this alone is given out for single hosts; loopback, unique-local, link-local, multicast and all else is not.
UNICAST_IPV6 = IPv6Network("2000::/3")

#: What is not public of that, each with its name in the registry.
SPECIAL_IPV6: Mapping[IPv6Network, str] = {
    IPv6Network("2001::/23"): "IETF protocol assignments",
    IPv6Network("2001:db8::/32"): "documentation",
    IPv6Network("3fff::/20"): "documentation",
}

#: What the registries call globally reachable inside of these.
REACHABLE_IPV4 = (IPv4Network("192.0.0.9/32"), IPv4Network("192.0.0.10/32"))
REACHABLE_IPV6 = (
    IPv6Network("2001:1::1/128"),
    IPv6Network("2001:1::2/128"),
    IPv6Network("2001:1::3/128"),
    IPv6Network("2001:3::/32"),
    IPv6Network("2001:4:112::/48"),
    IPv6Network("2001:20::/28"),
    IPv6Network("2001:30::/28"),
)

#: IPv6 networks in which an IPv4 address is reached, and how many bits stand behind it: mapped, NAT64, 6to4.
IPV4_INSIDE: Mapping[IPv6Network, int] = {
    IPv6Network("::ffff:0:0/96"): 0,
    IPv6Network("64:ff9b::/96"): 0,
    IPv6Network("2002::/16"): 80,
}


def is_public(address: str) -> bool:
    """Tell whether an address, written as text, is one of the public internet's; ValueError for what is none."""
    parsed = ip_address(address)
    return _is_public_ipv4(parsed) if isinstance(parsed, IPv4Address) else _is_public_ipv6(parsed)


def ipv4_inside(address: str) -> str | None:
    """Return the IPv4 address that is reached in truth through an IPv6 address, if one is."""
    parsed = ip_address(address)
    inside = _inside(parsed) if isinstance(parsed, IPv6Address) else None
    return None if inside is None else str(inside)


def _inside(address: IPv6Address) -> IPv4Address | None:
    for network, behind in IPV4_INSIDE.items():
        if address in network:
            return IPv4Address(int(address) >> behind & 0xFFFFFFFF)
    return None


def _is_public_ipv4(address: IPv4Address) -> bool:
    special = any(address in network for network in SPECIAL_IPV4)
    return not special or any(address in network for network in REACHABLE_IPV4)


def _is_public_ipv6(address: IPv6Address) -> bool:
    if address.scope_id is not None:  # of one link of this machine
        return False
    inside = _inside(address)
    if inside is not None:
        return _is_public_ipv4(inside)
    special = any(address in network for network in SPECIAL_IPV6)
    return address in UNICAST_IPV6 and (not special or any(address in network for network in REACHABLE_IPV6))
