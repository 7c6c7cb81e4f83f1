"""Which of a notice's lines are about one recipient, and how is what they mean told?"""

import re
from collections.abc import Iterator

from mailer.bounce.event import Event, Kind
from mailer.bounce.meaning import Meaning
from mailer.carrier.reason import Reason
from mailer.domain.typed import visible

LONGEST_TEXT = 512
LONGEST_ABOUT = 2000

_HEADER_ECHO = re.compile(r"[ \t>]*(?:to|from|cc|subject|date|sent|message-id|reply-to):", re.IGNORECASE)
_OF_SOMEBODY = re.compile(r"[ \t]*<?[^\s<>@]{1,128}@[^\s<>@]{1,255}>?[ \t]*(?::|\(|$)")


def about(text: str, address: str) -> str:
    """Return what a notice says of an address: its lines up to an empty line or to those about somebody else."""
    lower, key = text.lower(), address.lower()
    begins = [found for found in _occurrences(lower, key) if not _HEADER_ECHO.match(text, found)]
    if not begins:
        return ""
    kept: list[str] = []
    for line in text[begins[0] : begins[0] + LONGEST_ABOUT].split("\n"):
        other = _OF_SOMEBODY.match(line)
        if kept and (not line.strip() or (other is not None and key not in line.lower())):
            break
        kept.append(line)
    return "\n".join(kept)


def _occurrences(text: str, key: str) -> Iterator[int]:
    """Give the beginnings of the first lines in which a text stands."""
    begin = 0
    for _ in range(10):
        begin = text.find(key, begin)
        if begin < 0:
            return
        yield text.rfind("\n", 0, begin) + 1
        begin += len(key)


def event_of(address: str, meaning: Meaning, *, delayed: bool, final: str = "") -> Event:
    """Return the event of a recipient whose mail failed, or waits (`delayed`): that it takes time is a reason, too."""
    kind = Kind.DELAYED if delayed else Kind.HARD if meaning.hard else Kind.SOFT
    reason = meaning.reason
    if reason is Reason.UNCLEAR and delayed:
        reason = Reason.EXPIRED
    words = visible(meaning.words, LONGEST_TEXT)
    return Event(address, kind, reason, meaning.status, words, visible(meaning.host, LONGEST_TEXT), final)
