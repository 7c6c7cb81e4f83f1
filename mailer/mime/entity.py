"""What is inside a mail that a stranger wrote?

Mail is read as it is, not as it should be: a boundary that is not said is looked for, a header ends where no field
follows, broken encodings give what can be read. Nothing here raises, and nothing costs more than the limits below
allow, whatever the bytes are (attacks A14): parts, depth, fields and their lengths are counted, parameters and
encoded words are read once from left to right.

Sources: RFC 5322 §2.2, RFC 2045 §5.1 and §6.8, RFC 2046 §5.1.1, RFC 2047 §2.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from string import ascii_letters, digits

from mailer.mime.charset import decode

MOST_PARTS = 100
DEEPEST = 8
MOST_FIELDS = 400
MOST_LINES = 2000
LONGEST_HEADER = 256 * 1024
LONGEST_FIELD = 16 * 1024
MOST_PARAMETERS = 30
MOST_WORDS = 200

_FIELD = re.compile(rb"([!-9;-~]{1,76})[ \t]*:[ \t]*")
_PARAMETER = re.compile(r';\s*([A-Za-z0-9!#$&.+^_*-]{1,60})\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]+)?')
_WORD = re.compile(r"=\?([A-Za-z0-9_.-]{1,40})(?:\*[A-Za-z-]{1,20})?\?([BbQq])\?([^?\s]{0,2000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?)")
_GUESSED_BOUNDARY = re.compile(rb"^--(\S[^\n]{0,200})$", re.MULTILINE)
_NO_BASE64 = bytes(set(range(256)) - set(ascii_letters.encode()) - set(digits.encode()) - set(b"+/"))
_HEADERS_ONLY = frozenset({"text/rfc822-headers", "text/rfc822-header", "message/global-headers"})


@dataclass(frozen=True)
class Entity:
    """A mail or a part of one: its header and its body, both as they came (lines end with LF)."""

    header: bytes
    body: bytes

    @cached_property
    def _all_fields(self) -> Mapping[str, list[list[bytes]]]:
        return _read_fields(self.header)

    def fields(self, name: str) -> tuple[str, ...]:
        """Return the values of all fields of this name, unfolded and not decoded, in their order."""
        return tuple(map(_unfolded, self._all_fields.get(name.lower(), ())))

    def field(self, name: str) -> str:
        """Return the value of the first field of this name, or an empty text."""
        return next(map(_unfolded, self._all_fields.get(name.lower(), ())), "")

    def words(self, name: str) -> str:
        """Return the first field of this name with its encoded words decoded (RFC 2047)."""
        return decode_words(self.field(name))

    @cached_property
    def _content_type(self) -> tuple[str, Mapping[str, str]]:
        return read_parameters(self.field("content-type"))

    @property
    def media_type(self) -> str:
        """Return the media type in small letters; text/plain where none is said (RFC 2045)."""
        return self._content_type[0] or "text/plain"

    @property
    def parameters(self) -> Mapping[str, str]:
        """Return the parameters of the media type, their names in small letters."""
        return self._content_type[1]

    @property
    def filename(self) -> str:
        """Return the file name that the part is given, or an empty text. Never a path to use."""
        said = read_parameters(self.field("content-disposition"))[1].get("filename") or self.parameters.get("name", "")
        return decode_words(said)

    def content(self) -> bytes:
        """Return the body without its transfer encoding."""
        return _without_encoding(self.body, self.field("content-transfer-encoding"))

    def text(self) -> str:
        """Return the body as text."""
        return decode(self.content(), self.parameters.get("charset", ""))

    @cached_property
    def children(self) -> tuple["Entity", ...]:
        """Return the parts of a multipart, the mail in a message, nothing for anything else."""
        if self.media_type.startswith("multipart/"):
            return tuple(_parts(self.body, self.parameters.get("boundary", "")))
        if self.media_type in ("message/rfc822", "message/global"):
            return (_entity(self.content().lstrip(b"\n")),)
        return (Entity(self.content(), b""),) if self.media_type in _HEADERS_ONLY else ()

    def entities(self) -> Iterator["Entity"]:
        """Give this entity and all that is inside it, each before what it holds, up to the limits."""
        waiting = [(self, 0)]
        for _ in range(MOST_PARTS):
            if not waiting:
                return
            entity, depth = waiting.pop()
            yield entity
            if depth < DEEPEST:
                waiting += [(child, depth + 1) for child in reversed(entity.children)]


def read_mail(content: bytes) -> Entity:
    """Return a whole mail, header and body; a line `From …` of a mailbox file before it is passed over."""
    plain = content.replace(b"\r\n", b"\n").replace(b"\x00", b"").lstrip(b"\n")
    if plain.startswith((b"From ", b">From ")):
        plain = plain.partition(b"\n")[2]
    return _entity(plain)


def read_header(content: bytes) -> Entity:
    """Return a mail of which perhaps only the header is there, as reports quote it."""
    return _entity(content.lstrip(b"\n"))


def read_parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """Return the word before the first `;` in small letters, and the parameters behind it (RFC 2045 §5.1)."""
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(value):
        if len(found) >= MOST_PARAMETERS:
            break
        name = match[1].lower().removesuffix("*").removesuffix("*0")
        found.setdefault(name, _unquoted(match[2] or ""))
    return value.partition(";")[0].strip().lower(), found


def decode_words(value: str) -> str:
    """Return a field's value with its encoded words as text (RFC 2047 §2); what cannot be read stays."""
    if "=?" not in value:
        return value
    return _WORD.sub(_decoded_word, _BETWEEN_WORDS.sub(r"\1", value), MOST_WORDS)


