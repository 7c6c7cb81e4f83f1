"""Which recipients does a program's notification in a mail name?

Amazon SES hands its events on as JSON in the text of a mail (SES Developer Guide, "notification contents"). Only its
documented members are looked at.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mailer.bounce.address_in import address_in
from mailer.bounce.event import Kind

MOST = 100
LONGEST = 64_000


@dataclass(frozen=True, slots=True)
class Notified:
    """A recipient: `kind` complaint or delivered, or None for a mail that was given up, with its words and status."""

    address: str
    kind: Kind | None
    words: str = ""
    status: str = ""


def notified(text: str) -> Iterator[Notified]:
    """Give the recipients of a notification; none where the text is no such JSON."""
    document = _document(text[:LONGEST])
    bounce, complaint, delivery = (_object(document, name) for name in ("bounce", "complaint", "delivery"))
    for one in _list(bounce, "bouncedRecipients"):
        address = address_in(_text(one, "emailAddress"))
        if address:
            yield Notified(address, None, _text(one, "diagnosticCode") or _subtype(bounce), _text(one, "status"))
    for one in _list(complaint, "complainedRecipients"):
        if address := address_in(_text(one, "emailAddress")):
            yield Notified(address, Kind.COMPLAINT)
    for said in _list(delivery, "recipients"):
        if isinstance(said, str) and (address := address_in(said)):
            yield Notified(address, Kind.DELIVERED)


def _subtype(bounce: Mapping[str, Any]) -> str:
    """Return the class of trouble (`MailboxFull`) as words; it stands alone where no server has said anything."""
    return " ".join(re.findall("[A-Z][a-z]+", _text(bounce, "bounceSubType")[:100]))


def _document(text: str) -> Mapping[str, Any]:
    begin = text.find("{")
    if begin < 0 or '"mail"' not in text:
        return {}
    found = _decoded(text[begin:])
    if found is None:
        # Sendmail breaks lines that are too long by `!` (its mailer's L=), and they are longer than any other mail's.
        found = _decoded(text[begin:].replace("!\n ", ""))
    inner = found.get("Message") if isinstance(found, dict) else None
    if isinstance(inner, str):
        return _document(inner)
    return found if isinstance(found, dict) else {}


def _decoded(text: str) -> object:
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found[:MOST] if isinstance(found, list) else []


def _text(value: object, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
