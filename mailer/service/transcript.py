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
from mailer.smtp.envelope import ForwardPath, ReversePath
from mailer.smtp.reply import Reply
from mailer.smtp.transcript import Mail, Said, heard, offers, opening, transaction

BARE = "bare"


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `by` is `connect`, `server`, `client`, `tls`, or `end` for why there was no answer."""

    at: datetime | None
    by: str
    text: str


def conversation(office: Office, item: QueuedItem, tried: Tried) -> list[Line]:
    """Return what was said in an attempt, in order; nothing if that was not written down."""
    session = tried.session
    if session is None:
        return []
    replies = list(heard(session.opening))
    lines = [
        _connected(session),
        *_dated(session, opening(replies, session.hostname, session.tls)),
        *_dated(session, _transaction(office, item, tried, session)),
    ]
    if not tried.evidence.code and tried.evidence.text:
        lines.append(Line(tried.ended_at, "end", tried.evidence.text))
    return lines


def _transaction(office: Office, item: QueuedItem, tried: Tried, session: SmtpSession) -> Iterator[Said]:
    about, _, replies = tried.transcript.partition("\n")
    if not about:
        return
    octets, _, bare = about.partition(" ")
    forward_path = ForwardPath(parse_address(item.address), bare == BARE)
    reverse_path = ReversePath(Address(office.verp.local_part(item.id), office.domain))
    mail = Mail(reverse_path, forward_path, int(octets), forward_path.address.utf8)
    decisive = Reply(tried.evidence.code, tried.evidence.text)
    yield from transaction(list(heard(replies, decisive)), mail, offers(list(heard(session.opening))))


def _connected(session: SmtpSession) -> Line:
    return Line(session.began + timedelta(milliseconds=session.connected or 0), "connect", session.peer)


def _dated(session: SmtpSession, said: Iterable[Said]) -> Iterator[Line]:
    for one in said:
        at = None if one.at is None else session.began + timedelta(milliseconds=one.at)
        yield Line(at, one.by, one.text)
