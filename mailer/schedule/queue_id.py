"""What is a queue item called by people and logs?

Queue ids are letters and digits only, because Postfix's log tools stop at anything else.
"""

import re

_QUEUE_ID = re.compile(r"[Qq][0-9A-Fa-f]{1,16}")


def queue_id(number: int) -> str:
    """Return the name of a queue item as people and logs see it: `Q` and the row number in hexadecimal."""
    return f"Q{number:X}"


def queue_number(name: str) -> int:
    """Return the row number of a queue id; raise ValueError with words for a person if it is none."""
    if not _QUEUE_ID.fullmatch(name):
        raise ValueError(f"{name!r} is not a queue id; one looks like Q2F")
    return int(name[1:], 16)
