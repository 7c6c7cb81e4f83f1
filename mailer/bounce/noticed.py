"""Whom does a server's notice in words for people name, and what of each?

By the private formats of `config/bounces` in their order, by the field X-Failed-Recipients, or at last by the one
address that can be meant.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache

from mailer.bounce.address_in import ADDRESS, addresses_in
from mailer.bounce.event import Event, Kind
from mailer.bounce.meaning import Said, meaning_of
from mailer.bounce.notice import Notice
from mailer.bounce.quotation import quoted_reply
from mailer.bounce.returning import (
    brings_back,
    has_such_subject,
    is_from_machine,
    is_of_machine,
    is_returning,
    may_be_letter,
    sender_words,
)
from mailer.bounce.rulebook import Rulebook
from mailer.bounce.shape import Named, Shape, named_by
from mailer.bounce.telling import about, apart_from, event_of
from mailer.carrier.reason import Reason
from mailer.mime.entity import Entity

#: Whom a notice names for questions.
_ROLE = re.compile(
    r"(?:postmaster|mailer-daemon|abuse|support|help\w*|admin\w*|info|webmaster|no-?reply)@", re.IGNORECASE
)

#: Whom a list names for questions.
_OF_LIST = re.compile(r"(?:owner-[^@]{1,60}|[^@]{1,60}-(?:owner|request))@", re.IGNORECASE)

#: A notice names the writer of the mail near its beginning.
_MOST_TEXT = 4000
#: Who wrote the mail that a notice speaks of.
_WRITER = re.compile(
    r"(?:(?<!expanded )(?<!generated )\bfrom|\bsent by|\bsender)(?:[ \t]*:?[ \t]|(?:(?<=by)|:)[ \t]*\n(?!\n))"
    rf"[ \t]{{0,12}}[\"'<]?(?P<address>{ADDRESS})",
    re.IGNORECASE,
)


def noticed(book: Rulebook, mail: Entity, notice: Notice) -> Iterator[Event]:
    """Give the events of a notice; none of a mail that no server seems to have written."""
    sender = sender_words(mail)
    if not is_returning(book, mail, sender):
        return
    words = notice.text.lower()
    own = {one.lower() for one in addresses_in(mail.field("to") + ", " + mail.field("from"))}
    writers = {found["address"].lower() for found in _WRITER.finditer(notice.text[:_MOST_TEXT])}
    by_machine = is_of_machine(mail) or brings_back(mail, notice.original)
    for shape in book.shapes:
        if (shape.signs or by_machine) and shape.fits(words, sender):
            named = _named(shape, notice.text, own | writers)
            if named:
                everybody = [one.address for one in named]
                told = (_of_notice(book, shape, one, notice, everybody) for one in named)
                yield from told if shape.signs else _believed(book, mail, notice, told)
                return
    events = _failed_recipients(book, mail, notice)
    yield from list(events) or (_believed(book, mail, notice, _last_resort(book, notice, own)) if by_machine else ())


def _believed(book: Rulebook, mail: Entity, notice: Notice, events: Iterator[Event]) -> Iterator[Event]:
    """Give what a mail of no known format says: all if it speaks of delivery, else what has a reason that we know.

    Postmasters write about other things, too, and who is away names others in a mail without a reverse-path.
    """
    phrases = (*book.failures, *book.delays, *book.successes)
    sender = sender_words(mail)
    known = "daemon" in sender or has_such_subject(book, mail, sender)
    if not known and notice.original is None and may_be_letter(mail):
        return
    if known or _says_any(notice, phrases) or quoted_reply(notice.text) is not None:
        yield from events
    elif is_from_machine(mail) or mail.field("x-failed-recipients"):
        yield from (event for event in events if event.reason is not Reason.UNCLEAR)


def _named(shape: Shape, text: str, own: Container[str]) -> list[Named]:
    """Return whom a notice names; the one that it goes to only where it names nobody else in a format that we know."""
    named = named_by(shape, text)
    others = [one for one in named if one.address.lower() not in own]
    if shape.signs:
        return others or named
    return [one for one in others if not _OF_LIST.match(one.address)]


def _failed_recipients(book: Rulebook, mail: Entity, notice: Notice) -> Iterator[Event]:
    everybody = addresses_in(", ".join(mail.fields("x-failed-recipients")))
    for address in everybody:
        words = about(notice.text, address) or notice.text
        yield _of_notice(book, None, Named(address, words), notice, everybody)


def _last_resort(book: Rulebook, notice: Notice, own: Container[str]) -> Iterator[Event]:
    """Name the one address that a server's notice of a failure can mean: in its words, or else that of the mail.

    Never the one that it comes from: who is away answers without a reverse-path, too, and quotes what he answers to.
    """
    failed = _says_any(notice, book.failures)
    told = addresses_in(_WRITER.sub(" ", notice.text) if failed else notice.text)
    said = [one for one in told if one.lower() not in own and not _ROLE.match(one)]
    to = [] if notice.original is None else addresses_in(", ".join(notice.original.fields("to")))
    sent_to = [one for one in to if one.lower() not in own]
    meant = [one for one in sent_to if one in said] or said or sent_to
    if len(meant) == 1 and not _OF_LIST.match(meant[0]):
        lines = about(notice.text, meant[0])
        meaning = meaning_of(book, Said(notice.text, "", "", meant[0].rpartition("@")[2]), lines)
        if meaning.known or failed:
            yield event_of(meant[0], meaning, delayed=_says_any(notice, book.delays))


def _says_any(notice: Notice, phrases: Iterable[str]) -> bool:
    return any(map(_one_line(notice.text).__contains__, phrases))


@lru_cache(1)
def _one_line(text: str) -> str:
    """Return the words of a notice in small letters; asked again and again for the same one."""
    return " ".join(text.lower().split())


def _of_notice(book: Rulebook, shape: Shape | None, named: Named, notice: Notice, everybody: Sequence[str]) -> Event:
    if _says_any(notice, book.successes) and not _says_any(notice, book.failures):
        return Event(named.address, Kind.DELIVERED, Reason.DELIVERED)
    domain = named.address.rpartition("@")[2]
    meaning = meaning_of(book, Said(named.words, "", "", domain), notice.text)
    if not meaning.known:
        rest = apart_from(notice.text, named.address, named.words, everybody)
        whole = meaning_of(book, Said(rest, "", "", domain))
        meaning = whole if whole.known else meaning
    return event_of(
        named.address, meaning, delayed=_says_any(notice, (*book.delays, *(shape.delayed if shape else ())))
    )
