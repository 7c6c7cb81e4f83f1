"""What do the words of a report mean for the address?

A quoted reply is read by the rules for replies, as if the server had said it to us; words of the reporting server by
the rules of `config/bounces`. Where nothing tells the stage, the words are taken as an answer to RCPT. A report that
the mail was given up is permanent unless the reply in it, or its status, is a temporary one: then it is soft with its
own reason, and `expired` where nothing but the time that ran out is told.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

from mailer.bounce.quotation import (
    LONGEST,
    Quotation,
    asked_in,
    host_in,
    quoted_reply,
    stage_in,
    whole_reply,
    words_only,
)
from mailer.bounce.rulebook import Rulebook
from mailer.carrier.group import Carrier
from mailer.carrier.reading import UNKNOWN_REFUSAL, UNREADABLE, Reading, read
from mailer.carrier.reason import Reason
from mailer.carrier.rule import Rule, plain_words

#: A code that no rule names: words alone, of a mail that was given up, or may still be tried.
GIVEN_UP, STILL_TRIED = 599, 499
#: Fields that say no reason (RFC 3464 §2), where a report stands in the words.
_FIELDS = re.compile(
    r"^[ \t]{0,8}(?:(?:reporting|received-from|remote)-mta|(?:final|original|x-actual)-recipient|action"
    r"|(?:arrival|last-attempt)-date|will-retry-until|final-log-id|x-[a-z]{1,20}-(?:queue-id|sender))[ \t]*:[^\n]*",
    re.IGNORECASE | re.MULTILINE,
)
#: What is further behind tells nothing, once it is known what to leave out.
LONGEST_WORDS = 2 * LONGEST


@dataclass(frozen=True, slots=True)
class Said:
    """What a report says of one recipient: the words, the reporting server's status, and who was asked.

    `host` is the server that is said to have answered; `domain` that of the recipient; `reporter` who wrote the report.
    """

    words: str
    status: str
    host: str
    domain: str
    reporter: str = ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Whether the address is dead (`hard`), why, and the reply and host by which we know; `known` if a rule said so."""

    known: bool
    hard: bool
    reason: Reason
    status: str
    words: str
    host: str


def meaning_of(book: Rulebook, said: Said, *context: str) -> Meaning:
    """Return what is meant; `context` are wider and wider words around, which may tell stage and host."""
    words = whole_reply(_FIELDS.sub("", said.words[:LONGEST_WORDS]), context)
    said = replace(said, words=_without_fillers(book, words))
    reply = quoted_reply(said.words)
    around = (said.words, *context)
    asked = [asked_in(text, reply) for text in context] if reply else []
    host = said.host or next(filter(None, chain((by for _, by in asked), map(host_in, around))), "")
    stage = next(filter(None, chain((at for at, _ in asked), map(stage_in, around))), "rcpt")
    quoted = reply or words_only(said.words)
    quoted = _completed(quoted, said.status)
    reading = _reading(book, quoted, stage, host, said, is_reply=reply is not None)
    known = reading is not UNREADABLE and reading is not UNKNOWN_REFUSAL
    temporary = quoted.code // 100 == 4
    if reading.reason is Reason.UNCLEAR and temporary and not _says_anything(quoted.text):
        reading = replace(reading, reason=Reason.EXPIRED)
    status = quoted.enhanced or said.status
    return Meaning(known, reading.kind == "hard" and not temporary, reading.reason, status, quoted.text, host)


def _completed(quoted: Quotation, status: str) -> Quotation:
    """Fill in what the reply does not say from the report's own status."""
    enhanced = quoted.enhanced if not _is_vague(quoted.enhanced) or _is_vague(status) else status
    temporary = enhanced[:1] == "4" and not _is_vague(enhanced)
    code = quoted.code or (STILL_TRIED if temporary else GIVEN_UP)
    return replace(quoted, code=code, enhanced=enhanced)


def _without_fillers(book: Rulebook, words: str) -> str:
    """Leave out what tells no reason, if anything else is said than that and who it is about."""
    lower, rest = " ".join(words.lower().split()), words
    for filler in book.fillers:
        if filler in lower:
            rest = _over_lines(filler).sub(" ", rest)
    if rest is words:
        return words
    told = " ".join(word for word in rest.split() if "@" not in word[1:-1])
    return rest if len(re.findall(r"[^\W\d_]{3,}", told)) > 2 else words


@lru_cache
def _over_lines(phrase: str) -> re.Pattern[str]:
    """Return a pattern for a phrase that may be broken into lines anywhere."""
    return re.compile(r"\s+".join(map(re.escape, phrase.split())), re.IGNORECASE)


def _says_anything(words: str) -> bool:
    return any(map(str.isalpha, words))


def _is_vague(status: str) -> bool:
    return not status or status.endswith(".0.0")


def _reading(book: Rulebook, quoted: Quotation, stage: str, host: str, said: Said, *, is_reply: bool) -> Reading:
    """Read a quoted reply by the rules for replies, words by those for words; by the others if these know nothing."""
    speaker = host or said.reporter
    own = _by_wordings(book, quoted, stage, speaker, said.words, of_reply=True) if is_reply else None
    if own is not None:
        return own
    by_replies = _by_replies(book, quoted, stage, host, said.domain)
    by_words = _by_wordings(book, quoted, stage, host, said.words, of_reply=False) or by_replies
    first, second = (by_replies, by_words) if is_reply else (by_words, by_replies)
    return second if first.reason is Reason.UNCLEAR else first


def _by_wordings(
    book: Rulebook, quoted: Quotation, stage: str, host: str, words: str, *, of_reply: bool
) -> Reading | None:
    """Return what the rules for words know; those that name a host are about the reply (`of_reply`) and no others."""
    plain = plain_words(quoted.text if of_reply else words)
    for rule in _of_ascii(book) if plain.isascii() else book.wordings:
        if (
            bool(rule.host) is of_reply
            and rule.fits(host, stage, str(quoted.code), quoted.enhanced)
            and rule.says(plain)
        ):
            return Reading(rule.kind, rule.reason, rule.action, pause_site=rule.pause)
    return None


@lru_cache(4)
def _of_ascii(book: Rulebook) -> tuple[Rule, ...]:
    """Return the rules that may hold for words in ASCII: a quarter of them are about Japanese alone."""
    return tuple(rule for rule in book.wordings if not rule.phrases or any(map(str.isascii, rule.phrases)))


def _by_replies(book: Rulebook, quoted: Quotation, stage: str, host: str, domain: str) -> Reading:
    if not _says_anything(quoted.text) and _is_vague(quoted.enhanced):
        return UNREADABLE  # a code alone: to us it would say something, of another's patience it says nothing
    carrier = _carrier(book, host, domain)
    return read(book.carriers, carrier, host, stage, quoted.code, quoted.enhanced, quoted.text)


def _carrier(book: Rulebook, host: str, domain: str) -> Carrier | None:
    """Return the carrier by the host that answered; only where none is named by the recipient's domain."""
    return book.carriers.of_mx((host,)) if host else book.carriers.of_domain(domain)
