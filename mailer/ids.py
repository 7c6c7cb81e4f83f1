"""How is a new thing named? The one place of the product that draws chance for names and secrets.

Names of announcements and windows are short enough to be read out over the telephone: Crockford's
base 32 has no I, L, O or U to be misheard. Queue ids are letters and digits only, because Postfix's
log tools stop at anything else.
"""

import re
import secrets
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_QUEUE_ID = re.compile(r"[Qq][0-9A-Fa-f]{1,16}")
Ids = Callable[[str], str]


def random_id(prefix: str) -> str:
    """Return `prefix` and seven characters of chance (35 bits), as in `B7K3Q9Z1`."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(7))


def session_number(milliseconds: int) -> int:
    """Return a number for a session that began so long after 1970: in order of time, and unlike any other."""
    return milliseconds << 20 | secrets.randbits(20)


def queue_id(number: int) -> str:
    """Return the name of a queue item as people and logs see it: `Q` and the row number in hexadecimal."""
    return f"Q{number:X}"


def queue_number(name: str) -> int:
    """Return the row number of a queue id; raise ValueError with words for a person if it is none."""
    if not _QUEUE_ID.fullmatch(name):
        raise ValueError(f"{name!r} is not a queue id; one looks like Q2F")
    return int(name[1:], 16)
