"""What does a school do with mail that people write to its address, and which mail may be answered at all?

A broadcast comes from the school's address, so guardians answer to it. Whatever comes is kept. Only what a person wrote
to the school is told that nobody reads it, or handed on: never what a program wrote, what has no sender, or what is
going round (RFC 3834 §2; RFC 5321 §6.3). An answer goes to the reverse-path alone (RFC 3834 §4). In doubt nothing is
sent: an answer that is missing does little harm, a loop or an answer to somebody who never wrote to us does much.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mailer.smtp.address import AddressError, parse_address


class ReplyPolicy(StrEnum):
    """What becomes of mail to a school's address: its sender gets a notice, it is handed on, or it is refused."""

    NOTICE = "notice"
    FORWARD = "forward"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Replies:
    """A school's policy. `phone` is whom to call instead, `text` stands in the notice in place of ours; both optional.

    `forward_to` is the mailbox that mail is handed on to.
    """

    policy: ReplyPolicy = ReplyPolicy.NOTICE
    forward_to: str = ""
    phone: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What must be known of a mail that came to a school.

    `reverse_path` is empty for the null one. `automatic`: a program wrote it. `addressed`: the school's address stands
    in To, Cc or the like. `returned`: it came to the reverse-path of a mail of ours, too. `been_here`: it bears the
    mark of mail that was handed on from this address.
    """

    reverse_path: str
    automatic: bool
    addressed: bool
    returned: bool
    been_here: bool
    octets: int


#: Why nothing is sent because of a mail, or no more, for a person.
REASONS: Mapping[str, str] = {
    "refusing": "The school takes no mail; this came without a sender, as returned mail does.",
    "no_sender": "It has no sender who could be answered, as returned mail has none.",
    "returned": "It came to the return address of a mail of ours, too.",
    "machine": "Its sender is an address behind which no person reads.",
    "ourselves": "It comes from an address of our own domain.",
    "bad_address": "Its sender's address is none that can be written to.",
    "automatic": "A program wrote it: an automatic reply, a report, or a mailing list.",
    "been_here": "It was handed on from here before and came back: a loop.",
    "not_addressed": "The school's address is not among its recipients in To or Cc.",
    "too_big": "It is too big to be handed on.",
    "another_school": "It went to several schools, and another one has answered.",
    "answered_today": "Its sender has had the notice within a day.",
    "too_many_notices": "Too many notices were sent within the hour.",
    "too_many_forwards": "Too much mail was handed on to this school within the hour.",
    "copies": "It may have arrived several times already; nobody said so.",
}

#: What port 25 says to who writes to a school that takes no mail: the mailbox is there and closed, 5.2.1 (RFC 3463).
REFUSAL = "550 5.2.1 This address sends mail only and takes none. Please telephone the school"

#: Most mailboxes take ten megabytes and more; what is kept need not be forced on them.
MOST_OCTETS = 8 * 1024 * 1024

_MACHINE = re.compile(
    r"mailer-daemon|mail-daemon|mdaemon|daemon|postmaster|hostmaster|webmaster|abuse|root|nobody|null"
    r"|(?:.*[._-])?no[._-]?reply.*|(?:.*[._-])?do[._-]?not[._-]?reply.*|.*notifications?|.*bounces?|.*bounces?[+=-].*|owner-.*|.*-owner"
    r"|.*-request|.*-errors?|listserv|majordomo|mailman|.*-confirm|auto-?responder|auto-?reply|vacation"
)


def why_not_noticed(mail: Arrival, domain: str) -> str:
    """Return why no notice may go to the sender of a mail, a key of REASONS; empty if one may. `domain` is ours."""
    return _why_nothing(mail, domain) or ("" if mail.addressed else "not_addressed")


def why_not_forwarded(mail: Arrival, domain: str) -> str:
    """Return why a mail may not be handed on, a key of REASONS; empty if it may. `domain` is ours."""
    return _why_nothing(mail, domain) or ("too_big" if mail.octets > MOST_OCTETS else "")


def refusal(phone: str) -> str:
    """Return the reply, in ASCII, by which mail to a school is refused; `phone` may be empty."""
    return f"{REFUSAL}: {phone}" if phone else REFUSAL


def is_machine(address: str) -> bool:
    """Tell whether a local part is one behind which a program stands (RFC 3834 §2)."""
    return _MACHINE.fullmatch(address.rpartition("@")[0].lower()) is not None


def _why_nothing(mail: Arrival, domain: str) -> str:
    checks = (
        ("no_sender", not mail.reverse_path),
        ("returned", mail.returned),
        ("been_here", mail.been_here),
        ("automatic", mail.automatic),
        ("machine", is_machine(mail.reverse_path)),
        ("ourselves", _is_of(mail.reverse_path, domain)),
        ("bad_address", not _is_address(mail.reverse_path)),
    )
    return next((reason for reason, found in checks if found), "")


def _is_of(address: str, domain: str) -> bool:
    own = address.rpartition("@")[2].lower()
    return own == domain or own.endswith("." + domain)


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except AddressError:
        return False
    return True
