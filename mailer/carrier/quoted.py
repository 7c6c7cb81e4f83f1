"""Which reply stands in this text?

A reply as it stood on the wire, whole and with the codes of all its lines, or as logs and reports quote it: on one
line, behind `smtp;`, behind the words by which another server hands it on (`host … said: 550 …`). Raises nothing.
"""

import re
from dataclasses import dataclass

from mailer.carrier.group import Carriers
from mailer.carrier.reading import UNREADABLE, Reading, read

LONGEST = 4096

_TYPE = re.compile(r"^(?:smtp;\s*)+", re.IGNORECASE)
_CODE = re.compile(r"[^\w\s]?([2-5]\d\d)(?![\w.])[ -]?")
_HANDED_ON = re.compile(r"(?:\bsaid:|\breturned|<<<|->)\s*[\"'<]?([45]\d\d)(?![\w.])[ -]?", re.IGNORECASE)
_STATUS = re.compile(r"\s*#?([245]\.\d{1,3}\.\d{1,3})(?![\w.])[ :;,-]?")
_WORDS_ONLY = 450  # what has words and no code is read by its words and never costs an address


@dataclass(frozen=True, slots=True)
class Quoted:
    """A reply: `code` is 0 where none stands there, `enhanced` is empty where no status does."""

    code: int
    enhanced: str
    text: str


def reply_in(quoted: str) -> Quoted:
    """Return the reply that stands in a text; a text without a code may be a status or words alone."""
    text = _TYPE.sub("", quoted[:LONGEST].strip(), count=1)
    found = _CODE.match(text) or _HANDED_ON.search(text)
    if found is None:
        status = _STATUS.match(text)
        return Quoted(int(status[1][0]) * 100 + 50 if status else 0, *_status(text))
    return Quoted(int(found[1]), *_status(_one_line(text[found.end() :], found[1])))


def read_quoted(carriers: Carriers, mx: str, stage: str, quoted: str) -> Reading:
    """Return what a quoted reply means (`mx` and `stage` as for `read`)."""
    reply = reply_in(quoted)
    reading = read(carriers, None, mx, stage, reply.code, reply.enhanced, reply.text)
    if reply.code or not reply.text or reading != UNREADABLE:
        return reading
    return read(carriers, None, mx, stage, _WORDS_ONLY, "", reply.text)


def _one_line(text: str, code: str) -> str:
    """Take out the codes by which further lines begin (RFC 5321 §4.2.1), with their status (RFC 2034 §4)."""
    if code not in text:
        return text
    return re.sub(rf"\s+{code}[ -](?:\s*[245]\.\d{{1,3}}\.\d{{1,3}}\s)?", " ", text)


def _status(text: str) -> tuple[str, str]:
    found = _STATUS.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)
