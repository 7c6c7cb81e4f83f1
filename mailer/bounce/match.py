"""Is an event about the address that we wrote to?

Anyone can write a report, and one report can speak of many recipients: only what it says of this address counts
(attacks A12). The proof of the mail has named the item already, so here, and only here, case is ignored in the
local part too: some servers write an address in capitals when they report on it. Whom the mail was forwarded to is
somebody else: a mailbox that keeps a copy and sends another one on to a dead address is alive.
"""

from collections.abc import Callable

from mailer.bounce.event import Event
from mailer.smtp.address import AddressError, parse_address


def about(event: Event, address_key: str) -> bool:
    """Tell whether this is the recipient we wrote to: the original one, or the final one if nobody forwarded it."""
    return address_key.lower() in (_key(event.recipient), _key(event.final))


def forwarded(event: Event, address_key: str, receiver: Callable[[str], str]) -> bool:
    """Tell whether what failed is the mail's way to another organisation, to which our recipient has it sent on.

    A server also names the mailbox behind an alias of its own: that is our recipient. `receiver` tells whose a domain
    is (au.com and ezweb.ne.jp are one carrier's).
    """
    final = _key(event.final)
    if final is None or final == address_key.lower():
        return False
    ours, theirs = (key.rpartition("@")[2] for key in (address_key.lower(), final))
    return not _related(ours, theirs) and receiver(ours) != receiver(theirs)


def _related(one: str, other: str) -> bool:
    """Tell whether two domains are one organisation's by their names."""
    parent = one.partition(".")[2]
    siblings = parent == other.partition(".")[2] and _has_one_owner(parent)
    return siblings or f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")


def _has_one_owner(domain: str) -> bool:
    """Tell whether a domain is nobody's registry: `ne.jp` is one, `univ.ac.jp` and `example.com` are not."""
    labels = domain.split(".")
    return len(labels) > 2 or (len(labels) == 2 and len(labels[-1]) > 2)


def _key(address: str) -> str | None:
    try:
        return parse_address(address).key.lower()
    except AddressError:
        return None
