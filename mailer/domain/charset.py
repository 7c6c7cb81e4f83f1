"""Is this file text, and what does it say?

People save their files as UTF-8, with or without a mark, or as CP932 (Windows' Shift_JIS). Nothing is guessed beyond
that: damaged UTF-8 would often decode as CP932, into other characters, and nobody would notice before all
guardians have it. Raises NoText.
"""

import re

NO_TEXT = (b"\xff\xfe", b"\xfe\xff", b"PK\x03\x04")  # UTF-16, and the archive that a spreadsheet is
MARK = b"\xef\xbb\xbf"


class NoText(ValueError):
    """Bytes are neither UTF-8 nor CP932: `line` (from 1) and `octet` say where that shows first."""

    def __init__(self, content: bytes, offset: int) -> None:
        self.line = 1 + len(re.findall(rb"\r\n|\r|\n", content[:offset]))
        self.octet = content[offset]
        super().__init__(f"line {self.line}: 0x{self.octet:02X} is neither UTF-8 nor CP932")


def decode(content: bytes) -> str:
    """Return the text of a file, without a mark; raise NoText."""
    if content.startswith(NO_TEXT):
        raise NoText(content, 0)
    try:
        # Half a character (a lone surrogate), as some programs leave it, is let through: the mail shows it as �.
        return content.removeprefix(MARK).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        if content.startswith(MARK) or _mostly_utf8(content):
            raise NoText(content, error.start) from error
    try:
        return content.decode("cp932")
    except UnicodeDecodeError as error:
        raise NoText(content, error.start) from error


def _mostly_utf8(content: bytes) -> bool:
    whole, good = content.decode("utf-8", "surrogateescape"), content.decode("utf-8", "ignore")
    beyond_ascii = len(good) - len(good.encode("ascii", "ignore"))
    return beyond_ascii > len(whole) - len(good)
