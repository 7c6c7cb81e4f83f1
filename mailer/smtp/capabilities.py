"""What did the server offer in its answer to EHLO?

The keywords are those of RFC 5321 §4.1.1.1; of all that a server may offer only what the client uses is read.
Keywords ignore case. A parameter that makes no sense counts as absent. Raises nothing. Courier's PIPELINING counts as
not offered: it forgets the commands right behind the end of a mail, which RFC 2920 §3.1 lets come, and both would wait.
"""

from dataclasses import dataclass

_COURIER = "XVERP=COURIER"
_MAX_SIZE_DIGITS = 20  # RFC 1870 §4: a size has up to 20 digits


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a session may use. `size` in octets, 0 where no limit is fixed, None where SIZE is not offered."""

    pipelining: bool = False
    size: int | None = None
    eight_bit_mime: bool = False
    smtputf8: bool = False
    starttls: bool = False
    chunking: bool = False
    requiretls: bool = False
    proved: bool = False


#: After HELO nothing is offered.
NOTHING = Capabilities()


def read_capabilities(text: str) -> Capabilities:
    """Return what the text of a positive reply to EHLO offers; its first line is the server's name and greeting."""
    offers: dict[str, str] = {}
    for line in text.split("\n")[1:]:
        keyword, _, parameters = line.strip().partition(" ")
        offers.setdefault(keyword.upper(), parameters)
    return Capabilities(
        pipelining="PIPELINING" in offers and _COURIER not in offers,
        size=_size(offers["SIZE"]) if "SIZE" in offers else None,
        eight_bit_mime="8BITMIME" in offers,
        smtputf8="SMTPUTF8" in offers,
        starttls="STARTTLS" in offers,
        chunking="CHUNKING" in offers,
        requiretls="REQUIRETLS" in offers,
    )


def _size(parameters: str) -> int:
    """Return the fixed limit in octets, 0 where none is named (RFC 1870 §4)."""
    digits = parameters.strip()
    readable = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_SIZE_DIGITS
    return int(digits) if readable else 0
