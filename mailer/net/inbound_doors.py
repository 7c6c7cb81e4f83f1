"""How many peers may stand in our doors at once, how often may they come, and how patient are we?

A limit for everybody together and one for each address (each /64 of IPv6), so that one peer cannot keep the others out;
and for each address how often it may come and how much it may bring in a minute. This machine itself may come as often
as it likes. When most places are taken we are less patient, as Postfix is in its stress mode: slow peers make room,
also those who let a mail drip. When all are, whoever comes may have the place of one who has brought no mail for a
while. What is turned away is logged once a minute with a count, because a flood must not become a flood of lines.
"""

import ipaddress
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from mailer.net.inbound_log import Scarce

_log = logging.getLogger(__name__)
LOG_SECONDS = 60.0
MINUTE = 60.0
#: From which part of all places on we are in a hurry.
CROWDED = 0.75
#: What is counted of each address.
CONNECTIONS, FAULTS, OCTETS = "connections", "faults", "octets"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer may cost us. `seconds` is how long he may be idle or slow, `size` the octets of one mail.

    `rate` is the octets a second that DATA must keep up on average, `stress_rate` in a crowd; a mail over `spool`
    octets waits on disk, as do those that come while more than `spools` are under way. What is said of a minute counts
    for one address.
    """

    seconds: float = 300.0
    session_seconds: float = 3600.0
    greeting_seconds: float = 0.2
    handshake_seconds: float = 30.0
    stress_seconds: float = 10.0
    connections: int = 500
    connections_per_address: int = 20
    connections_per_minute: int = 300
    faults_per_minute: int = 100
    octets_per_minute: int = 256 * 1024 * 1024
    size: int = 10 * 1024 * 1024
    spool: int = 256 * 1024
    spools: int = 100
    rate: float = 500.0
    stress_rate: float = 5000.0
    recipients: int = 100
    transactions: int = 1000
    faults: int = 20
    idle_commands: int = 100


class Guest(Protocol):
    """Who stands inside: his neighbours' network, since when he has brought no mail, whether he hands one over now."""

    neighbours: str
    since: float
    busy: bool

    def give_way(self) -> None:
        """Leave at once."""


def _nobody(_address: str, _now: float) -> bool:
    return False


class Doors:
    """Who is inside now, and what each address has cost us in this minute."""

    def __init__(self, limits: Limits) -> None:
        self.spools = 0
        self._limits = limits
        self._inside: Counter[str] = Counter()
        self._minute = 0
        self._spent: Counter[tuple[str, str]] = Counter()
        self._lines = Scarce(LOG_SECONDS)

    def enter(self, address: str, now: float, make_room: Callable[[str, float], bool] = _nobody) -> bool:
        """Let a peer in and return True, or return False; `now` is monotonic seconds.

        `make_room` is asked where only a place is lacking, and returns whether somebody has left for this address.
        """
        network = network_of(address)
        self.spend(address, CONNECTIONS, 1, now)
        if (
            self._inside[network] < self._limits.connections_per_address
            and not self.has_had_enough(address, now)
            and (self._inside.total() < self._limits.connections or make_room(address, now))
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

    def spend(self, address: str, what: str, amount: int, now: float) -> None:
        """Count what a peer costs us; this machine itself costs nothing."""
        if not is_here(address):
            self._turn(now)
            self._spent[network_of(address), what] += amount

    def has_had_enough(self, address: str, now: float) -> bool:
        """Tell whether an address has cost us as much in this minute as it may."""
        self._turn(now)
        network, limits = network_of(address), self._limits
        return (
            self._spent[network, CONNECTIONS] > limits.connections_per_minute
            or self._spent[network, FAULTS] > limits.faults_per_minute
            or self._spent[network, OCTETS] > limits.octets_per_minute
        )

    @property
    def patience(self) -> float:
        """How many seconds a peer may be idle or slow now."""
        limits = self._limits
        return min(limits.seconds, limits.stress_seconds) if self._is_crowded else limits.seconds

    @property
    def rate(self) -> float:
        """How many octets a second a mail must come at now."""
        return max(self._limits.rate, self._limits.stress_rate) if self._is_crowded else self._limits.rate

    @property
    def _is_crowded(self) -> bool:
        return self._inside.total() > CROWDED * self._limits.connections

    def _turn(self, now: float) -> None:
        """Begin a new minute if it is time; so what is remembered is no more than one minute's peers."""
        if self._minute != int(now // MINUTE):
            self._minute = int(now // MINUTE)
            self._spent.clear()


def who_gives_way(guests: Sequence[Guest], newcomer: str, now: float, patience: float) -> Guest | None:
    """Return who leaves so that one from this address can come in, or None where nobody need.

    Where one network holds more than a fair share, it is the one there who has been longest without a mail: however
    often its peers come, they put out each other. Else it is the longest of all, if we have been patient with him.
    """
    held = Counter(guest.neighbours for guest in guests)
    idle = [guest for guest in guests if not guest.busy]
    if not idle:
        return None
    greedy = min(idle, key=lambda guest: (-held[guest.neighbours], guest.since))
    if held[greedy.neighbours] > held[neighbours_of(newcomer)] + 1:
        return greedy
    longest = min(idle, key=lambda guest: guest.since)
    return longest if now - longest.since >= patience else None


def plain(address: str) -> str:
    """Return an IPv4 address as such: a socket for both families, as systemd opens it, shows `::ffff:192.0.2.1`."""
    parsed = _parsed(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return address if mapped is None else str(mapped)


@lru_cache(4096)
def is_here(address: str) -> bool:
    """Tell whether a peer is this machine itself."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


@lru_cache(4096)
def network_of(address: str) -> str:
    """Return what counts as one peer: an IPv4 address, or the /64 of an IPv6 one."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


@lru_cache(4096)
def neighbours_of(address: str) -> str:
    """Return the network that one person may well have all of: the /24 of an IPv4 address, the /48 of an IPv6 one."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
