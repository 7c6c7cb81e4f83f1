"""Where does a domain want reports about TLS?

RFC 8460 §3: one TXT record at _smtp._tls.DOMAIN names mailboxes and web addresses. What cannot be used is left out, and
more than a few destinations are not tried: a record must not make us write to the whole world.
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
    return tuple(_destinations(ours[0]))[:MOST_DESTINATIONS] if len(ours) == 1 else ()


def _destinations(text: str) -> Iterator[Destination]:
    for field in text.split(";")[1:]:
        key, _, value = field.strip().partition("=")
        if key == "rua":
            for uri in value.split(","):
                destination = _destination(uri.strip())
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
