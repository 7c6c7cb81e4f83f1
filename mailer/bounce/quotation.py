"""Which server said what at which stage, as a returned mail quotes it?

Reports and their words quote the reply of the refusing server in a dozen ways: behind `said:`, behind `<<<`, in a
`(reason: …)`, on a line of its own. What is not quoted is taken as words. Nothing here raises.
"""

import re
from dataclasses import dataclass

LONGEST = 4096
LONGEST_REPLY = 800

_CODED = r"(?P<code>[45]\d\d)(?![\w.])(?:[ -]|\b)"
_INTRODUCED = re.compile(
    r"(?:\bsaid:|\breturned:?|\bresponded with:?|\bresponse was:?|\bas follows:|<<<|->|\breason:|\bfailed with:?"
    r"|\berror (?:message|code)?:?|\bwas:|^|\]:|\):|[\"'])"
    r"\s*[\[\"'(<#]?" + _CODED,
    re.IGNORECASE | re.MULTILINE,
)
_WITH_STATUS = re.compile(r"(?<![\w.:/-])" + _CODED + r"\s*[#(]?(?=[245]\.\d{1,3}\.\d{1,3}\b)")
_ANYWHERE = re.compile(r"(?<![\w.:/@-])" + _CODED + r"(?=\s*[\w<#(])")
_STATUS = re.compile(r"(?<![\w.])#?([245]\.\d{1,2}\.\d{1,3})(?![\w.])")
_LEADING_STATUS = re.compile(r"\s*[#(]?([245]\.\d{1,3}\.\d{1,3})(?![\w.])\)?[ :;,-]*")
_END = re.compile(r"\n[ \t]*\n|\n(?=>>>|\.\.\. |<[^<>\s]+@)")

_STAGES = (
    ("eod", r"in reply to (?:the )?end of data|after (?:the )?end of (?:data|message)|after (?:i|we) sent the message"
            r"|after sending (?:the )?(?:message|data|body)|in response to (?:the )?(?:end of data|message)|\[eod\]"),
    ("rcpt", r"in reply to rcpt|after (?:pipelined )?rcpt|\[rcpt_to\]|did not like our rcpt|following rcpt"
             r"|in response to (?:the )?rcpt|not like recipient|like recipient|rejected recipient|rcpt to command"),
    ("mail", r"in reply to mail from|after (?:pipelined )?mail from|\[mail_from\]|did not like our mail|following mail"
             r"|in response to (?:the )?mail|sender was rejected|mail from command"),
    ("data", r"in reply to data|after (?:pipelined )?data|\[data\]|did not like our data|in response to (?:the )?data"),
    ("ehlo", r"in reply to (?:ehlo|helo)|after (?:ehlo|helo)|name was rejected"),
    ("connect", r"refused to talk to me|greeting failed|after initial connection|while connected|\[connect\]"),
)  # fmt: skip
_STAGE = re.compile("|".join(f"(?P<{stage}>{words})" for stage, words in _STAGES), re.IGNORECASE)
_DIALOGUE = re.compile(r"^>>> (?P<verb>[A-Za-z]{4})[^\n]*\n(?:(?!>>>)[^\n]*\n){0,6}?<<< [45]\d\d", re.MULTILINE)
_VERBS = {"data": "data", "rcpt": "rcpt", "mail": "mail", "ehlo": "ehlo", "helo": "ehlo", "bdat": "eod", "rset": "mail"}

_HOST = re.compile(
    r"(?:\bwhile talking to|\bhost|\bserver|\bconnect to|\bconnected to|\bby|\bto) <?"
    r"(?P<host>[a-z0-9_](?:[a-z0-9_-]*\.)+[a-z][a-z0-9-]*)\.?>?(?=[\s\[:(.,>]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quotation:
    """A reply as it is quoted: `code` 0 and `enhanced` empty where none stands there; `text` are its words."""

    code: int
    enhanced: str
    text: str


def quoted_reply(said: str) -> Quotation | None:
    """Return the reply that a text quotes, or None if there is none with a code."""
    text = said[:LONGEST]
    found = _INTRODUCED.search(text) or _WITH_STATUS.search(text) or _ANYWHERE.search(text)
    if found is None:
        return None
    code = found["code"]
    behind = text[found.end() :]
    # What begins a new line without being indented is no part of the reply any more.
    rest = "" if re.match(r"[ \t]*\n\S", behind) else _END.split(behind, 1)[0][:LONGEST_REPLY]
    enhanced, words = _status(_one_line(rest, code))
    return Quotation(int(code), enhanced, words)


def words_only(said: str) -> Quotation:
    """Return a text without a reply as words, with the status that stands in it."""
    status = _STATUS.search(said[:LONGEST])
    return Quotation(0, status[1] if status else "", " ".join(said[:LONGEST].split()))


def stage_in(said: str) -> str:
    """Return at which stage of the session it was said, or an empty text."""
    told = _STAGE.search(said[:LONGEST])
    if told is not None:
        return told.lastgroup or ""
    asked = _DIALOGUE.search(said[:LONGEST])
    return _VERBS.get(asked["verb"].lower(), "") if asked else ""


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
