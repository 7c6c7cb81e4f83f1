"""What does a delivery status report say of each recipient?

Reads the fields of RFC 3464 §2 (and RFC 6533 §4.1), whatever became of the blank lines between their groups: a new
recipient begins where a group does, or where a field comes again that has been said. Fields that stand in words for
people, because the parts were lost, are read alike.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_RECIPIENTS = 200
MOST_LINES = 5000
LONGEST_VALUE = 4000

RECIPIENT_FIELDS = frozenset({"final-recipient", "original-recipient", "action", "status", "diagnostic-code",
                              "remote-mta", "x-actual-recipient", "x-supplementary-info"})  # fmt: skip
#: PowerMTA's field for the class of trouble.
_CATEGORY = "x-powermta-bouncecategory"
_NAMING = ("final-recipient", "original-recipient", "action")
_FIELD = re.compile(r"[ \t]{0,3}([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]?(.*)")
_STATUS = re.compile(r"(?<![\d.])([245])(?:\. ?| )(\d{1,3})(?:\. ?| )(\d{1,3})(?![\d.])")
#: A character of an address as RFC 6533 §3 writes it where eight bits do not go.
_CHARACTER = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """What a report says of one recipient (RFC 3464 §2.3); whatever it does not say is empty.

    `action` (RFC 3464 §2.3.3) is in small letters; `status` like 5.1.1; `diagnostic` stands without its type;
    `category` is the class of trouble that some servers add in a word.
    """

    original: str
    final: str
    action: str
    status: str
    diagnostic: str
    host: str
    category: str = ""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The server that made a report, and what it says of each recipient."""

    reporting_mta: str
    recipients: tuple[ReportedRecipient, ...]


def read_status_report(text: str) -> StatusReport:
    """Return what the fields in a text say; without any, a report about nobody."""
    reporting, recipients = "", []
    for group in _groups(text):
        reporting = reporting or _typed(group.get("reporting-mta", ""))[1]
        if "action" in group or "final-recipient" in group:
            recipients.append(_recipient(group))
        if len(recipients) >= MOST_RECIPIENTS:
            break
    return StatusReport(reporting, tuple(recipients))


def _groups(text: str) -> Iterator[Fields]:
    """Give the groups of fields, each value unfolded."""
    group: dict[str, list[str]] = {}
    name = ""
    for line in text.split("\n")[:MOST_LINES]:
        field = _FIELD.match(line)
        key = field[1].lower() if field else ""
        if not line.strip() or (key in group and key in _NAMING):
            yield _joined(group)
            group, name = {}, ""
        if field and (line[:1] not in (" ", "\t") or key in RECIPIENT_FIELDS):
            name = key
            group.setdefault(name, []).append(field[2].strip())
        elif name and line.strip():
            group[name].append(line.strip())
    yield _joined(group)


def _joined(group: dict[str, list[str]]) -> Fields:
    return {name: " ".join(filter(None, pieces))[:LONGEST_VALUE] for name, pieces in group.items()}


def _recipient(group: Fields) -> ReportedRecipient:
    _, diagnostic = _typed(group.get("diagnostic-code", ""))
    told = group.get("status", "")
    status = _STATUS.search(told)
    return ReportedRecipient(
        original=_address(group, "original-recipient"),
        final=_address(group, "final-recipient") or _address(group, "x-actual-recipient"),
        action=group.get("action", "").partition(" ")[0].partition("(")[0].strip().lower(),
        status=".".join(status.groups()) if status else "",
        diagnostic=diagnostic or (told if status is None else ""),
        host=_typed(group.get("remote-mta", ""))[1].partition(" ")[0].strip("[]()").lower().rstrip("."),
        category=group.get(_CATEGORY, ""),
    )


def _address(group: Fields, name: str) -> str:
    """Return what a field tells of a recipient; its characters that were written as numbers as such (RFC 6533 §3)."""
    kind, address = _typed(group.get(name, ""))
    return _CHARACTER.sub(_character, address) if kind.startswith("utf-8") else address


def _character(number: re.Match[str]) -> str:
    code = int(number[1], 16)
    return chr(code) if 0x20 < code < 0xD800 or 0xE000 <= code <= 0x10FFFF else number[0]


def _typed(value: str) -> tuple[str, str]:
    """Return the type of a value (`smtp; 550 …`, `dns; mx.example.jp`) in small letters, and what stands behind it."""
    kind, semicolon, rest = value.partition(";")
    if semicolon and re.fullmatch(r"\s*[A-Za-z0-9_-]{1,40}\s*", kind):
        return kind.strip().lower(), rest.strip()
    return "", value.strip()
