"""What does a receiver remember between connections, and what does it therefore allow?

How many connections stand, how often an address has met its fault, since when an address is greylisted, how
many mails the last seconds brought. Time is an argument (seconds since 1970).
"""

from collections.abc import Collection

from mailer.rehearsal.ledger import Ledger
from mailer.rehearsal.moods import Fault, Mood, trouble_of

BURST_SECONDS = 1.0


class Desk:
    """The shared side of one receiver. `domains` are those it serves; none means all."""

    def __init__(self, name: str, mood: Mood, ledger: Ledger, domains: Collection[str] = ()) -> None:
        self.name = name
        self.mood = mood
        self.ledger = ledger
        self.domains = frozenset(domains)
        self._met: dict[str, int] = {}
        self._first_seen: dict[str, float] = {}
        self._serial = 0
        self._tokens = 0.0
        self._filled_at = 0.0

    def enter(self) -> bool:
        """Count a new connection; False if it is one too many."""
        counters = self.ledger.counters
        counters.sessions += 1
        counters.connections += 1
        counters.most_connections = max(counters.most_connections, counters.connections)
        return self.mood.connections is None or counters.connections <= self.mood.connections

    def leave(self) -> None:
        """Count a connection that ended."""
        self.ledger.counters.connections -= 1

    def serial(self) -> int:
        """Return the number of the next mail."""
        self._serial += 1
        return self._serial

    def serves(self, domain: str) -> bool:
        """Whether mail for this domain (lower case) is taken."""
        return not self.domains or domain in self.domains

    def may_begin(self, taken: int, now: float) -> bool:
        """Whether a session that took `taken` mails may begin another at `now`."""
        most = self.mood.messages_per_session
        return (most is None or taken < most) and self._token(now)

    def _token(self, now: float) -> bool:
        rate = self.mood.messages_per_second
        if rate is None:
            return True
        burst = max(1.0, rate * BURST_SECONDS)
        self._tokens = min(burst, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def fault(self, address: str, now: float) -> Fault | None:
        """Return what goes wrong for this recipient at this try, and remember that it was tried."""
        trouble = trouble_of(self.mood, address)
        if trouble is None:
            return None
        if trouble.fault is Fault.GREYLIST:
            first = self._first_seen.setdefault(address, now)
            return Fault.GREYLIST if now < first + self.mood.greylist_seconds or now == first else None
        if trouble.times is not None:
            met = self._met[address] = self._met.get(address, 0) + 1
            return trouble.fault if met <= trouble.times else None
        return trouble.fault
