"""Has a mail gone round in circles?

Each server that a mail passes writes a Received line on top of it; RFC 5321 §6.3 asks to refuse a mail that has
very many of them, and never fewer than 100. To refuse it is what ends a loop between others; one through a school whose
mail is handed on is known at the first return, by its mark (`domain.answering`).
"""

import re

MOST_HOPS = 100
#: As much of the mail as is looked at: the lines that a loop writes come first.
HEAD_OCTETS = 64 * 1024

_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


def loops(head: bytes) -> bool:
    """Tell whether the beginning of a mail (its lines ended by CRLF) names too many servers."""
    header, _, _ = head.partition(b"\r\n\r\n")
    return len(_RECEIVED.findall(header)) >= MOST_HOPS
