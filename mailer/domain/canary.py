"""Which mailboxes of our own ride first in every broadcast, and when is a mail to one late?

A canary stands at a carrier like any guardian's mailbox, and tells us within a minute whether that carrier takes our
mail. It is nobody's address: no accounting knows it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from mailer.domain.lane import Lane
from mailer.smtp.address import parse_address


@dataclass(frozen=True, slots=True)
class Canary:
    """One mailbox: as typed, its key (the domain in lower case, nothing else changed), and its domain."""

    address: str
    key: str
    domain: str


@dataclass(frozen=True, slots=True)
class Canaries:
    """The mailboxes, and how long after its hour a canary of a safety or another broadcast may take."""

    mailboxes: tuple[Canary, ...] = ()
    late_safety: timedelta = timedelta(seconds=60)
    late_ordinary: timedelta = timedelta(minutes=10)

    def late(self, lane: Lane) -> timedelta:
        """Return the time after which a canary of this lane is late."""
        return self.late_safety if lane is Lane.SAFETY else self.late_ordinary


def canaries(addresses: Iterable[str], late_safety: timedelta, late_ordinary: timedelta) -> Canaries:
    """Return the canaries with these addresses; raise AddressError for one that is none."""
    return Canaries(tuple(canary(address) for address in addresses), late_safety, late_ordinary)


def canary(text: str) -> Canary:
    """Return the canary with this address; raise AddressError if it is none."""
    key = parse_address(text).key
    return Canary(text, key, key.rpartition("@")[2])
