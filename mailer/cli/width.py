"""How wide is a text on a terminal, and where may a line of it end?

Japanese signs take two columns and lines may end between any two of them, but not before a sign that
must not begin a line (行頭禁則). Latin words stay whole.
"""

import re
import unicodedata
from collections.abc import Iterator

#: Signs that must not begin a line.
_STICKS = "、。，．,.・：；？！」』）】〕｝〉》％ー々〜～ぁぃぅぇぉっゃゅょァィゥェォッャュョ…)]}"
_WIDE = r"[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]"
_PIECE = rf"\s+|{_WIDE}[{re.escape(_STICKS)}]*|(?:(?!{_WIDE})\S)+[{re.escape(_STICKS)}]*"


def width(text: str) -> int:
    """Return the number of terminal columns that `text` takes."""
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Return `text` filled with spaces to `columns`; with `right` the text stands at the right end."""
    space = " " * (columns - width(text))
    return space + text if right else text + space


def wrap(text: str, columns: int) -> list[str]:
    """Return the lines of one paragraph, none wider than `columns` unless a single word is."""
    lines, line = [], ""
    for piece in _pieces(text, columns):
        if line.strip() and width(line + piece.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        line += piece if line or not piece.isspace() else ""
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str, columns: int) -> Iterator[str]:
    """Yield what must stay together; a list that is too wide for a line may end at any of its commas."""
    for piece in re.findall(_PIECE, text):
        yield from re.findall(r"[^,]*,|[^,]+", piece) if width(piece) > columns else (piece,)


def visible(text: str) -> str:
    """Return `text` with control characters shown as signs, so that quoted text cannot steer the terminal."""
    return "".join(_shown(sign) for sign in text)


def _shown(sign: str) -> str:
    number = ord(sign)
    if number < 32:
        return chr(0x2400 + number)
    if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return f"<U+{number:04X}>"
    return sign
