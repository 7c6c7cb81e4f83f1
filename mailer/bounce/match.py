"""Does a report say that the mail to this address failed?

Anyone can write a report, and one report can speak of many recipients: only what it says of this address counts
(attacks A12). The MAC of the reverse-path has named the item already, so here, and only here, case is ignored in the
local part too: some servers write an address in capitals when they report on it. Whom the mail was forwarded to is
somebody else.
"""

from mailer.bounce.report import Report, ReportedRecipient
from mailer.smtp.address import AddressError, parse_address


def failure_of(report: Report, address_key: str) -> ReportedRecipient | None:
    """Return what the report says of the failure of the mail to this address, or None if it reports none."""
    for recipient in report.recipients:
        if failed(recipient) and concerns(recipient, address_key):
            return recipient
    return None


def failed(recipient: ReportedRecipient) -> bool:
    """Tell whether the mail was given up: action `failed` with a status that is no success (RFC 3464 §2.3.3).

    A status 4.x beside `failed` is a temporary trouble that lasted until the reporting server's patience ended.
    """
    return recipient.action == "failed" and recipient.status[:1] in ("4", "5")


def concerns(recipient: ReportedRecipient, address_key: str) -> bool:
    """Tell whether this is the recipient we wrote to: the original one, or the final one if nobody forwarded it."""
    return address_key.lower() in (_key(recipient.original_recipient), _key(recipient.final_recipient))


def _key(address: str) -> str | None:
    try:
        return parse_address(address).key.lower()
    except AddressError:
        return None
