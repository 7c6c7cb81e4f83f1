"""How many peers may stand in our doors at once?

A limit for everybody together and one for each address (each /64 of IPv6), so that one peer cannot keep the others
out. What is turned away is logged once a minute with a count, because a flood must not become a flood of lines.
"""

import ipaddress
import logging
from collections import Counter
from dataclasses import dataclass

from mailer.net.inbound_log import Scarce

_log = logging.getLogger(__name__)
LOG_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer may cost us. `seconds` is how long he may be idle or slow, `size` the octets of one mail.

    `rate` is the octets a second that DATA must keep up on average; a mail over `spool` octets waits on disk.
    """

    seconds: float = 300.0
    session_seconds: float = 3600.0
    greeting_seconds: float = 0.2
    handshake_seconds: float = 30.0
    connections: int = 100
    connections_per_address: int = 20
    size: int = 10 * 1024 * 1024
    spool: int = 256 * 1024
    rate: float = 500.0
    recipients: int = 100
    transactions: int = 100
    faults: int = 20
    idle_commands: int = 100


class Doors:
    """Who is inside now."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inside: Counter[str] = Counter()
        self._lines = Scarce(LOG_SECONDS)

    def enter(self, address: str, now: float) -> bool:
        """Let a peer in and return True, or return False; `now` is monotonic seconds."""
        network = network_of(address)
        if (
            self._inside.total() < self._limits.connections
            and self._inside[network] < self._limits.connections_per_address
        ):
            self._inside[network] += 1
            return True
        if turned_away := self._lines.admit("", now):
            _log.warning("turned away: %d connections, the last from %s", turned_away, address)
        return False

    def leave(self, address: str) -> None:
        """Note that a peer who was let in is gone."""
        network = network_of(address)
        self._inside[network] -= 1
        if not self._inside[network]:
            del self._inside[network]


def plain(address: str) -> str:
    """Return an IPv4 address as such: a socket for both families, as systemd opens it, shows `::ffff:192.0.2.1`."""
    parsed = _parsed(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return address if mapped is None else str(mapped)


def network_of(address: str) -> str:
    """Return what counts as one peer: an IPv4 address, or the /64 of an IPv6 one."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
