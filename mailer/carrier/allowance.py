"""How many connections does a receiver let us have, and how many mails in each?

Begins at what the carrier's manners allow. A refusal says that fewer are wanted: the number falls to those that
live (or to half), and grows again by one after a row of successes. Postfix's and KumoMTA's shaping do the same; no
carrier publishes a figure (carriers.md §1.6), so it is learned.
"""

GROW_AFTER = 50


class Allowance:
    """The learned limits of one site."""

    def __init__(self, connections: int, messages_per_session: int) -> None:
        self.connections = connections
        self.messages_per_session = messages_per_session
        self._most = connections
        self._most_messages = messages_per_session
        self._successes = 0

    def refused(self, alive: int) -> None:
        """A connection was refused or cut while `alive` others were open: want no more than those."""
        self.connections = max(1, min(alive, self.connections - 1) if alive else self.connections // 2)
        self._successes = 0

    def session_cut(self, messages: int) -> None:
        """The receiver ended a session after this many mails: give it no more in the next."""
        self.messages_per_session = max(1, min(self.messages_per_session, messages))

    def succeeded(self) -> None:
        """A mail was taken: after a row of them, one connection and one mail a session more are tried."""
        self._successes += 1
        if self._successes >= GROW_AFTER * self.connections:
            self.connections = min(self.connections + 1, self._most)
            self.messages_per_session = min(self.messages_per_session + 1, self._most_messages)
            self._successes = 0
