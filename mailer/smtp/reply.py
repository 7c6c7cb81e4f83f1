"""What did the server answer?

A reply is a value whatever its bytes are: any text is good, no text is good, only the code counts, and of the
code the first digit (RFC 5321 §4.2, §4.2.1). Replies may come in any pieces and with bare LF. What cannot be
read at all (no code, codes that differ within one reply, endless text) is a reply with code 0: a fact, no error.
Of a long reply only the beginning is kept, the rest is read over, so that memory stays bounded and an answer
that is merely talkative still counts. Raises nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

KEPT_CHARACTERS = 512
MAX_REPLY_OCTETS = 2 * 1024 * 1024
_REMEMBERED_OCTETS = 128  # a line up to this length is looked up among those read before
_OCTETS_PER_CHARACTER = 4
_CODES = {b"%d" % code: code for code in range(100, 600)}

#: Codes of RFC 5321 §4.2.2 and §4.1.1.11 by which a server rejects the form of an address, not the mailbox.
_SYNTAX_CODES = frozenset({500, 501, 553, 555})


class Stage(StrEnum):
    """What a reply answers. EOD is the end of the data: the final dot or BDAT LAST."""

    CONNECT = "connect"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    EOD = "eod"
    RSET = "rset"
    QUIT = "quit"


class Kind(StrEnum):
    """What a reply means to the dialogue: its first digit (RFC 5321 §4.2.1), and 421, by which a server leaves."""

    POSITIVE = "2yz"
    INTERMEDIATE = "3yz"
    TRANSIENT = "4yz"
    PERMANENT = "5yz"
    CLOSING = "421"
    UNKNOWN = "unknown"


_FIRST_DIGITS = {2: Kind.POSITIVE, 3: Kind.INTERMEDIATE, 4: Kind.TRANSIENT, 5: Kind.PERMANENT}
_KINDS = {code: _FIRST_DIGITS[code // 100] for code in range(200, 600)} | {421: Kind.CLOSING}
_UNKNOWN = Kind.UNKNOWN  # Python 3.11 looks an enum's member up more slowly than it calls a function


@dataclass(frozen=True, slots=True)
class EnhancedStatus:
    """An enhanced status code such as 5.1.1 (RFC 3463 §2)."""

    cls: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.cls}.{self.subject}.{self.detail}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete reply. `code` is 0 where none could be read; `text` has its lines joined by newlines and may hold
    control characters: escape it where it is shown. `enhanced` is the status code at the head of the text, if any."""

    code: int
    text: str
    enhanced: EnhancedStatus | None = None

    def __str__(self) -> str:
        return f"{self.code or '???'} {' '.join(self.text.split())}".rstrip()

    @property
    def kind(self) -> Kind:
        """Return what the reply means to the dialogue."""
        return _KINDS.get(self.code, _UNKNOWN)

    @property
    def positive(self) -> bool:
        """Tell whether the first digit is 2: done."""
        return self.code // 100 == 2

    @property
    def intermediate(self) -> bool:
        """Tell whether the first digit is 3: go on."""
        return self.code // 100 == 3

    @property
    def transient(self) -> bool:
        """Tell whether the first digit is 4: not now."""
        return self.code // 100 == 4

    @property
    def permanent(self) -> bool:
        """Tell whether the first digit is 5: no."""
        return self.code // 100 == 5

    @property
    def unknown(self) -> bool:
        """Tell whether the reply means nothing: unreadable, or a first digit that SMTP does not use."""
        return self.kind is Kind.UNKNOWN


def what_came(failure: str, reply: Reply | None) -> str:
    """Return in words what ended a session or kept it from opening: what went wrong, and what the server said."""
    return ": ".join(filter(None, (failure, "" if reply is None else str(reply))))


def syntax_refusal(reply: Reply) -> bool:
    """Tell whether a reply to RCPT may reject the quoted form of the address: then the bare form is worth one try."""
    if reply.code in _SYNTAX_CODES:
        return True
    if reply.permanent and reply.enhanced == EnhancedStatus(5, 1, 3):  # RFC 3463 §3.2: bad mailbox address syntax
        return True
    # au says this to local parts it cannot read, as if they belonged to another domain.
    return reply.code == 554 and "relay access denied" in reply.text.lower()


