"""What did a mail that came in say, about whom, and of which mail of ours?

In this order: a feedback report, a delivery status report, a program's notification, a notice in a private format, an
automatic answer; else the mail says nothing about any recipient. Pure, and nothing here raises: whoever is in doubt
says nothing, because a good address must not be taken for a dead one.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace

from mailer.bounce.address_in import address_in, addresses_in
from mailer.bounce.event import Event, Kind, ReadMail
from mailer.bounce.feedback import NO_COMPLAINT, complainants, feedback_type
from mailer.bounce.meaning import Meaning, Said, meaning_of
from mailer.bounce.notice import Notice, read_notice
from mailer.bounce.notification import notified
from mailer.bounce.rulebook import Rulebook
from mailer.bounce.shape import Named, Shape, named_by
from mailer.bounce.status_report import ReportedRecipient, StatusReport, read_status_report
from mailer.carrier.reason import Reason
from mailer.domain.typed import visible
from mailer.mime.automatic import answers_automatically, is_automatic
from mailer.mime.entity import Entity, decode_words, read_mail

MOST_EVENTS = 200
LONGEST_TEXT = 512
LONGEST_ABOUT = 2000
DELIVERED = frozenset({"delivered", "relayed", "expanded"})
DELAYS = (
    "warning message only",
    "not yet been delivered",
    "has been delayed",
    "will keep trying",
    "will continue trying",
    "will be retried",
    "delivery attempts will continue",
    "you do not need to resend",
    "no need to resend",
    "do not resend your message",
)
#: OpenSMTPD says "delayed" of a mail that it has deleted because its time ran out, and "Envelope expired" then only.
GIVEN_UP_YET_DELAYED = "envelope expired"

#: Where reports tell the reverse-path: RFC 5965, and Postfix's own field.
_SENDER = re.compile(r"^(?:original-mail-from|x-postfix-sender|x-[a-z0-9-]{1,40}-sender)[ \t]*:(.*)", re.I | re.M)
#: How Microsoft's Junk Mail Reporting Program begins the subject of a complaint, which is no report by RFC 5965.
_JMRP = "complaint about message from"
#: Whom a notice names for questions.
_ROLE = re.compile(
    r"(?:postmaster|mailer-daemon|abuse|support|help\w*|admin\w*|info|webmaster|no-?reply)@", re.IGNORECASE
)
#: How the subject begins of what a person answers or forwards.
_HANDED_ON = re.compile(r"\s*(?:re|fwd?|aw|wg|tr|rv|sv|転送|返信)\s*[:：]", re.IGNORECASE)
_HEADER_ECHO = re.compile(r"[ \t>]*(?:to|from|cc|subject|date|sent|message-id|reply-to):", re.IGNORECASE)
_OF_SOMEBODY = re.compile(r"[ \t]*<?[^\s<>@]{1,128}@[^\s<>@]{1,255}>?[ \t]*(?::|\(|$)")
_RETURNING = re.compile(
    r"mailer.?daemon|postmaster|mail.?delivery|mail.?system|mail administrator|delivery (?:sub)?system"
    r"|system administrator|deliver(?:y|ed) (?:service|status)|undeliver|bounce",
    re.IGNORECASE,
)


def read(content: bytes, book: Rulebook) -> ReadMail:
    """Return what a mail (whole, with its header) says; nothing about anybody where it cannot be read."""
    return said_by(read_mail(content), book)


def said_by(mail: Entity, book: Rulebook) -> ReadMail:
    """Return what a mail says that was taken apart already."""
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


def _events(book: Rulebook, mail: Entity, notice: Notice) -> list[Event]:
    for reader in (_complaints, _reported, _notified, _noticed, _answered):
        if events := list(reader(book, mail, notice)):
            return events
    return []


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


# --- feedback reports


def _complaints(book: Rulebook, mail: Entity, notice: Notice) -> Iterator[Event]:
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


# --- delivery status reports


def _reported(book: Rulebook, mail: Entity, notice: Notice) -> Iterator[Event]:
    texts = notice.statuses or ((notice.text,) if "final-recipient:" in notice.text.lower() else ())
    for report in map(read_status_report, texts):
        for recipient in report.recipients:
            event = _of_report(book, recipient, report, notice)
            if event is not None:
                yield event


def _of_report(book: Rulebook, told: ReportedRecipient, report: StatusReport, notice: Notice) -> Event | None:
    final = address_in(told.final)
    address = address_in(told.original) or final or _only_recipient(report, notice)
    if not address:
        return None
    if told.action in DELIVERED:
        words = visible(told.diagnostic, LONGEST_TEXT)
        return Event(address, Kind.DELIVERED, Reason.DELIVERED, told.status, words, told.host, final)
    if told.action == "delayed" and GIVEN_UP_YET_DELAYED in _about(notice.text, final or address).lower():
        told = replace(told, action="failed")
    delayed = told.action == "delayed"
    if told.action == "failed" and told.status[:1] == "2":
        return _of_contradiction(book, address, notice)
    if not delayed and not _was_given_up(told):
        return None
    if delayed and told.status.endswith(".0"):
        told = replace(told, status="")  # a class of trouble and no more: that it takes time is what it says
    meaning = _meaning_of_report(book, told, final or address, report.reporting_mta, notice)
    host = meaning.host or visible(report.reporting_mta, LONGEST_TEXT)
    return _event(address, replace(meaning, host=host), delayed=delayed, final=final)


def _only_recipient(report: StatusReport, notice: Notice) -> str:
    """Return to whom the mail spoken of was sent, where a report about one recipient names no address (a user)."""
    if notice.original is None or len(report.recipients) != 1:
        return ""
    sent_to = addresses_in(", ".join(notice.original.fields("to")))
    return sent_to[0] if len(sent_to) == 1 else ""


def _was_given_up(told: ReportedRecipient) -> bool:
    """Tell whether the mail failed: so it says, or an action that there is not stands beside a status of failure."""
    return told.action == "failed" or told.status[:1] in ("4", "5") or bool(told.diagnostic and not told.action)


def _of_contradiction(book: Rulebook, address: str, notice: Notice) -> Event | None:
    """Read a report of failure with a status of success by its words for people; it never costs an address."""
    meaning = meaning_of(book, Said(notice.text, "", "", address.rpartition("@")[2]))
    return _event(address, replace(meaning, hard=False), delayed=False) if meaning.known else None


def _meaning_of_report(book: Rulebook, told: ReportedRecipient, address: str, reporter: str, notice: Notice) -> Meaning:
    about = _about(notice.text, address)
    domain = address.rpartition("@")[2]
    context = (about, notice.text)
    said = Said(told.diagnostic or about, told.status, told.host, domain, reporter)
    first = meaning_of(book, said, *context)
    if first.known:
        return first
    for words in filter(None, (about, notice.text)):
        other = meaning_of(book, replace(said, words=words), *context)
        if other.known:
            return other
    return first


def _about(text: str, address: str) -> str:
    """Return what a notice says of an address: its lines up to an empty line or to those about somebody else."""
    lower, key = text.lower(), address.lower()
    begins = [found for found in _occurrences(lower, key) if not _HEADER_ECHO.match(text, found)]
    if not begins:
        return ""
    kept: list[str] = []
    for line in text[begins[0] : begins[0] + LONGEST_ABOUT].split("\n"):
        other = _OF_SOMEBODY.match(line)
        if kept and (not line.strip() or (other is not None and key not in line.lower())):
            break
        kept.append(line)
    return "\n".join(kept)


def _occurrences(text: str, key: str) -> Iterator[int]:
    """Give the beginnings of the first lines in which a text stands."""
    begin = 0
    for _ in range(10):
        begin = text.find(key, begin)
        if begin < 0:
            return
        yield text.rfind("\n", 0, begin) + 1
        begin += len(key)


def _event(address: str, meaning: Meaning, *, delayed: bool, final: str = "") -> Event:
    kind = Kind.DELAYED if delayed else Kind.HARD if meaning.hard else Kind.SOFT
    reason = meaning.reason
    if reason is Reason.UNCLEAR and delayed:
        reason = Reason.EXPIRED
    words = visible(meaning.words, LONGEST_TEXT)
    return Event(address, kind, reason, meaning.status, words, visible(meaning.host, LONGEST_TEXT), final)


# --- programs' notifications


def _notified(book: Rulebook, mail: Entity, notice: Notice) -> Iterator[Event]:
    for one in notified(notice.text):
        if one.kind is not None:
            yield Event(one.address, one.kind, Reason.COMPLAINT if one.kind is Kind.COMPLAINT else Reason.DELIVERED)
        else:
            domain = one.address.rpartition("@")[2]
            yield _event(one.address, meaning_of(book, Said(one.words, one.status, "", domain)), delayed=False)


# --- private formats


def _noticed(book: Rulebook, mail: Entity, notice: Notice) -> Iterator[Event]:
    sender = _sender(mail)
    if not _is_returning(book, mail, sender):
        return
    words = notice.text.lower()
    own = {one.lower() for one in addresses_in(mail.field("to") + ", " + mail.field("from"))}
    by_machine = _is_of_machine(mail)
    for shape in book.shapes:
        if (shape.signs or by_machine) and shape.fits(words, sender):
            named = [one for one in named_by(shape, notice.text) if one.address.lower() not in own or shape.signs]
            if named:
                yield from (_of_notice(book, shape, one, notice) for one in named)
                return
    events = list(_failed_recipients(book, mail, notice))
    yield from events or (_last_resort(book, notice, own) if by_machine else ())


def _sender(mail: Entity) -> str:
    names = " ".join(name for name in ("x-failed-recipients", "x-ezweb") if mail.field(name))
    return decode_words(f"{mail.field('from')}\n{mail.field('subject')}\n{names}").lower()


def _is_returning(book: Rulebook, mail: Entity, sender: str) -> bool:
    """Tell whether a mail may be a returned one: who reads ordinary mail as a report would blame good addresses."""
    if _is_of_machine(mail):
        return True
    handed_on = _HANDED_ON.match(mail.words("subject")) is not None
    return not handed_on and any(subject in sender for subject in book.subjects)


def _is_of_machine(mail: Entity) -> bool:
    return (
        bool(mail.field("x-failed-recipients"))
        or mail.field("return-path").strip() == "<>"
        or _RETURNING.search(mail.field("from")) is not None
    )


def _failed_recipients(book: Rulebook, mail: Entity, notice: Notice) -> Iterator[Event]:
    for address in addresses_in(", ".join(mail.fields("x-failed-recipients"))):
        words = _about(notice.text, address) or notice.text
        yield _of_notice(book, None, Named(address, words), notice)


def _last_resort(book: Rulebook, notice: Notice, own: Container[str]) -> Iterator[Event]:
    """Name the one address that a server's notice of a failure can mean: in its words, or else that of the mail.

    Never the one that it comes from: who is away answers without a reverse-path, too, and quotes what he answers to.
    """
    said = [one for one in addresses_in(notice.text) if one.lower() not in own and not _ROLE.match(one)]
    to = [] if notice.original is None else addresses_in(", ".join(notice.original.fields("to")))
    sent_to = [one for one in to if one.lower() not in own]
    meant = [one for one in sent_to if one in said] or said or sent_to
    if len(meant) == 1:
        about = _about(notice.text, meant[0])
        meaning = meaning_of(book, Said(notice.text, "", "", meant[0].rpartition("@")[2]), about)
        if meaning.known:
            yield _event(meant[0], meaning, delayed=_is_warning(notice))


def _is_warning(notice: Notice, phrases: Sequence[str] = ()) -> bool:
    words = notice.text.lower()
    return any(map(words.__contains__, (*DELAYS, *phrases)))


def _of_notice(book: Rulebook, shape: Shape | None, named: Named, notice: Notice) -> Event:
    domain = named.address.rpartition("@")[2]
    meaning = meaning_of(book, Said(named.words, "", "", domain), notice.text)
    if not meaning.known:
        whole = meaning_of(book, Said(notice.text, "", "", domain))
        meaning = whole if whole.known else meaning
    return _event(named.address, meaning, delayed=_is_warning(notice, shape.delayed if shape else ()))


# --- automatic answers


def _answered(book: Rulebook, mail: Entity, notice: Notice) -> Iterator[Event]:
    """An automatic answer is one of the address that it comes from; what programs of servers write is none."""
    address = address_in(mail.field("from"))
    if address and not _RETURNING.search(mail.field("from")) and answers_automatically(mail):
        yield Event(address, Kind.AUTOREPLY, Reason.AUTOREPLY)
