"""Which mail came back?

Every mail leaves under a reverse-path of its own: `b-`, the queue item's number in base 36, and a MAC of
100 bits, so that nobody can invent a bounce. Letters, digits and hyphens only, because some servers change
the case of a local part on its way back, and at most 36 of the 64 octets of RFC 5321 §4.5.3.1.1.
"""

import hmac
import re
from base64 import b32encode

PREFIX = "b-"
MAC_CHARACTERS = 20
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

_FORM = re.compile(rf"{PREFIX}([0-9a-z]{{1,13}})-[a-z2-7]{{{MAC_CHARACTERS}}}", re.IGNORECASE | re.ASCII)


class Verp:
    """Makes and reads the reverse-paths of one domain under one secret key."""

    def __init__(self, key: bytes, domain: str) -> None:
        """Take the key (32 octets) and the domain that bounces come back to."""
        self._key = key
        self._domain = domain

    def make(self, item_id: int) -> str:
        """Return the reverse-path of a queue item, as `b-9ix-…@mail.example.jp`."""
        return f"{self._local(item_id)}@{self._domain}"

    def read(self, local_part: str) -> int | None:
        """Return the queue item that a local part names, in any case; None unless its MAC is ours."""
        form = _FORM.fullmatch(local_part)
        if form is None:
            return None
        item_id = int(form[1], 36)
        return item_id if hmac.compare_digest(self._local(item_id), local_part.lower()) else None

    def _local(self, item_id: int) -> str:
        number = _base36(item_id)
        mac = hmac.digest(self._key, b"verp:" + number.encode("ascii"), "sha256")
        return f"{PREFIX}{number}-{b32encode(mac)[:MAC_CHARACTERS].decode('ascii').lower()}"


def _base36(number: int) -> str:
    if number < 0:
        raise ValueError(f"{number} is no queue item's number")
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = DIGITS[rest] + digits
    return digits or "0"
