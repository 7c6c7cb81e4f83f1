"""Where does a mail address stand in what somebody else wrote?

In the text of a reply, in a report, in an exception. It may be written as in a URL (`%40`) or with a full-width ＠, and
too much is taken for one rather than too little.
"""

import re
from collections.abc import Callable

_ADDRESS = re.compile(
    r"""("(?:[^"\\]|\\.){0,320}"|[^\s<>"'(),:;=\[\]@＠]{1,320}?)"""
    r"""((?:@|＠|%40)[^\s<>"'(),:;=\[\]@＠]{1,255})"""
)


def replace_addresses(text: str, by: Callable[[str, str], str]) -> str:
    """Return a text with each address as `by` makes it of its local part and of the rest, from its @ on."""
    return _ADDRESS.sub(lambda found: by(found[1], found[2]), text)
