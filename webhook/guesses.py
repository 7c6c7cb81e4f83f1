"""Who opens wrong receipt URLs, and how many a minute?

A right token is never refused, because many guardians share one address of a carrier; only the answer to a wrong one
becomes 429 after 20 within a minute from one address (one /64 of IPv6). What is remembered is bounded.
"""

import ipaddress
from collections import OrderedDict, deque

ALLOWED = 20
SECONDS = 60.0
REMEMBERED = 10_000


class Guesses:
    """The wrong tokens of the last minute."""

    def __init__(self) -> None:
        self._at: OrderedDict[str, deque[float]] = OrderedDict()

    def too_many(self, address: str, now: float) -> bool:
        """Note one wrong token at `now` (monotonic seconds); tell whether it is one too many."""
        network = _network(address)
        times = self._at.setdefault(network, deque(maxlen=ALLOWED + 1))
        self._at.move_to_end(network)
        if len(self._at) > REMEMBERED:
            self._at.popitem(last=False)
        times.append(now)
        return len(times) > ALLOWED and times[0] > now - SECONDS


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    # A socket that takes both families shows IPv4 peers in here; they share a /64 with nobody.
    mapped = parsed.ipv4_mapped
    return str(mapped or ipaddress.ip_network((parsed.packed, 64), strict=False))
