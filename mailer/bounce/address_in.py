"""Which address stands in this text?

Looser than what may be registered: local parts as phones have them, quotes, capitals. What is not an address is none.
"""

import re
from functools import lru_cache

#: A report asks again and again for the addresses of the mail that it is about, for each recipient.
REMEMBERED = 16

ADDRESS = (
    r"(?:\"[^\"\n]{1,64}\"|[^\s<>()\[\]{}\"',;:@|\\]{1,128})@(?:[A-Za-z0-9_-]{1,63}\.){1,10}[A-Za-z][A-Za-z0-9_-]{1,62}"
)

#: Not the end of a local part that is too long: that would be somebody else.
_ADDRESS = re.compile(rf"(?<![^\s<>()\[\]{{}}\"',;:@|\\]){ADDRESS}")


def address_in(text: str) -> str:
    """Return the first address in a text, or an empty text."""
    found = _ADDRESS.search(text[:1000])
    return found[0] if found else ""


def addresses_in(text: str, most: int = 100) -> list[str]:
    """Return the addresses in a text, each once (case is ignored), in their order."""
    return list(_each_once(text[:20_000], most))


@lru_cache(REMEMBERED)
def _each_once(text: str, most: int) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for match in _ADDRESS.finditer(text):
        found.setdefault(match[0].lower(), match[0])
        if len(found) >= most:
            break
    return tuple(found.values())
