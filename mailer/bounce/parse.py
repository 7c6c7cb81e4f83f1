"""What did a mail that came in say, about whom, and of which mail of ours?

In this order: a feedback report, a delivery status report, a program's notification, a notice in a private format, an
automatic answer; else the mail says nothing about any recipient. Pure, and nothing here raises: whoever is in doubt
says nothing, because a good address must not be taken for a dead one.
"""

import re
from collections.abc import Iterable, Iterator

from mailer.bounce.address_in import address_in, addresses_in
from mailer.bounce.event import Event, Kind, ReadMail
from mailer.bounce.feedback import NO_COMPLAINT, complainants, feedback_type
from mailer.bounce.meaning import Said, meaning_of
from mailer.bounce.notice import Notice, read_notice
from mailer.bounce.noticed import noticed
from mailer.bounce.notification import notified
from mailer.bounce.reported import reported
from mailer.bounce.returning import is_from_machine
from mailer.bounce.rulebook import Rulebook
from mailer.bounce.telling import LONGEST_TEXT, event_of
from mailer.carrier.reason import Reason
from mailer.domain.typed import visible
from mailer.mime.automatic import answers_automatically, is_automatic
from mailer.mime.entity import Entity, read_mail

MOST_EVENTS = 200

#: Where reports tell the reverse-path: RFC 5965, and Postfix's own field.
_SENDER = re.compile(r"^(?:original-mail-from|x-postfix-sender|x-[a-z0-9-]{1,40}-sender)[ \t]*:(.*)", re.I | re.M)
#: How Microsoft's Junk Mail Reporting Program begins the subject of a complaint, which is no report by RFC 5965.
_JMRP = "complaint about message from"


def read(content: bytes, book: Rulebook) -> ReadMail:
    """Return what a mail (whole, with its header) says; nothing about anybody where it cannot be read."""
    return said_by(read_mail(content), book)


def said_by(mail: Entity, book: Rulebook) -> ReadMail:
    """Return what a mail says that was taken apart already."""
    mail = _unwrapped(mail)
    notice = read_notice(mail, book.copies)
    return ReadMail(
        events=_each_once(_events(book, mail, notice)),
        message_ids=_message_ids(mail, notice),
        reverse_paths=_reverse_paths(notice),
        recipients=() if notice.original is None else tuple(addresses_in(", ".join(notice.original.fields("to")))),
        complaint=any(feedback_type(report) not in NO_COMPLAINT for report in notice.feedback),
        automatic=is_automatic(mail),
        subject=visible(mail.words("subject"), LONGEST_TEXT),
    )


def _unwrapped(mail: Entity) -> Entity:
    """Return the report that a gateway has put into a mail of its own, with the sender and the subject of that report:
    whoever hands on or answers has another sender or subject.
    """
    if mail.media_type != "multipart/mixed":
        return mail
    inner = next(
        (part.children[0] for part in mail.children if part.media_type == "message/rfc822" and part.children), None
    )
    if inner is None or inner.media_type != "multipart/report":
        return mail
    same = all(mail.field(name) == inner.field(name) for name in ("from", "subject"))
    return inner if same and is_from_machine(inner) else mail


def _events(book: Rulebook, mail: Entity, notice: Notice) -> list[Event]:
    """Return what the first reader that finds anything says; they are generators, so the others never begin."""
    readers = (
        _complaints(mail, notice),
        reported(book, mail, notice),
        _notified(book, notice),
        noticed(book, mail, notice),
        _answered(mail),
    )
    return next((events for events in map(list, readers) if events), [])


def _each_once(events: Iterable[Event]) -> tuple[Event, ...]:
    """Keep the first event of each recipient: a report may name one twice."""
    found: dict[str, Event] = {}
    for event in events:
        found.setdefault(event.recipient.lower(), event)
        if len(found) >= MOST_EVENTS:
            break
    return tuple(found.values())


def _message_ids(mail: Entity, notice: Notice) -> tuple[str, ...]:
    said = [] if notice.original is None else [notice.original.field("message-id")]
    said += [mail.field("in-reply-to"), mail.field("references")]
    return tuple(dict.fromkeys(re.findall(r"<[^<>\s]{1,250}>", " ".join(said)[:4000])))


def _reverse_paths(notice: Notice) -> tuple[str, ...]:
    """Return the reverse-paths of the mail spoken of, from its own trace and from the reports' fields."""
    said = [] if notice.original is None else [*notice.original.fields("return-path")]
    for report in (*notice.statuses, *notice.feedback):
        said += [field[1] for field in _SENDER.finditer(report[:64_000])]
    return tuple(addresses_in("\n".join(said)[:4000], 10))


def _complaints(mail: Entity, notice: Notice) -> Iterator[Event]:
    for report in notice.feedback:
        kind = feedback_type(report)
        no_complaint = kind in NO_COMPLAINT
        for address in complainants(report, notice.original):
            if no_complaint:
                yield Event(address, Kind.REPORT, Reason.AUTH_FAILED, diagnostic=visible(kind, LONGEST_TEXT))
            else:
                yield Event(address, Kind.COMPLAINT, Reason.COMPLAINT, diagnostic=visible(kind, LONGEST_TEXT))

    if not notice.feedback and notice.original is not None and mail.words("subject").lower().startswith(_JMRP):
        for address in addresses_in(notice.original.field("x-hmxmroriginalrecipient")):
            yield Event(address, Kind.COMPLAINT, Reason.COMPLAINT)


def _notified(book: Rulebook, notice: Notice) -> Iterator[Event]:
    for one in notified(notice.text):
        if one.kind is not None:
            yield Event(one.address, one.kind, Reason.COMPLAINT if one.kind is Kind.COMPLAINT else Reason.DELIVERED)
        else:
            domain = one.address.rpartition("@")[2]
            yield event_of(one.address, meaning_of(book, Said(one.words, one.status, "", domain)), delayed=False)


def _answered(mail: Entity) -> Iterator[Event]:
    """An automatic answer is one of the address that it comes from; what programs of servers write, and reports of
    any kind (RFC 6522), are none.
    """
    address = address_in(mail.field("from"))
    by_program = mail.media_type == "multipart/report" or is_from_machine(mail)
    if address and not by_program and answers_automatically(mail):
        yield Event(address, Kind.AUTOREPLY, Reason.AUTOREPLY)
