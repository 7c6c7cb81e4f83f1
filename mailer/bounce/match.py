"""Is an event about the address that we wrote to?

Anyone can write a report, and one report can speak of many recipients: only what it says of this address counts
(attacks A12). The proof of the mail has named the item already, so here, and only here, case is ignored in the
local part too: some servers write an address in capitals when they report on it. Whom the mail was forwarded to is
somebody else.
"""

from mailer.bounce.event import Event
from mailer.smtp.address import AddressError, parse_address


def about(event: Event, address_key: str) -> bool:
    """Tell whether this is the recipient we wrote to: the original one, or the final one if nobody forwarded it."""
    return address_key.lower() in (_key(event.recipient), _key(event.final))


def _key(address: str) -> str | None:
    try:
        return parse_address(address).key.lower()
    except AddressError:
        return None
