"""Who wrote to whom, and what must an answer know of it?

Only what the header says, and nothing of it is believed: whom an answer goes to is the envelope's business.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from mailer.mime.automatic import is_automatic
from mailer.mime.entity import Entity

#: Where a recipient may stand (RFC 3834 §2).
_RECIPIENTS = ("to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]@]{1,64}@[^\s<>,;:\"()\[\]@]{1,253}")
#: A Message-ID of visible ASCII (RFC 5322 §3.6.4); another one is not repeated.
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,120}@[!-;=?-~]{1,120}>")
MOST_ADDRESSES = 500


@dataclass(frozen=True, slots=True)
class Correspondence:
    """A mail's recipients by its header, and by its marks Delivered-To where it has been; all in small letters.

    `automatic`: a program wrote it. `message_id` has its angle brackets, or is empty where it cannot be repeated.
    `octets` is its size, line ends counted as one.
    """

    automatic: bool
    addressed: frozenset[str]
    delivered_to: frozenset[str]
    message_id: str
    octets: int


def read_correspondence(mail: Entity) -> Correspondence:
    """Return what the header of a mail says; never raises."""
    found = _MESSAGE_ID.fullmatch(mail.field("message-id").strip())
    return Correspondence(
        automatic=is_automatic(mail),
        addressed=frozenset(islice(_addresses(mail, *_RECIPIENTS), MOST_ADDRESSES)),
        delivered_to=frozenset(islice(_addresses(mail, "delivered-to"), MOST_ADDRESSES)),
        message_id="" if found is None else found[0],
        octets=len(mail.header) + len(mail.body),
    )


def _addresses(mail: Entity, *names: str) -> Iterator[str]:
    for name in names:
        for value in mail.fields(name):
            yield from (found[0].lower() for found in _ADDRESS.finditer(value))