class ReplyReader:
    """Cuts the bytes that come from a server into replies. `kept` is how many characters of a reply are kept."""

    __slots__ = ("_code", "_held", "_lines", "_octets", "_tail", "kept")

    def __init__(self) -> None:
        self.kept = KEPT_CHARACTERS
        self._begin()

    def _begin(self) -> None:
        self._lines: list[bytes] = []
        self._tail = b""
        self._code = 0
        self._held = 0
        self._octets = 0

    @property
    def pending(self) -> bool:
        """Tell whether a part of a reply has been read that is not complete yet."""
        return self._octets > 0

    def feed(self, data: bytes) -> list[Reply]:
        """Take what came from the wire, in any piece, and return the replies that are complete with it."""
        replies = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            reply = self._line(data[start:end])
            if reply is not None:
                replies.append(reply)
            start = end + 1
        if start < len(data):
            replies.extend(self._part(data[start:]))
        return replies

    def _line(self, line: bytes) -> Reply | None:
        """Take one line without its LF; return the reply if this was its last."""
        if not self._octets and len(line) <= _REMEMBERED_OCTETS:
            reply = _single(line)
            if reply is not None:
                return reply
        self._octets += len(line) + 1
        line, self._tail = (self._tail + line).rstrip(b"\r"), b""
        code = _CODES.get(line[:3], 0)
        if not code or line[3:4] not in b"- " or self._octets > MAX_REPLY_OCTETS:
            return self._finish(0, line)
        if self._lines and code != self._code:
            code = 0  # lines of one reply that disagree: nobody can tell which is meant
        self._code = code
        if line[3:4] != b"-":
            return self._finish(code, line[4:])
        self._keep(line[4:])
        return None

    def _part(self, data: bytes) -> list[Reply]:
        """Take the beginning of a line; return an unreadable reply if too much has come without an end."""
        self._octets += len(data)
        if self._octets > MAX_REPLY_OCTETS:
            return [self._finish(0, self._tail)]
        self._tail += data[: max(0, self._limit - len(self._tail))]
        return []

    @property
    def _limit(self) -> int:
        return self.kept * _OCTETS_PER_CHARACTER

    def _keep(self, text: bytes) -> None:
        """Remember a line's text as far as there is room, which the first line always finds."""
        room = self._limit - self._held
        if room > 0:
            self._lines.append(text[:room])
            self._held += len(text) + 1

    def _finish(self, code: int, text: bytes) -> Reply:
        self._keep(text)
        reply = _reply(code, b"\n".join(self._lines), self.kept)
        self._begin()
        return reply


@lru_cache(maxsize=512)
def _single(line: bytes) -> Reply | None:
    """Return the reply of one line, or None where it is not the whole of a plain one. Most replies are old friends."""
    code = _CODES.get(line[:3], 0)
    if not code or (line[3:4] != b" " and line[3:] not in (b"", b"\r")):
        return None
    return _reply(code, line[4:].rstrip(b"\r"), KEPT_CHARACTERS)


def _reply(code: int, text: bytes, kept: int) -> Reply:
    decoded = text.decode("utf-8", "backslashreplace")[:kept]
    return Reply(code, decoded, _enhanced(decoded))


def _enhanced(text: str) -> EnhancedStatus | None:
    """Read the status code at the head of a text (RFC 2034 §4); some servers put `#` before or `:` behind it."""
    parts = text.lstrip("#").split(None, 1)[:1]
    numbers = parts[0].rstrip(":").split(".") if parts else []
    if len(numbers) != 3 or numbers[0] not in ("2", "4", "5"):
        return None
    if not all(number.isascii() and number.isdigit() and len(number) <= 3 for number in numbers):
        return None
    return EnhancedStatus(int(numbers[0]), int(numbers[1]), int(numbers[2]))
