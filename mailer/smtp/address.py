"""Which address did a person type, and how is it written on the wire?

An address is kept as typed and never folded or normalised: on a Japanese phone domain another spelling
may be another guardian. The local part is any row of atext, dots and non-ASCII characters (RFC 5321 §4.1.2,
RFC 6531 §3.3). That is wider than a dot-atom on purpose: docomo and au gave out `a..b@`, `abc.@` and `.abc@`
until 2009. Such an `irregular` local part goes out as a quoted string, which means the same, or bare where a
server does not understand quotes. Narrower than the RFC: quoted local parts with other characters, comments,
address literals and domains without a dot are refused. Domains follow IDNA 2008 without the mappings of UTS 46
(RFC 5891 §5): a mapping would silently turn one name into another; only the case is ignored.
Lengths: RFC 5321 §4.5.3.1.1 (local part) and §4.5.3.1.3 (path). Raises AddressError.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import idna

MAX_LOCAL_OCTETS = 64
MAX_ADDRESS_OCTETS = 254  # a path may have 256 octets, two of them are `<` and `>`
MAX_LABEL_OCTETS = 63

#: What each refusal means, for the person who typed the address.
REASONS: Mapping[str, str] = {
    "empty": "The address is empty.",
    "control": "The address contains an invisible or control character.",
    "space": "The address contains a space.",
    "fullwidth": "The address contains full-width letters or signs; type it in half-width characters.",
    "no_at": "The address has no @.",
    "several_at": "The address has more than one @.",
    "empty_local": "Nothing stands before the @.",
    "empty_domain": "Nothing stands after the @.",
    "bad_local": "The part before the @ contains a character that no address may have.",
    "bad_quotes": "The quotation marks before the @ are not closed or enclose nothing.",
    "bad_domain": "The part after the @ is not a domain name.",
    "no_dot": "The part after the @ has no dot, so it is not a complete domain name.",
    "literal": "The part after the @ is a network address in brackets; a domain name is needed.",
    "too_long": "The address is longer than mail servers allow.",
}

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u0080-\U0010ffff]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


class AddressError(ValueError):
    """A text is no address we can send to: `reason` is a key of REASONS, `detail` the offending piece or empty."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(REASONS[reason] + (f" ({detail})" if detail else ""))
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox as typed, the local part without quotation marks. No invalid one can be made: AddressError."""

    local: str
    domain: str

    def __post_init__(self) -> None:
        _check_characters(self.local + self.domain)
        _check_local(self.local)
        if len(self.local.encode()) + 1 + len(_checked_domain(self.domain)) > MAX_ADDRESS_OCTETS:
            raise AddressError("too_long", f"more than {MAX_ADDRESS_OCTETS} octets")

    @property
    def text(self) -> str:
        """Return the address as people write it: `a..b@docomo.ne.jp`."""
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """Return the text by which addresses are compared: local part unchanged, domain lower-case in A-labels."""
        return f"{self.local}@{_checked_domain(self.domain).lower()}"

    @property
    def irregular(self) -> bool:
        """Tell whether the local part is no dot-string (RFC 5321 §4.1.2): a leading, trailing or doubled dot."""
        return self.local[0] == "." or self.local[-1] == "." or ".." in self.local

    @property
    def utf8(self) -> bool:
        """Tell whether the receiving server must offer SMTPUTF8 (RFC 6531 §3.2); a domain alone never needs it."""
        return not self.local.isascii()

    @property
    def header(self) -> str:
        """Return the addr-spec for a header field (RFC 5322 §3.4.1), quoted where the local part is irregular."""
        return (
            f'"{self.local}"@{_checked_domain(self.domain)}'
            if self.irregular
            else f"{self.local}@{_checked_domain(self.domain)}"
        )

    def wire(self, bare: bool = False) -> bytes:
        """Return what stands between `<` and `>` in RCPT; `bare` leaves an irregular local part without quotes."""
        return (f"{self.local}@{_checked_domain(self.domain)}" if bare else self.header).encode()


def parse_address(text: str) -> Address:
    """Return the address typed in `text`; raise AddressError where it is none. Nothing is trimmed or folded."""
    if not text:
        raise AddressError("empty")
    if len(text) > MAX_ADDRESS_OCTETS + 2:
        raise AddressError("too_long", f"more than {MAX_ADDRESS_OCTETS} octets")
    _check_characters(text)
    if text.count("@") != 1:
        raise AddressError("several_at" if "@" in text else "no_at")
    local, domain = text.split("@")
    return Address(_unquote(local), domain)


def _unquote(local: str) -> str:
    """Take the quotation marks off; what they may enclose here needs none, so the meaning stays (RFC 5321 §4.1.2)."""
    if '"' not in local:
        return local
    if len(local) < 3 or local[0] != '"' or local[-1] != '"':
        raise AddressError("bad_quotes")
    return local[1:-1]


def _check_characters(text: str) -> None:
    if text.isascii() and text.isprintable() and " " not in text:
        return
    for character in text:
        if unicodedata.category(character) == "Zs":
            raise AddressError("space", _name(character))
        if not character.isprintable():
            raise AddressError("control", _name(character))
        if "\uff01" <= character <= "\uff5e":
            raise AddressError("fullwidth", character)


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"


def _check_local(local: str) -> None:
    if not local:
        raise AddressError("empty_local")
    if not _LOCAL.fullmatch(local):
        raise AddressError("bad_local", next(c for c in local if not _LOCAL.fullmatch(c)))
    if len(local.encode()) > MAX_LOCAL_OCTETS:
        raise AddressError("too_long", f"more than {MAX_LOCAL_OCTETS} octets before the @")


@lru_cache(maxsize=4096)
def _checked_domain(domain: str) -> str:
    """Return the domain in A-labels (RFC 5891 §5.5), an ASCII one as typed. A town writes to few domains many times."""
    if not domain:
        raise AddressError("empty_domain")
    if domain[0] == "[":
        raise AddressError("literal")
    labels = domain.split(".")
    if len(labels) < 2:
        raise AddressError("no_dot", domain)
    for label in labels:
        _check_label(label)
    if labels[-1].isdigit():  # RFC 3696 §2: a top-level domain is never all-numeric; this is an IPv4 address
        raise AddressError("bad_domain", labels[-1])
    return ".".join(label if label.isascii() else idna.alabel(label.lower()).decode("ascii") for label in labels)


def _check_label(label: str) -> None:
    if label.isascii():
        good = _LABEL.fullmatch(label) and len(label) <= MAX_LABEL_OCTETS
        if not good or (label[:4].lower() == "xn--" and not _is_a_label(label)):
            raise AddressError("bad_domain", label)
        return
    try:
        idna.alabel(label.lower())
    except idna.IDNAError as error:
        raise AddressError("bad_domain", label) from error


def _is_a_label(label: str) -> bool:
    try:
        idna.ulabel(label.lower())
    except idna.IDNAError:
        return False
    return True
