"""Which text may staff write, and what of it goes out?

A body is never refused for its characters: safety mail must leave. What cannot be sent (control characters,
lone surrogates, and Unicode's noncharacters, at which some readers give up) is replaced by a visible sign, and
every kind of line end becomes a line end. A subject or a name stands in a header field, where a hidden line end
is an attack (RFC 5322 §2.2), so there the same characters are refused with a reason. Raises TextError.
"""

import re
from collections.abc import Mapping

MAX_TEXT_OCTETS = 100 * 1024
MAX_SUBJECT_CHARACTERS = 200
MAX_NAME_CHARACTERS = 100

#: What each refusal means, for the person who typed the text.
REASONS: Mapping[str, str] = {
    "empty": "Nothing is written here.",
    "too_long": "This is too long.",
    "line_end": "A line break is not allowed here.",
    "control": "This contains a control character, which is not allowed here.",
    "broken": "This contains a broken character, as is left over when text is cut in the middle of a character.",
}

_LINE_END = re.compile("\r\n|[\n\v\f\r\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_CONTROL_OR_TAB = re.compile("[\x00-\x1f\x7f-\x9f]")
_PLANE_ENDS = "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
_BROKEN = re.compile(f"[\ud800-\udfff\ufdd0-\ufdef{_PLANE_ENDS}]")


class TextError(ValueError):
    """A text cannot be sent as it is: `reason` is a key of REASONS, `detail` says more or is empty."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(REASONS[reason] + (f" ({detail})" if detail else ""))
        self.reason = reason
        self.detail = detail


def clean_text(text: str) -> str:
    """Return `text` as it will be read: line ends as `\\n`, unsendable characters as visible signs. Never raises.

    Control characters become their pictures (U+2400 to U+2421), those of C1 and broken characters U+FFFD.
    Tabs stay. Cleaning a cleaned text changes nothing.
    """
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # two halves make a whole
    return _CONTROL.sub(_picture, _BROKEN.sub("\ufffd", _LINE_END.sub("\n", joined)))


def check_text(text: str) -> str:
    """Return the cleaned text of a body; raise TextError if nothing is left of it or it is over 100 KB of UTF-8."""
    cleaned = clean_text(text)
    if not cleaned.strip():
        raise TextError("empty")
    octets = len(cleaned.encode())
    if octets > MAX_TEXT_OCTETS:
        raise TextError("too_long", f"{octets} > {MAX_TEXT_OCTETS} octets")
    return cleaned


def check_subject(subject: str) -> None:
    """Raise TextError unless `subject` is one line of 1 to 200 sendable characters."""
    _check_line(subject, MAX_SUBJECT_CHARACTERS)


def check_name(name: str) -> None:
    """Raise TextError unless `name`, as of a school or sender, is one line of 1 to 100 sendable characters."""
    _check_line(name, MAX_NAME_CHARACTERS)


def _check_line(line: str, limit: int) -> None:
    for reason, pattern in (("line_end", _LINE_END), ("control", _CONTROL_OR_TAB), ("broken", _BROKEN)):
        if found := pattern.search(line):
            raise TextError(reason, f"U+{ord(found[0][0]):04X}")
    if not line.strip():
        raise TextError("empty")
    if len(line) > limit:
        raise TextError("too_long", f"{len(line)} > {limit}")


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
