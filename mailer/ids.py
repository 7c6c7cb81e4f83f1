"""How is a new thing named? The one place of the product that draws chance for names and secrets.

Names of announcements and windows are short enough to be read out over the telephone: Crockford's
base 32 has no I, L, O or U to be misheard.
"""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def random_id(prefix: str) -> str:
    """Return `prefix` and seven characters of chance (35 bits), as in `B7K3Q9Z1`."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(7))


def session_number(milliseconds: int) -> int:
    """Return a number for a session that began so long after 1970: in order of time, and unlike any other."""
    return milliseconds << 20 | secrets.randbits(20)
