"""What was said in an attempt at an item?

The session's opening, then what is about this mail alone; of the content only its size. Where nobody lived to write the
end of an attempt, nothing of it is known.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.schedule.outcome import SmtpSession
from mailer.schedule.queued import QueuedItem, Tried
from mailer.service.office import Office
from mailer.smtp.address import Address, parse_address
from mailer.smtp.envelope import IN_FLIGHT, ForwardPath, ReversePath
from mailer.smtp.reply import Reply
from mailer.smtp.transcript import Mail, Said, heard, offers, opening, transaction

BARE, REQUIRETLS = "bare", "requiretls"
BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `by` is `connect`, `end` for why there was no answer, or as in `smtp.transcript.Said`."""

    at: datetime | None
    by: str
    text: str


def conversation(office: Office, item: QueuedItem, tried: Tried) -> list[Line]:
    """Return what was said in an attempt, in order; nothing if that was not written down."""
    *before, last = tried.transcript.split(BETWEEN)
    sessions = {session.id: session for session in tried.earlier}
    lines: list[Line] = []
    present = None
    for section in before:
        number, _, said = section.removeprefix("@").partition(" ")
        session = sessions.get(int(number))
        lines += _lines(office, item, said, session, None, session is not present)
        present = session
    decisive = Reply(tried.evidence.code, tried.evidence.text)
    lines += _lines(office, item, last, tried.session, decisive, tried.session is not present)
    if lines and not tried.evidence.code and tried.evidence.text:
        lines.append(Line(tried.ended_at, "end", tried.evidence.text))
    return lines


def _lines(
    office: Office, item: QueuedItem, said: str, session: SmtpSession | None, decisive: Reply | None, is_new: bool
) -> Iterator[Line]:
    """Tell how a session began, where that `is_new`, and what was said about the item's mail in it."""
    if session is None:
        return
    begun = list(heard(session.opening))
    if is_new:
        yield _connected(session)
        yield from _dated(session, opening(begun, session.hostname, session.tls))
    about, _, replies = said.partition("\n")
    if about:
        yield from _dated(
            session, transaction(list(heard(replies, decisive)), _mail(office, item, about), offers(begun))
        )


def _mail(office: Office, item: QueuedItem, about: str) -> Mail:
    octets, *words = about.split(" ")
    way = next((word for word in words if word not in (BARE, REQUIRETLS)), IN_FLIGHT)
    forward_path = ForwardPath(parse_address(item.address), BARE in words)
    reverse_path = ReversePath(Address(office.verp.local_part(item.id), office.domain))
    return Mail(reverse_path, forward_path, int(octets), forward_path.address.utf8, way, REQUIRETLS in words)


def _connected(session: SmtpSession) -> Line:
    return Line(session.began + timedelta(milliseconds=session.connected or 0), "connect", session.peer)


def _dated(session: SmtpSession, said: Iterable[Said]) -> Iterator[Line]:
    for one in said:
        at = None if one.at is None else session.began + timedelta(milliseconds=one.at)
        yield Line(at, one.by, one.text)
