"""Which server said what at which stage, as a returned mail quotes it?

Reports and their words quote the reply of the refusing server in a dozen ways: behind `said:`, behind `<<<`, in a
`(reason: …)`, on a line of its own. What is not quoted is taken as words. Nothing here raises.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 4096
LONGEST_REPLY = 800
#: A report about many recipients has the same words around each: they are searched once.
REMEMBERED = 16

_CODE = re.compile(r"(?<![\w.])([45]\d\d)(?![\w.])[ -]?")
#: What stands right before a code that is a server's reply.
_INTRODUCTION = re.compile(
    r"(?:\bsaid:|\breturned:?|\bresponded with:?|\bresponse was:?|\bas follows:|<<<|->|\breason:|\bfailed with:?"
    r"|\berror:?|\bproblem|\b(?:message|code):|\berror_code ?:|\bsmtp;|\bwas:|\n[ \t]*|^[ \t]*|@[\w.-]{3,36}:|\]:|\],"
    r"|\):|[\"'])\s*[\[\"'(<#]?$",
    re.IGNORECASE,
)
_FOLLOWED_BY_STATUS = re.compile(r"\s*[\"'#(]?[245]\.\d{1,3}\.\d{1,3}\b")
#: A title names code and status alone (`Status code: 550 5.1.10`); the reply itself stands further below.
_TITLE = re.compile(r"[ \t]*[#(]?[245]\.\d{1,3}\.\d{1,3}\)?[ \t]*(?:\n[ \t]*)?(?:\n\S|\Z)")
_FOLLOWED_BY_WORDS = re.compile(r"\s*[\"']?(?:[\w<#(]|: \w)")
#: Sendmail says by a code of its own why nothing was said to it: `421 mx.example.jp (smtp)... Deferred: …`.
_NOBODY_SAID = re.compile(r"\s*\S{1,255} \(e?smtp\)\.\.\. ", re.IGNORECASE)
#: Exchange Online and amavisd-new hand a reply on within one of their own that says no more than that; the first
#: repeats it behind `LED=`.
_WRAPPING = re.compile(
    r"\s*(?:5\.0\.350 remote server returned an error ->"
    r"|(?:5\.\d\.\d )?(?:id=\S{1,60} - rejected by next-hop mta on relaying, )?from mta\([^()\n]{1,80}\):)"
    r"\s*(?=[45]\d\d)",
    re.IGNORECASE,
)
#: Zoho's mark between the code and the words of a reply.
_BEFORE_WORDS = re.compile(r"\s*,\s*error_code ?:", re.IGNORECASE)
_NO_REPLY_BEFORE = re.compile(r"[:/@-]$")
_STATUS = re.compile(r"(?<![\w.])#?([245]\.\d{1,2}\.\d{1,3})(?![\w.])")
_BEGUN = re.compile(r"\s*([45]\d\d)-[^\n]*")  # the first of several lines (RFC 5321 §4.2.1), and no other
_LEADING_STATUS = re.compile(r"\s*[\"']?[#(]?([245]\.\d{1,3}\.\d{1,3})(?![\w.])\)?[ :;,-]*")
#: What reporting servers write behind what the server said.
_END = re.compile(
    r"\n[ \t]*\n|\n(?=>>>|\.\.\. |<[^<>\s]+@)|:\s+retry timeout exceeded\b|;LED=|\n[ \t]*Remote system:"
    r"|'? \(delivery attempts: \d"
)
#: In a dialogue each line of a reply is marked; what is not is the verdict of who tells it.
_END_OF_MARKED = re.compile(r"\n(?![ \t]*<<<)")

#: Phrases (small letters) by which reports tell the stage; the one that stands first decides.
_STAGES: dict[str, tuple[str, ...]] = {
    "eod": (
        *("in reply to end of data", "in reply to the end of data", "after end of data", "after end of message"),
        *("after i sent the message", "after we sent the message", "in response to end of data", "[eod]"),
        *("after sending message", "after sending the message", "after sending data", "after sending body"),
        *("for text command", " in end of data", "[body]"),
    ),
    "rcpt": (
        *("in reply to rcpt", "after rcpt", "after pipelined rcpt", "[rcpt_to]", "did not like our rcpt"),
        *("following rcpt", "in response to rcpt", "in response to the rcpt", "like recipient", "rejected recipient"),
        *("rcpt to command", "smtp:rcpt host", "server sent: rcpt to", "smtp command rcpt"),
    ),
    "mail": (
        *("in reply to mail from", "after mail from", "after pipelined mail from", "[mail_from]"),
        *("did not like our mail", "following mail", "in response to mail", "in response to the mail"),
        *("sender was rejected", "mail from command", "smtp:mail host", "server sent: mail from", "smtp command mail"),
    ),
    "data": (
        *("in reply to data", "after data", "after pipelined data", "[data]", "did not like our data"),
        *("in response to data", "in response to the data", "smtp:data host", "for data command", "smtp command data"),
    ),
    "ehlo": ("in reply to ehlo", "in reply to helo", "after ehlo", "after helo", "name was rejected"),
    "connect": ("refused to talk to me", "greeting failed", "after initial connection", "[connect]"),
}
_DIALOGUE = re.compile(r"^>>> (?P<verb>[A-Za-z]{4})[^\n]*\n(?:(?!>>>)[^\n]*\n){0,6}?<<< [45]\d\d", re.MULTILINE)
#: A greeting that is a refusal (RFC 5321 §3.1), to which nobody had said anything.
_GREETING = re.compile(r"^\.\.\. while talking to [^\n]*\n<<< (?:421|554)\b", re.MULTILINE)
_VERBS = {"data": "data", "rcpt": "rcpt", "mail": "mail", "ehlo": "ehlo", "helo": "ehlo", "bdat": "eod", "rset": "mail"}

_HOST = re.compile(
    r"(?:\b(?:while talking to|host:?|server|connect to|connected to|by|to) <?|\[(?=[^\s\[\]]+ \d{4}-\d\d-))"
    r"(?P<host>[a-z0-9_](?:[a-z0-9_-]*\.)+[a-z][a-z0-9-]*)\.?>?(?=[\s\[:(.,>]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quotation:
    """A reply as it is quoted: `code` 0 and `enhanced` empty where none stands there; `text` are its words."""

    code: int
    enhanced: str
    text: str


@lru_cache(REMEMBERED)
def quoted_reply(said: str) -> Quotation | None:
    """Return the reply that a text quotes, or None if there is none with a code."""
    text = said[:LONGEST]
    found = _code_in(text)
    if found is None:
        return None
    code = found[1]
    behind = text[found.end() :]
    # What begins a new line without being indented is no part of the reply any more.
    rest = "" if re.match(r"[ \t]*\n(?![245]\.\d{1,3}\.\d)\S", behind) else _END.split(behind, 1)[0][:LONGEST_REPLY]
    if text[: found.start()].endswith("<<< "):
        rest = _END_OF_MARKED.split(rest, 1)[0]
    rest = _BEFORE_WORDS.sub("", rest, 1).lstrip("'")
    enhanced, words = _status(_one_line(rest, code))
    return Quotation(int(code), enhanced, words)


def whole_reply(said: str, context: Iterable[str]) -> str:
    """Return a reply of which only the first line is told as the dialogue in the context quotes it."""
    begun = _BEGUN.fullmatch(said.rstrip())
    if begun is None:
        return said
    lines = re.compile(rf"<<< {re.escape(said.strip())}[ \t]*(?:\n<<< {begun[1]}[ -][^\n]*)+")
    found = next(filter(None, (lines.search(text[:LONGEST]) for text in context)), None)
    return found[0].removeprefix("<<< ") if found else said


def _code_in(text: str) -> re.Match[str] | None:
    """Return the code that is introduced as a reply, or else has a status or words behind it."""
    codes = [code for code in _CODE.finditer(text) if not _says_nothing(text, code.end())]
    title = None
    for code in codes:
        if _INTRODUCTION.search(text[max(0, code.start() - 40) : code.start()] if code.start() else ""):
            if not _TITLE.match(text, code.end()):
                return code
            title = title or code
    if title:
        return title
    for behind in (_FOLLOWED_BY_STATUS, _FOLLOWED_BY_WORDS):
        for code in codes:
            if behind.match(text, code.end()) and not _NO_REPLY_BEFORE.search(text[: code.start()][-1:]):
                return code
    return None


def _says_nothing(text: str, behind: int) -> bool:
    return _NOBODY_SAID.match(text, behind) is not None or _WRAPPING.match(text, behind) is not None


def words_only(said: str) -> Quotation:
    """Return a text without a reply as words, with the status that stands in it."""
    status = _STATUS.search(said[:LONGEST])
    return Quotation(0, status[1] if status else "", " ".join(said[:LONGEST].split()))


@lru_cache(REMEMBERED)
def stage_in(said: str) -> str:
    """Return at which stage of the session it was said, or an empty text."""
    words = " ".join(said[:LONGEST].lower().split())
    told = [(begin, stage) for stage, phrases in _STAGES.items() if (begin := _first(words, phrases)) >= 0]
    if told:
        return min(told)[1]
    asked = _DIALOGUE.search(said[:LONGEST])
    if asked:
        return _VERBS.get(asked["verb"].lower(), "")
    return "connect" if _GREETING.search(said[:LONGEST]) else ""


def asked_in(said: str, reply: Quotation) -> tuple[str, str]:
    """Return at which stage, and by which host, a reply was given as a dialogue quotes it: of several recipients each
    has its own. Empty texts where none quotes it.
    """
    text = said[:LONGEST]
    for asked in _DIALOGUE.finditer(text) if ">>> " in text else ():
        line = text[asked.end() - 3 :].partition("\n")[0]
        words = _status(" ".join(line[3:].lstrip(" -").split()))[1]
        if line.startswith(str(reply.code)) and words and reply.text.startswith(words[:40]):
            talks = text.rfind("... while talking to ", 0, asked.start())
            return _VERBS.get(asked["verb"].lower(), ""), host_in(text[talks : asked.start()]) if talks >= 0 else ""
    return "", ""


def _first(words: str, phrases: tuple[str, ...]) -> int:
    """Return where the first of the phrases stands, or -1."""
    return min((begin for phrase in phrases if (begin := words.find(phrase)) >= 0), default=-1)


@lru_cache(REMEMBERED)
def host_in(said: str) -> str:
    """Return the host that is named as the one that said it, in small letters, or an empty text."""
    found = _HOST.search(said[:LONGEST])
    return found["host"].lower() if found else ""


def _one_line(text: str, code: str) -> str:
    """Take out the codes by which further lines begin (RFC 5321 §4.2.1), with their status (RFC 2034 §4)."""
    joined = re.sub(rf"\s+(?:<<< )?{code}[ -](?:\s*[245]\.\d{{1,3}}\.\d{{1,3}}\s)?", " ", text)
    return " ".join(joined.split())


def _status(text: str) -> tuple[str, str]:
    """Return the status at the beginning of a reply, or as qmail writes it at its end, and the words."""
    found = _LEADING_STATUS.match(text)
    if found:
        return found[1], text[found.end() :]
    behind = re.search(r"#([245]\.\d{1,3}\.\d{1,3})\b", text)
    return (behind[1] if behind else ""), text