def _decoded_word(word: re.Match[str]) -> str:
    encoded = word[3].encode("ascii", "replace")
    plain = _without_encoding(encoded, "base64") if word[2] in "Bb" else a2b_qp(encoded, header=True)
    return decode(plain, word[1])


def _entity(content: bytes) -> Entity:
    """Split at the first empty line; of what has no header all is body."""
    if content.startswith(b"\n"):
        return Entity(b"", content[1:])
    header, _, body = content.partition(b"\n\n")
    return Entity(header, body)


def _read_fields(header: bytes) -> dict[str, list[list[bytes]]]:
    """Return the lines of each field as they came: to decode them takes long, and few are ever asked for."""
    found: dict[str, list[list[bytes]]] = {}
    current: list[bytes] = []
    count = 0
    for line in header[:LONGEST_HEADER].split(b"\n", MOST_LINES)[:MOST_LINES]:
        if line[:1] in (b" ", b"\t"):
            current.append(line)
            continue
        name = _FIELD.match(line)
        current = [] if name is None else [line[name.end() :]]
        if name is not None and count < MOST_FIELDS:
            count += 1
            found.setdefault(name[1].decode("ascii").lower(), []).append(current)
    return found


def _unfolded(lines: Iterable[bytes]) -> str:
    """Return the value that stands in the lines of a field; charsets may differ from line to line."""
    pieces: list[str] = []
    left = LONGEST_FIELD
    for line in lines:
        pieces.append(decode(line[:left]).strip())
        left -= len(line)
        if left <= 0:
            break
    return " ".join(filter(None, pieces))[:LONGEST_FIELD]


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] == '"' else text


def _parts(body: bytes, boundary: str) -> Iterator[Entity]:
    """Give the parts of a multipart body (RFC 2046 §5.1.1); without its boundary, those of the first line like one."""
    marks = _delimiters(body, boundary.encode("utf-8", "replace")) if boundary else []
    if not marks:
        guess = _GUESSED_BOUNDARY.search(body)
        marks = _delimiters(body, guess[1].rstrip().removesuffix(b"--")) if guess else []
    ends = [begin for begin, _, _ in marks[1:]] + [len(body)]
    for (_, after, is_last), end in zip(marks, ends, strict=False):
        if is_last:
            return
        yield _entity(body[after:end].removesuffix(b"\n"))


def _delimiters(body: bytes, boundary: bytes) -> list[tuple[int, int, bool]]:
    """Return where each delimiter begins, where the line after it does, and whether it closes."""
    found: list[tuple[int, int, bool]] = []
    mark, begin = b"--" + boundary, 0
    while len(found) < MOST_PARTS and (begin := body.find(mark, begin)) >= 0:
        line_end = body.find(b"\n", begin)
        line_end = len(body) if line_end < 0 else line_end
        rest = body[begin + len(mark) : line_end].strip()
        if (begin == 0 or body[begin - 1] == 0x0A) and rest in (b"", b"--"):
            found.append((begin, line_end + 1, rest == b"--"))
        begin = line_end
    return found


def _without_encoding(body: bytes, encoding: str) -> bytes:
    match encoding.strip().strip('"').lower():
        case "base64":
            return _from_base64(body)
        case "quoted-printable":
            return a2b_qp(body)
        case _:
            return body


def _from_base64(body: bytes) -> bytes:
    """Return what base64 holds; letters outside are passed over, an end that is cut off is left out (RFC 2045 §6.8)."""
    letters = body.translate(None, _NO_BASE64)
    try:
        plain = a2b_base64(letters[: len(letters) // 4 * 4] + _last_group(letters))
    except Base64Error:
        return b""
    return plain.replace(b"\r\n", b"\n")


def _last_group(letters: bytes) -> bytes:
    rest = letters[len(letters) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""
