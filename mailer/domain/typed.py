"""Which characters may a line that a person typed not hold?

A name, a login or a service's name is one visible line. Line breaks and control characters would break
out of a header field or a page, and characters nobody sees would make two names of what looks like one.
"""

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

#: What surrounds a value without belonging to it: the tabulator and every kind of space, full-width too.
BLANKS = "\t " + "".join(chr(code) for code in (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))


def hidden_character(text: str) -> str:
    """Return the first character of `text` that breaks the line or is not seen, as `U+2028`; empty if there is none."""
    if text.isprintable():
        return ""
    return next((f"U+{ord(character):04X}" for character in text if unicodedata.category(character) in _HIDDEN), "")


def visible(text: str, longest: int) -> str:
    """Return at most `longest` characters of `text`, each hidden one replaced by U+FFFD, to be shown to a person."""
    if text[:longest].isprintable():
        return text[:longest]
    return "".join("\ufffd" if hidden_character(character) else character for character in text[:longest])
