"""What does a returned mail say to people, and of which mail does it speak?

The words are those of the text parts outside the returned mail, cut where a copy of it begins; HTML counts only where
there is no plain text. The mail spoken of is the attached one, its headers, or what stands behind the cut.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape

from mailer.mime.entity import Entity, read_header

MOST_TEXT = 64 * 1024
STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
FEEDBACK_TYPES = frozenset({"message/feedback-report"})
RETURNED_TYPES = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "text/rfc822-header", "message/global-headers"}
)

_TAG = re.compile(r"<(?:/?(?P<block>p|br|div|tr|td|li|h\d|table|ul|ol|pre)\b[^<>]{0,500}|[^<>]{1,500})>", re.IGNORECASE)
_DROPPED = re.compile(r"<(style|script|head)\b.{0,50000}?</\1>", re.IGNORECASE | re.DOTALL)
_HEADER_LINE = re.compile(r"^(?:received|message-id|return-path|from|to|subject|date):", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Notice:
    """A returned mail by its parts: the words for people, the reports for machines, the mail spoken of (or None)."""

    text: str
    statuses: tuple[str, ...]
    feedback: tuple[str, ...]
    original: Entity | None


def read_notice(mail: Entity, copies: re.Pattern[str]) -> Notice:
    """Return the parts of a mail; `copies` finds the line behind which a copy of the returned mail begins."""
    parts = list(_outer(mail))
    said, behind = _cut(_words(parts)[:MOST_TEXT], copies)
    original = next((_original(part) for part in parts if part.media_type in RETURNED_TYPES), None)
    if original is None and _HEADER_LINE.search(behind):
        original = read_header(behind[:MOST_TEXT].encode("utf-8", "replace"))
    return Notice(
        text=said,
        statuses=tuple(_plain(part) for part in parts if part.media_type in STATUS_TYPES),
        feedback=tuple(_plain(part) for part in parts if part.media_type in FEEDBACK_TYPES),
        original=original,
    )


def _outer(mail: Entity) -> Iterator[Entity]:
    """Give the parts that the writer of the mail made: not what stands in the mail that is returned."""
    waiting, limit = [mail], 100
    while waiting and limit:
        limit -= 1
        entity = waiting.pop()
        yield entity
        if entity.media_type.startswith("multipart/"):
            waiting += reversed(entity.children)


def _original(part: Entity) -> Entity:
    return part.children[0] if part.children else part


def _words(parts: Sequence[Entity]) -> str:
    """Return the plain text, or that of the HTML where there is no other; of a broken multipart its whole body."""
    plain = [part for part in parts if part.media_type == "text/plain" or _is_broken(part)]
    words = "\n\n".join(_plain(part) for part in plain)
    if words.strip():
        return words
    return "\n\n".join(_stripped(_plain(part)) for part in parts if part.media_type == "text/html")


def _is_broken(part: Entity) -> bool:
    return part.media_type.startswith("multipart/") and not part.children


def _plain(part: Entity) -> str:
    return part.text().replace("\r\n", "\n").replace("\r", "\n")


def _stripped(html: str) -> str:
    """Return the words of HTML, a line for each block."""
    text = _DROPPED.sub(" ", html[: 4 * MOST_TEXT])
    return unescape(_TAG.sub(lambda tag: "\n" if tag["block"] else "", text))


def _cut(text: str, copies: re.Pattern[str]) -> tuple[str, str]:
    mark = copies.search(text)
    if mark is None:
        return text, ""
    # A mark that is a field of the copy's own header belongs to it.
    begin = mark.start() if _HEADER_LINE.match(mark[0].lstrip()) else mark.end()
    return text[: mark.start()], text[begin:].lstrip()
