"""What does a returned mail say to people, and of which mail does it speak?

The words are those of the text parts outside the returned mail, cut where a copy of it begins; HTML counts only where
there is no plain text. The mail spoken of is the attached one, its headers, or what stands behind the cut.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape

from mailer.mime.charset import decode
from mailer.mime.entity import DEEPEST, MOST_PARTS, Entity, read_header

MOST_TEXT = 64 * 1024
#: Of all parts of a kind; more than the text that is read has in any charset.
MOST_OCTETS = 8 * MOST_TEXT
STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
FEEDBACK_TYPES = frozenset({"message/feedback-report"})
RETURNED_TYPES = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "text/rfc822-header", "message/global-headers"}
)

#: Full-width marks, which touch an address in Chinese and Japanese words.
_APART = {ord(mark): f" {mark} " for mark in "：（）「」『』【】＜＞［］、。，；"}

_TAG = re.compile(r"<(?:/?(?P<block>p|br|div|tr|td|li|h\d|table|ul|ol|pre)\b[^<>]{0,500}|[^<>]{1,500})>", re.IGNORECASE)
_UNSEEN = ("style", "script", "head")
_UNSEEN_OPENED = re.compile(rf"<({'|'.join(_UNSEEN)})\b", re.IGNORECASE | re.ASCII)
_UNSEEN_CLOSED = {name: re.compile(f"</{name}>", re.IGNORECASE | re.ASCII) for name in _UNSEEN}
#: More digits than any character has; Python refuses to read thousands of them.
_ENDLESS_NUMBER = re.compile(r"&#[0-9]{20,};?")
#: What a report for machines says at least one of (RFC 3464 §2).
_STATUS_FIELD = re.compile(
    r"^[ \t]*(?:reporting-mta|arrival-date|final-recipient|original-recipient|action|status)[ \t]*:", re.I | re.M
)
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
    statuses = tuple(_plain(part for part in parts if part.media_type in STATUS_TYPES))
    mistyped = [status for status in statuses if not _STATUS_FIELD.search(status)]
    words = "\n\n".join((_words(parts), *mistyped))[:MOST_TEXT]
    said, behind = _cut(words if words.isascii() else words.translate(_APART), copies)
    original = next((_original(part) for part in parts if part.media_type in RETURNED_TYPES), None)
    if original is None and _HEADER_LINE.search(behind):
        original = read_header(behind[:MOST_TEXT].encode("utf-8", "replace"))
    return Notice(
        text=said,
        statuses=tuple(status for status in statuses if status not in mistyped),
        feedback=tuple(_plain(part for part in parts if part.media_type in FEEDBACK_TYPES)),
        original=original,
    )


def _outer(mail: Entity) -> Iterator[Entity]:
    """Give the parts that the writer of the mail made: not what stands in the mail that is returned."""
    waiting = [(mail, 0)]
    for _ in range(MOST_PARTS):
        if not waiting:
            return
        entity, depth = waiting.pop()
        yield entity
        if depth < DEEPEST and entity.media_type.startswith("multipart/"):
            waiting += [(child, depth + 1) for child in reversed(entity.children)]


def _original(part: Entity) -> Entity:
    return part.children[0] if part.children else part


def _words(parts: Sequence[Entity]) -> str:
    """Return the plain text, or that of the HTML where there is no other; of a broken multipart its whole body."""
    plain = [part for part in parts if part.media_type == "text/plain" or _is_broken(part)]
    words = "\n\n".join(_plain(plain))
    if words.strip():
        return words
    return "\n\n".join(map(_stripped, _plain(part for part in parts if part.media_type == "text/html")))


def _is_broken(part: Entity) -> bool:
    return part.media_type.startswith("multipart/") and not part.children


def _plain(parts: Iterable[Entity]) -> Iterator[str]:
    """Give the text of each part, until together they had as many octets as are read."""
    left = MOST_OCTETS
    for part in parts:
        content = part.content()
        if len(content) > left:
            # Cut between lines, so that no character loses its end.
            content = content[: content.rfind(b"\n", 0, left) + 1] or content[:left]
        text = decode(content, part.parameters.get("charset", ""))
        yield text.replace("\r\n", "\n").replace("\r", "\n")
        left -= len(content)
        if left <= 0:
            return


def _stripped(html: str) -> str:
    """Return the words of HTML, a line for each block."""
    text = _TAG.sub(lambda tag: "\n" if tag["block"] else "", _seen(html[: 4 * MOST_TEXT]))
    return unescape(_ENDLESS_NUMBER.sub("\ufffd", text))


def _seen(html: str) -> str:
    """Leave out what no reader sees; what is never closed stays, and is looked for once only."""
    pieces: list[str] = []
    begin, unclosed = 0, set()
    for opened in _UNSEEN_OPENED.finditer(html):
        name = opened[1].lower()
        if opened.start() < begin or name in unclosed:
            continue
        closed = _UNSEEN_CLOSED[name].search(html, opened.end())
        if closed is None:
            unclosed.add(name)
        else:
            pieces.append(html[begin : opened.start()])
            begin = closed.end()
    return " ".join((*pieces, html[begin:]))


def _cut(text: str, copies: re.Pattern[str]) -> tuple[str, str]:
    mark = copies.search(text)
    if mark is None:
        return text, ""
    # A mark that is a field of the copy's own header belongs to it.
    begin = mark.start() if _HEADER_LINE.match(mark[0].lstrip()) else mark.end()
    return text[: mark.start()], text[begin:].lstrip("-=*_ \t\n")
