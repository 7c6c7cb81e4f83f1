"""Which text are these bytes, whatever they are said to be?

Bounces of Japanese systems name one charset and are written in another, or name none. What is said is tried first;
where it does not fit, the charsets of Japan are, and bytes that fit nothing become `�`. ISO-2022-JP is read by
way of CP932, because phones put NEC's row 13 into it (①, ㈱, ㍻), which Python's codec refuses.

Only the charsets named here are ever asked: Python has codecs that take long, unpack, or are no charsets at all.
"""

import re

JIS = "iso-2022-jp"
#: What is said, as names of ours; unknown names count as nothing said.
CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "ansi_x3.4-1968": "ascii",
    "utf-7": "utf-7",
    "unicode-1-1-utf-7": "utf-7",
    "iso-2022-jp": JIS,
    "iso-2022-jp-1": JIS,
    "iso-2022-jp-ms": JIS,
    "csiso2022jp": JIS,
    "cp50220": JIS,
    "cp50221": JIS,
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "cp932": "cp932",
    "windows-31j": "cp932",
    "ms_kanji": "cp932",
    "euc-jp": "euc_jp",
    "x-euc-jp": "euc_jp",
    "eucjp": "euc_jp",
    "cp51932": "euc_jp",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "iso-8859-15": "iso8859_15",
    "iso-8859-2": "iso8859_2",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "koi8-r": "koi8_r",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
GUESSES = ("utf-8", "euc_jp", "cp932")
_SINGLE_BYTE = frozenset({"cp1252", "iso8859_15", "iso8859_2", "cp1250", "cp1251", "koi8_r"})

_HALF = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(rb"\x1b(\$[@B]|\(\$?[ABDIJ]|\$\([D])")
_TWO_BYTE = frozenset({b"$@", b"$B"})
_KATAKANA = b"(I"


def decode(content: bytes, said: str = "") -> str:
    """Return the text of bytes that are said to be of a charset; never raises."""
    name = CHARSETS.get(said.strip().strip("\"'").lower(), "")
    if b"\x1b" in content and name in ("", JIS, "ascii", "utf-8"):
        return _from_jis(content)
    if content.isascii() and name not in ("utf-7", "utf-16", "utf-16-le", "utf-16-be"):
        return content.decode("ascii")
    for charset in _candidates(name):
        try:
            text = content.decode(charset)
        except ValueError:
            continue
        # UTF-7 lets half a character through (a lone surrogate), which no store takes.
        return _HALF.sub("\ufffd", text) if charset == "utf-7" else text
    return content.decode("utf-8", "replace")


def _candidates(name: str) -> tuple[str, ...]:
    """Return what to try; a charset of single octets fits everything, so UTF-8, which seldom does, comes before it."""
    if name in _SINGLE_BYTE:
        return ("utf-8", name, "latin-1")
    return GUESSES if name in ("", JIS, "ascii") else (name, *GUESSES)


def _from_jis(content: bytes) -> str:
    """Return the text of ISO-2022-JP (RFC 1468), with what phones add to it; other bytes outside are guessed."""
    pieces: list[str] = []
    mode, begin = b"(B", 0
    for escape in _ESCAPE.finditer(content):
        pieces.append(_segment(content[begin : escape.start()], mode))
        mode, begin = escape[1], escape.end()
    pieces.append(_segment(content[begin:], mode))
    return "".join(pieces)


def _segment(content: bytes, mode: bytes) -> str:
    if mode in _TWO_BYTE:
        # A line's end returns to ASCII although nobody said so (RFC 1468): what follows a lost escape stays readable.
        first, newline, rest = content.partition(b"\n")
        return _two_byte(first) + newline.decode() + (decode(rest) if newline else "")
    if mode == _KATAKANA:
        return bytes(octet | 0x80 if 0x21 <= octet <= 0x5F else octet for octet in content).decode("cp932", "replace")
    return decode(content.replace(b"\x1b", b""))


def _two_byte(content: bytes) -> str:
    """Return the text of pairs of JIS X 0208, each written as CP932 has it."""
    written = bytearray()
    for high, low in zip(content[::2], content[1::2], strict=False):
        if not (0x21 <= high <= 0x7E and 0x21 <= low <= 0x7E):
            written += b"?"
            continue
        row, odd = divmod(high - 0x21, 2)
        written.append(row + (0x81 if row < 0x1F else 0xC1))
        written.append(low + 0x7E if odd else low + (0x1F if low < 0x60 else 0x20))
    if len(content) % 2:
        written += b"?"
    return written.decode("cp932", "replace")
