"""How many connections does a receiver let us have, and how many mails in each?

Begins at what the carrier's manners allow. A refusal says that fewer are wanted: the number falls to those that
live (or to half), and grows again by one after a row of successes. Postfix's and KumoMTA's shaping do the same; no
carrier publishes a figure, so it is learned. What is learned holds for the whole site: a worker that
has leased a share of its connections keeps to the same part of them.
"""

GROW_AFTER = 50


class Allowance:
    """The learned limits of one site, and this worker's share of them (none at first)."""

    def __init__(self, connections: int, messages_per_session: int) -> None:
        self.share = 0
        self.learned = connections
        self.messages_per_session = messages_per_session
        self._most = connections
        self._most_messages = messages_per_session
        self._successes = 0

    @property
    def connections(self) -> int:
        """Return how many connections this worker may have."""
        return max(1, self.share * self.learned // self._most) if self.share else 0

    @property
    def part(self) -> float:
        """Return which part of the site's pace is this worker's: fewer connections need not be slower."""
        return self.share / self._most

    @property
    def is_full(self) -> bool:
        """Tell whether nothing less than the manners was learned."""
        return self.learned >= self._most and self.messages_per_session >= self._most_messages

    def heed(self, connections: int, messages_per_session: int) -> None:
        """Take over what another worker, or an earlier process, learned of the site."""
        self.learned = max(1, min(connections, self._most))
        self.messages_per_session = max(1, min(messages_per_session, self._most_messages))

    def refused(self, alive: int) -> bool:
        """A connection was refused or cut while `alive` others were open: want no more than those. Return if fewer."""
        own = self.connections
        self._successes = 0
        self._learn(min(alive, own - 1) if alive else own // 2)
        return self.connections < own

    def session_cut(self, messages: int) -> bool:
        """The receiver ended a session after this many mails: give it no more in the next. Return if that is fewer.

        One that ends after its first mail may be chance; half as many are given until it happens again.
        """
        before = self.messages_per_session
        self.messages_per_session = min(before, messages if messages > 1 else max(1, before // 2))
        return self.messages_per_session < before

    def succeeded(self) -> bool:
        """A mail was taken: after a row of them, one connection and some mails a session more are tried; tell if so."""
        self._successes += 1
        if self.is_full or self._successes < GROW_AFTER * self.connections:
            return False
        self._successes = 0
        self._learn(self.connections + 1)
        more = self.messages_per_session + 1 + self.messages_per_session // 4
        self.messages_per_session = min(more, self._most_messages)
        return True

    def _learn(self, own: int) -> None:
        """What this worker may have is its share of what the site takes, rounded up so that as many come of it."""
        self.learned = min(self._most, -(-max(1, own) * self._most // max(1, self.share)))
