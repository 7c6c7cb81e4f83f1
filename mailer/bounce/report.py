"""What does a delivery report say, and about whom?

Reads multipart/report mails (RFC 6522 §3) with a message/delivery-status part (RFC 3464 §2) or its UTF-8 sister
(RFC 6533 §4.1). Anyone can send us bytes, so nothing here raises, recurses or looks at more than a fixed amount: what
cannot be read is no report, and a field that cannot be read is empty. Whether a report is to be believed is
for others to say.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, a2b_qp
from dataclasses import dataclass

from mailer.domain.typed import visible

MOST_OCTETS = 1024 * 1024
MOST_PARTS = 20
MOST_FIELDS = 200
MOST_RECIPIENTS = 100
LONGEST_VALUE = 2000
LONGEST_TEXT = 512
STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")

_PARAMETER = re.compile(r';\s*([A-Za-z0-9!#$&.+^_*-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]+)')
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9])")
_BLANK_LINES = re.compile(rb"\n(?:[ \t]*\n)+")

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """What a report says of one recipient (RFC 3464 §2.3); whatever it does not say is empty."""

    final_recipient: str
    original_recipient: str
    action: str
    status: str
    diagnostic: str
    remote_mta: str


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report: the server that made it, and what it says of each recipient."""

    reporting_mta: str
    recipients: tuple[ReportedRecipient, ...]


def read_report(content: bytes) -> Report | None:
    """Return the delivery report that a mail (whole, with its header) is, or None if it is none."""
    header, body = _halves(content[:MOST_OCTETS].replace(b"\r\n", b"\n"))
    kind, parameters = _content_type(_fields(header))
    boundary = parameters.get("boundary", "")
    if kind != "multipart/report" or not boundary:
        return None
    if parameters.get("report-type", "delivery-status").lower() != "delivery-status":
        return None
    for part in _parts(body, boundary):
        part_header, part_body = _halves(part)
        fields = _fields(part_header)
        if _content_type(fields)[0] in STATUS_TYPES:
            return _report(_decoded(part_body, fields))
    return None


def _report(status: bytes) -> Report:
    groups = [_fields(group) for group in _BLANK_LINES.split(status.strip(b"\n"), MOST_RECIPIENTS)]
    recipients = tuple(_recipient(group) for group in groups if "action" in group)
    reporting = next((group["reporting-mta"] for group in groups if "reporting-mta" in group), "")
    return Report(_typed(reporting), recipients)


def _recipient(fields: Fields) -> ReportedRecipient:
    status = _STATUS.match(fields.get("status", ""))
    return ReportedRecipient(
        final_recipient=_address(fields.get("final-recipient", "")),
        original_recipient=_address(fields.get("original-recipient", "")),
        action=fields["action"].split(" ")[0].lower(),
        status=status[0] if status else "",
        diagnostic=_typed(fields.get("diagnostic-code", "")),
        remote_mta=_typed(fields.get("remote-mta", "")),
    )


def _typed(value: str) -> str:
    """Return the value behind its type (`smtp; 550 …`, `dns; mx.example.jp`), short and fit to be shown."""
    return visible(value.partition(";")[2].strip() or value, LONGEST_TEXT)


def _address(value: str) -> str:
    address = value.partition(";")[2].strip() or value
    return address[1:-1] if address[:1] == "<" and address[-1:] == ">" else address


def _halves(content: bytes) -> tuple[bytes, bytes]:
    """Split a mail or part at its first empty line; without a header the first half is empty."""
    if content.startswith(b"\n"):
        return b"", content[1:]
    header, _, body = content.partition(b"\n\n")
    return header, body


def _fields(block: bytes) -> Fields:
    """Return the fields of a header or group by name in small letters, unfolded; of a repeated field the first."""
    collected: dict[str, list[str]] = {}
    current: list[str] = []
    for line in block.split(b"\n"):
        text = line[:LONGEST_VALUE].decode("utf-8", "replace")
        name, colon, value = text.partition(":")
        if text[:1] in (" ", "\t"):
            current.append(text.strip())
        elif colon and name.strip() and len(collected) < MOST_FIELDS:
            current = [value.strip()]
            collected.setdefault(name.strip().lower(), current)
    return {name: " ".join(pieces)[:LONGEST_VALUE] for name, pieces in collected.items()}


def _content_type(fields: Fields) -> tuple[str, dict[str, str]]:
    """Return the media type in small letters and its parameters (RFC 2045 §5.1)."""
    value = fields.get("content-type", "")
    parameters = {name.lower(): _unquoted(text) for name, text in _PARAMETER.findall(value)}
    return value.partition(";")[0].strip().lower(), parameters


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] == '"' else text


def _parts(body: bytes, boundary: str) -> list[bytes]:
    """Return the first parts of a multipart body (RFC 2046 §5.1.1), each beginning with its header."""
    line = re.compile(rb"^--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?:\n|\Z)", re.MULTILINE)
    parts: list[bytes] = []
    begin: int | None = None
    for delimiter in line.finditer(body):
        if begin is not None:
            parts.append(body[begin : delimiter.start()])
        if delimiter[1] or len(parts) >= MOST_PARTS:
            return parts
        begin = delimiter.end()
    return parts if begin is None else [*parts, body[begin:]]


def _decoded(body: bytes, fields: Fields) -> bytes:
    encoding = fields.get("content-transfer-encoding", "").lower()
    try:
        plain = a2b_base64(body) if encoding == "base64" else a2b_qp(body) if encoding == "quoted-printable" else body
    except Base64Error:
        return b""
    return plain.replace(b"\r\n", b"\n")
