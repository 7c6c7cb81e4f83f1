"""Which of a notice's lines are about one recipient, and how is what they mean told?"""

import re
from collections.abc import Iterable, Iterator

from mailer.bounce.address_in import ADDRESS
from mailer.bounce.event import Event, Kind
from mailer.bounce.meaning import Meaning
from mailer.bounce.quotation import quoted_reply
from mailer.carrier.reason import Reason
from mailer.domain.typed import visible

LONGEST_TEXT = 512
LONGEST_ABOUT = 2000

#: Of more recipients none is read by what is said of all.
MOST_OTHERS = 16

_ADDRESS = re.compile(ADDRESS)
_WORD = re.compile(r"[^\W\d_]{3,}")
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


def apart_from(text: str, address: str, words: str, others: Iterable[str]) -> str:
    """Return a notice without what it says of other recipients, if `words` are of this one and tell anything: what
    another's server said is no reason here. Nothing is left of many recipients, and where the words quote a reply.
    """
    key = address.lower()
    strangers = {other.lower() for other in others} - {key, ""}
    if not strangers or _WORD.search(_ADDRESS.sub(" ", words)) is None:
        return text
    if len(strangers) > MOST_OTHERS or quoted_reply(words) is not None:
        return ""
    for other in strangers:
        lines = about(text, other)
        if lines and key not in lines.lower():
            text = text.replace(lines, "\n", 1)
    return text


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
