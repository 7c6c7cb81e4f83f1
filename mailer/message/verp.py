"""Which mail came back?

Every mail leaves under a reverse-path of its own: `b-`, the queue item's number in hexadecimal as in its queue id, and
a MAC of 104 bits (keyed BLAKE2b, RFC 7693), so that nobody can invent a bounce. Letters, digits and hyphens only,
because some servers change the case of a local part on its way back, and at most 45 of the 64 octets of RFC 5321
§4.5.3.1.1. Single mails have reverse-paths of another kind (`s-`), so that no report on one is ever taken for a report
on a queue item.
"""

import re
from hashlib import blake2b
from hmac import compare_digest

PREFIX, PREFIX_OF_SINGLES = "b-", "s-"
PERSONS = {PREFIX: b"verp", PREFIX_OF_SINGLES: b"single"}
MAC_OCTETS = 13

_FORM = re.compile(rf"[bs]-([0-9a-f]{{1,16}})-[0-9a-f]{{{2 * MAC_OCTETS}}}", re.IGNORECASE | re.ASCII)


class Verp:
    """Makes and reads the reverse-paths of one domain under one secret key: those of queue items, or of single mails.

    What is said of items here holds for single mails where `prefix` is theirs.
    """

    def __init__(self, key: bytes, domain: str, prefix: str = PREFIX) -> None:
        """Take the key (32 octets) and the domain that bounces come back to."""
        self._key = key
        self._domain = domain
        self._prefix = prefix

    def of_singles(self) -> "Verp":
        """Return who makes and reads the reverse-paths of single mails."""
        return Verp(self._key, self._domain, PREFIX_OF_SINGLES)

    def make(self, item_id: int) -> str:
        """Return the reverse-path of a queue item, as `b-2f-…@mail.example.jp`."""
        return f"{self.local_part(item_id)}@{self._domain}"

    def read(self, local_part: str) -> int | None:
        """Return the queue item that a local part names, in any case; None unless its MAC is ours."""
        form = _FORM.fullmatch(local_part)
        if form is None:
            return None
        item_id = int(form[1], 16)
        return item_id if compare_digest(self.local_part(item_id), local_part.lower()) else None

    def local_part(self, item_id: int) -> str:
        """Return the reverse-path of a queue item up to its `@`; ValueError for a number that no item has."""
        if item_id < 0:
            raise ValueError(f"{item_id} is no queue item's number")
        number = f"{item_id:x}"
        mac = blake2b(number.encode("ascii"), key=self._key, digest_size=MAC_OCTETS, person=PERSONS[self._prefix])
        return f"{self._prefix}{number}-{mac.hexdigest()}"
