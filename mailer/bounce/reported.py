"""What does a delivery status report say of each recipient, with the words for people around it?"""

import re
from collections.abc import Iterator
from dataclasses import replace

from mailer.bounce.address_in import address_in, addresses_in
from mailer.bounce.event import Event, Kind
from mailer.bounce.meaning import Meaning, Said, meaning_of
from mailer.bounce.notice import Notice
from mailer.bounce.quotation import quoted_reply
from mailer.bounce.returning import is_returning, sender_words
from mailer.bounce.rulebook import Rulebook
from mailer.bounce.status_report import ReportedRecipient, StatusReport, read_status_report
from mailer.bounce.telling import LONGEST_TEXT, about, apart_from, event_of
from mailer.carrier.reason import Reason
from mailer.domain.typed import visible
from mailer.mime.entity import Entity

_ENCODED = re.compile(r"\+([0-9A-F]{2})")
DELIVERED = frozenset({"delivered", "relayed", "expanded"})
#: That no host answered, or broke off (RFC 3463 §3.5): whether the time ran out over it the words tell.
NO_CONNECTION = frozenset({"4.4.1", "4.4.2"})
#: OpenSMTPD says "delayed" of a mail that it has deleted because its time ran out, and "Envelope expired" then only.
GIVEN_UP_YET_DELAYED = "envelope expired"


def reported(book: Rulebook, mail: Entity, notice: Notice) -> Iterator[Event]:
    """Give the events of the reports in a mail, of one whose parts were lost by the fields in its words."""
    for report in map(read_status_report, notice.statuses or _in_words(book, mail, notice)):
        for recipient in report.recipients:
            event = _of_report(book, recipient, report, notice)
            if event is not None:
                yield event


def _in_words(book: Rulebook, mail: Entity, notice: Notice) -> tuple[str, ...]:
    """Return the words if a server wrote the fields of a report in them; people paste reports and ask about them."""
    if "final-recipient:" in notice.text.lower() and is_returning(book, mail, sender_words(mail)):
        return (notice.text,)
    return ()


def _of_report(book: Rulebook, told: ReportedRecipient, report: StatusReport, notice: Notice) -> Event | None:
    final = address_in(told.final)
    address = _decoded(address_in(told.original), final) or final or _only_recipient(report, notice)
    if not address:
        return None
    if told.action in DELIVERED:
        words = visible(told.diagnostic, LONGEST_TEXT)
        return Event(
            address, Kind.DELIVERED, Reason.DELIVERED, told.status, words, visible(told.host, LONGEST_TEXT), final
        )
    if told.action == "delayed" and GIVEN_UP_YET_DELAYED in about(notice.text, final or address).lower():
        told = replace(told, action="failed")
    delayed = told.action == "delayed"
    if told.action == "failed" and told.status[:1] == "2":
        return _of_contradiction(book, address, notice)
    if not delayed and not _was_given_up(told):
        return None
    if delayed and told.status.endswith(".0"):
        told = replace(told, status="")  # a class of trouble and no more: that it takes time is what it says
    meaning = _meaning_of_report(book, told, final or address, report, notice)
    host = meaning.host or visible(report.reporting_mta, LONGEST_TEXT)
    return event_of(address, replace(meaning, host=host), delayed=delayed, final=final)


def _decoded(original: str, final: str) -> str:
    """Return the original recipient, which some servers leave encoded as SMTP handed it on (RFC 3461 §4): it tells so
    where the final one is the same, decoded.
    """
    if "+" not in original:
        return original
    plain = _ENCODED.sub(lambda octet: chr(int(octet[1], 16)), original)
    return final if plain.lower() == final.lower() else original


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
    return event_of(address, replace(meaning, hard=False), delayed=False) if meaning.known else None


def _meaning_of_report(
    book: Rulebook, told: ReportedRecipient, address: str, report: StatusReport, notice: Notice
) -> Meaning:
    lines = about(notice.text, address)
    domain = address.rpartition("@")[2]
    context = (lines, notice.text)
    said = Said(told.diagnostic or lines, told.status, told.host, domain, report.reporting_mta)
    if not told.diagnostic and len({one.final.lower() for one in report.recipients}) == 1:
        # Older servers give a status to whole classes of trouble; what was said stands in the words only.
        spoken = meaning_of(book, replace(said, words=notice.text, status=""), *context)
        if spoken.known and (quoted_reply(notice.text) is not None or told.status in NO_CONNECTION):
            return spoken
    first = meaning_of(book, said, *context)
    if first.known:
        return first
    category = f"category: {told.category}" if told.category else ""
    everybody = (one.final for one in report.recipients)
    rest = apart_from(notice.text, address, said.words, map(address_in, everybody))
    for words in filter(None, (category, lines, rest)):
        other = meaning_of(book, replace(said, words=words), *context)
        if other.known:
            return other
    return first
