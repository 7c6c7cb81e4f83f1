"""Which other address may a person have meant?

Only ever a question to the person (N6): an address that differs in a single letter, or in its case, may be somebody
else's. Keys are those of `smtp.address`: the domain in lower case, nothing else changed.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from mailer.smtp.address import AddressError, parse_address

#: What a domain may end in without saying who runs it: docomo.co.jp, docomo.com and docomo.ne.jp are alike.
ENDINGS = frozenset({"jp", "com", "net", "org", "ne", "co", "or", "ac", "ad", "ed", "go", "gr", "lg"})
_IN_BRACKETS = re.compile(r"<([^<>]*)>")
_MAILTO = re.compile(r"mailto:([^?]*).*", re.IGNORECASE)
#: What may stand before and after an address in a text and is none of it. A dot before it is its own.
BEFORE = "\"'(<[{«‘“「『【〈《〔"
AFTER = "\"')>]}»’”」』】〉》〕.,;:!?、。"


def key_within(text: str) -> str:
    """Return the key of the address that a text holds as it was typed or pasted; empty if it holds none."""
    for one in _spellings(text):
        try:
            return parse_address(one).key
        except AddressError:
            continue
    return ""


def _spellings(text: str) -> Iterator[str]:
    """Yield a text without blanks and full-width letters, then what may be an address without name and brackets."""
    text = unicodedata.normalize("NFKC", text)
    yield _visible(text)
    inside = [text, *_IN_BRACKETS.findall(text)][-1]
    yield _MAILTO.sub(r"\1", _visible(inside)).lstrip(BEFORE).rstrip(AFTER)


def _visible(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable() and letter != " ")


def other_domains(key: str, domains: Iterable[str]) -> tuple[str, ...]:
    """Return the keys with the same local part at those of these domains that are written much like the typed one."""
    local, _, typed = key.rpartition("@")
    return tuple(f"{local}@{domain}" for domain in sorted(set(domains)) if is_near(typed, domain))


def is_near(typed: str, domain: str) -> bool:
    """Tell whether one domain is another with one slip of the finger, or with another ending."""
    return typed != domain and (_core(typed) == _core(domain) or _is_one_slip(typed, domain))


def _core(domain: str) -> tuple[str, ...]:
    labels = domain.split(".")
    while len(labels) > 1 and labels[-1] in ENDINGS:
        labels.pop()
    return tuple(labels)


def _is_one_slip(one: str, other: str) -> bool:
    """Tell whether a letter more, fewer or another, or two in the wrong order, makes one text of the other."""
    short, long = sorted((one, other), key=len)
    at = next((place for place, letter in enumerate(short) if letter != long[place]), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = long[at + 1 : at + 2] + long[at : at + 1] + long[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or short[at:] == swapped
