"""Where does a domain want reports about TLS?

RFC 8460 §3: one TXT record at _smtp._tls.DOMAIN names mailboxes and web addresses. One that is not written as it should
be counts as none. What is well written and cannot be used is left out, and more than a few destinations are not tried:
a record must not make us write to the whole world.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from mailer.smtp.address import Address, AddressError, parse_address

NAME = "_smtp._tls."
MOST_DESTINATIONS = 4
LONGEST_URL = 2000
_STRINGS = re.compile(r'"([^"\\]*)"')
_RECORD = re.compile(r"v=TLSRPTv1[ \t]*;")
_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[ \t!-:<>-~]+")
#: A URI (RFC 3986) in which ! , and ; are written with %.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+=-]|%[0-9A-Fa-f]{2})*")
_VISIBLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Reports are wanted by mail."""

    address: Address

    def __str__(self) -> str:
        return f"mailto:{self.address.text}"


@dataclass(frozen=True, slots=True)
class Web:
    """Reports are wanted by HTTPS."""

    url: str

    def __str__(self) -> str:
        return self.url


Destination = Mailbox | Web


def read_record(records: Iterable[str]) -> tuple[Destination, ...]:
    """Return where the TXT records, in presentation form, want reports; nowhere unless one of them is of the kind."""
    texts = ["".join(_STRINGS.findall(record)) for record in records]
    ours = [text for text in texts if _RECORD.match(text)]
    return tuple(_destinations(_uris(ours[0])))[:MOST_DESTINATIONS] if len(ours) == 1 else ()


def _uris(text: str) -> list[str]:
    """Return what the fields `rua` of a record name; nothing if the record is not well written."""
    fields = [field.strip(" \t") for field in text.split(";")[1:]]
    if len(fields) > 1 and fields[-1] == "":  # a delimiter may stand at the end
        fields.pop()
    found = [value for field in fields if field.startswith("rua=") for value in field.removeprefix("rua=").split(",")]
    uris = [value.strip(" \t") for value in found]
    others = [field for field in fields if not field.startswith("rua=")]
    return uris if all(map(_FIELD.fullmatch, others)) and all(map(_URI.fullmatch, uris)) else []


def _destinations(uris: Iterable[str]) -> Iterator[Destination]:
    for uri in uris:
        destination = _destination(uri)
        if destination is not None:
            yield destination


def _destination(uri: str) -> Destination | None:
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "mailto":
        return _mailbox(rest.partition("?")[0])
    return Web(uri) if scheme.lower() == "https" and _is_url(uri) else None


def _mailbox(text: str) -> Mailbox | None:
    try:
        return Mailbox(parse_address(unquote(text, errors="strict")))
    except (AddressError, UnicodeDecodeError):
        return None


def _is_url(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        usable = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
    return usable and len(uri) <= LONGEST_URL and _VISIBLE.fullmatch(uri) is not None and not parts.fragment
