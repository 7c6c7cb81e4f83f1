"""Which mails came in, raw, and which queue items came back?"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.schedule.outcome import Evidence
from mailer.store import acceptance
from mailer.store.database import change, select
from mailer.store.models import InboundMail, instant

SMALL, SMALL_WINDOW, SMALL_MEMORY = 16 * 1024, 13, 6
ADDRESS = "SELECT address_key FROM queue_item WHERE id = ?"
ADD = """
INSERT INTO inbound_mail (received_at, reverse_path, forward_path, peer, digest, content, item_id, meaning)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
"""
KNOWN = "SELECT id FROM inbound_mail WHERE item_id = ? AND digest = ? AND forward_path = ? LIMIT 1"
#: What came to the return address of an item first: nobody can keep it waiting who never got mail of ours.
WITH_MEANING = "SELECT id FROM inbound_mail WHERE meaning = ? ORDER BY item_id IS NULL, received_at, id LIMIT ?"
MEAN = "UPDATE inbound_mail SET meaning = ? WHERE id = ?"
#: Only what a server took, may be taking, or may have taken when an answer was lost, can come back. What is on its way
#: although a server took a copy before is so because an operator wanted another one: a return does not end that.
RETURNED = """
UPDATE queue_item SET state = 'returned', settled_at = ?, replied_at = ?, host = ?, stage = ?, code = ?, enhanced = ?,
    reply = ?, tls = ?, reason = ?, intent = '', claimed_by = NULL
WHERE id = ? AND (state IN ('accepted', 'sending') OR (state IN ('waiting', 'held', 'expired') AND possible_copies > 0))
    AND (
        state NOT IN ('waiting', 'sending')
        OR NOT EXISTS (SELECT 1 FROM attempt WHERE item_id = queue_item.id AND verdict = 'accepted')
    )
"""
#: An attempt whose reply we have not seen yet was accepted: the mail could not have come back otherwise.
ACCEPTED = """
UPDATE attempt SET verdict = 'accepted', ended_at = ?, host = ?, stage = ?, code = ?, enhanced = ?, reply = ?, tls = ?,
    reason = ?
WHERE item_id = ? AND verdict IS NULL
"""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail as it is kept, once for all its recipients, which `forward_path` lists with commas between them.

    `packed` is its content, whole; `digest` tells it from others, `meaning` is what we made of it.
    """

    received_at: datetime
    reverse_path: str
    forward_path: str
    peer: str
    digest: bytes
    packed: bytes
    item_id: int | None
    meaning: str


def address_key(item_id: int) -> str | None:
    """Return the key of the address that a queue item was written to, or None if there is no such item."""
    found = select(ADDRESS, (item_id,))
    return str(found[0][0]) if found else None


def known(item_id: int, digest: bytes, forward_path: str) -> int | None:
    """Return the number of a mail with this digest that came in for this item, and the same others, before, or None."""
    found = select(KNOWN, (item_id, digest, forward_path))
    return int(found[0][0]) if found else None


def add(mail: Arrived) -> int:
    """Write a mail and return its number; by SQL of its own, because port 25 waits for it."""
    ((number,),) = select(
        ADD,
        (
            *(instant(mail.received_at), mail.reverse_path, mail.forward_path, mail.peer, mail.digest, mail.packed),
            *(mail.item_id, mail.meaning),
        ),
    )
    return int(number)


def pack(content: bytes) -> bytes:
    """Return the content of a mail as it is written into the store."""
    # For little the tables that zlib makes for much would cost more than all the rest of taking a mail in.
    window, memory = (SMALL_WINDOW, SMALL_MEMORY) if len(content) < SMALL else (zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL)
    packer = zlib.compressobj(1, zlib.DEFLATED, window, memory)
    return packer.compress(content) + packer.flush()


def raw(mail_id: int) -> bytes | None:
    """Return the content of a mail as it came in, or None if there is none with this number."""
    row = InboundMail.get_or_none(InboundMail.id == mail_id)
    return None if row is None else zlib.decompress(row.content)


def with_meaning(meaning: str, most: int) -> list[int]:
    """Return the numbers of mails that were found to mean this, those about queue items first, then the oldest."""
    return [number for (number,) in select(WITH_MEANING, (meaning, most))]


def mean(mail_id: int, meaning: str) -> None:
    """Write what a mail was found to mean."""
    change(MEAN, (meaning, mail_id))


def mark_returned(item_id: int, evidence: Evidence, at: datetime) -> bool:
    """Write that an item's mail came back; return False if that does not end it.

    Because it had not been handed over, or is on its way once more. An acceptance stands no longer.
    """
    said: Sequence[object] = (
        *(evidence.host, evidence.stage, evidence.code, evidence.enhanced, evidence.text, evidence.tls),
        evidence.reason,
    )
    now = instant(at)
    ended = bool(change(RETURNED, (now, now, *said, item_id)))
    if ended:
        change(ACCEPTED, (now, *said, item_id))
    acceptance.came_back(item_id, evidence.reason)
    return ended
