"""What do the words of a report mean for the address?

A quoted reply is read by the rules for replies, as if the server had said it to us; words of the reporting server by
the rules of `config/bounces`. Where nothing tells the stage, the words are taken as an answer to RCPT. A report that
the mail was given up is permanent unless the reply in it, or its status, is a temporary one: then it is soft with its
own reason, and `expired` where nothing but the time that ran out is told.
"""

from dataclasses import dataclass, replace

from mailer.bounce.quotation import Quotation, host_in, quoted_reply, stage_in, words_only
from mailer.bounce.rulebook import Rulebook
from mailer.carrier.group import Carrier
from mailer.carrier.reading import UNREADABLE, Reading, read
from mailer.carrier.reason import Reason
from mailer.carrier.rule import plain_words

#: A code that no rule names: words alone, of a mail that was given up, or may still be tried.
GIVEN_UP, STILL_TRIED = 599, 499


@dataclass(frozen=True, slots=True)
class Said:
    """What a report says of one recipient: the words, the reporting server's status, and who was asked.

    `host` is the server that is said to have answered; `domain` that of the recipient.
    """

    words: str
    status: str
    host: str
    domain: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """Whether the address is dead (`hard`), why, and the reply and host by which we know."""

    hard: bool
    reason: Reason
    status: str
    words: str
    host: str


def meaning_of(book: Rulebook, said: Said, *, context: str = "") -> Meaning:
    """Return what is meant; `context` are words around the recipient's own that may tell stage and host."""
    reply = quoted_reply(said.words)
    host = said.host or host_in(said.words) or host_in(context)
    stage = stage_in(said.words) or stage_in(context) or "rcpt"
    quoted = reply or words_only(said.words)
    quoted = _completed(quoted, said.status)
    reading = _by_wordings(book, quoted, stage, host, said.words) or _by_replies(book, quoted, stage, host, said.domain)
    temporary = quoted.code // 100 == 4
    if reading.reason is Reason.UNCLEAR and temporary and not _says_anything(quoted.text):
        reading = replace(reading, reason=Reason.EXPIRED)
    return Meaning(reading.kind == "hard" and not temporary, reading.reason, quoted.enhanced, quoted.text, host)


def _completed(quoted: Quotation, status: str) -> Quotation:
    """Fill in what the reply does not say from the report's own status."""
    enhanced = quoted.enhanced if not _is_vague(quoted.enhanced) or _is_vague(status) else status
    code = quoted.code or (STILL_TRIED if (quoted.enhanced or status)[:1] == "4" else GIVEN_UP)
    return replace(quoted, code=code, enhanced=enhanced)


def _says_anything(words: str) -> bool:
    return any(map(str.isalpha, words))


def _is_vague(status: str) -> bool:
    return not status or status.endswith(".0.0")


def _by_wordings(book: Rulebook, quoted: Quotation, stage: str, host: str, words: str) -> Reading | None:
    """Return what the words of the reporting server mean; a rule that names a host is about the reply it quotes."""
    whole, reply = plain_words(words), plain_words(quoted.text)
    for rule in book.wordings:
        if rule.fits(host, stage, str(quoted.code), quoted.enhanced) and rule.says(reply if rule.host else whole):
            return Reading(rule.kind, rule.reason, rule.action)
    return None


def _by_replies(book: Rulebook, quoted: Quotation, stage: str, host: str, domain: str) -> Reading:
    if not _says_anything(quoted.text) and _is_vague(quoted.enhanced):
        return UNREADABLE  # a code alone: to us it would say something, of another's patience it says nothing
    carrier = _carrier(book, host, domain)
    return read(book.carriers, carrier, host, stage, quoted.code, quoted.enhanced, quoted.text)


def _carrier(book: Rulebook, host: str, domain: str) -> Carrier | None:
    """Return the carrier by the host that answered; only where none is named by the recipient's domain."""
    return book.carriers.of_mx((host,)) if host else book.carriers.of_domain(domain)
