"""How does Japanese stand in a header field?

As encoded words that we make ourselves, always UTF-8 in base64 (RFC 2047 §2, §4.1): none over 75 octets, no line
with one over 76, no character split (RFC 2047 §5). Plain ASCII stays as it is, unless a reader could take it
for an encoded word (`=?`): then it is encoded too, so that nobody ever decodes what staff typed. Values come
checked by `text.check_subject` and `text.check_name`. Each function returns whole fields with their CRLF.
"""

import re
from base64 import b64encode

LINE = 76
MAX_WORD = 75
FRAME = len("=?utf-8?B??=")

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")


def plain(name: str, value: str) -> bytes:
    """Return the field of a value that is ours and short ASCII already."""
    return f"{name}: {value}\r\n".encode("ascii")


def unstructured(name: str, value: str) -> bytes:
    """Return a field of free text, such as Subject (RFC 5322 §2.2.1)."""
    fits = _readable(value) and value == value.strip() and len(name) + 2 + len(value) <= LINE
    return plain(name, value if fits else encoded_words(value, len(name) + 2))


def named(name: str, display: str, angle: str) -> bytes:
    """Return a field of a display name and an `angle`, as `<addr-spec>` (RFC 5322 §3.4) or a list's id."""
    start = len(name) + 2
    value = phrase(display, start)
    last_line = value.rsplit("\r\n", 1)
    used = len(last_line[-1]) + (start if len(last_line) == 1 else 0)
    return plain(name, value + (" " if used + 1 + len(angle) <= LINE else "\r\n ") + angle)


def phrase(display: str, start: int) -> str:
    """Return a display name as atoms, a quoted string (RFC 5322 §3.2.4) or encoded words, from column `start` on."""
    if not _readable(display):
        return encoded_words(display, start)
    if _ATOMS.fullmatch(display) and start + len(display) <= LINE:
        return display
    quoted = '"' + re.sub(r'(["\\])', r"\\\1", display) + '"'
    return quoted if start + len(quoted) <= LINE else encoded_words(display, start)


def encoded_words(text: str, start: int) -> str:
    """Return `text` as encoded words, folded, the first of them beginning at column `start`."""
    words: list[str] = []
    piece = b""
    for character in text:
        octets = character.encode()
        if len(piece) + len(octets) > _room(0 if words else start):
            words.append(_word(piece))
            piece = b""
        piece += octets
    return "\r\n ".join([*words, _word(piece)])


def _readable(value: str) -> bool:
    return value.isascii() and "=?" not in value


def _room(start: int) -> int:
    """Return how many octets of text fit into an encoded word at column `start`, or at the start of a folded line."""
    return (min(MAX_WORD, LINE - start) - FRAME) // 4 * 3


def _word(octets: bytes) -> str:
    return f"=?utf-8?B?{b64encode(octets).decode('ascii')}?="
