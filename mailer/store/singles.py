"""Which single mails did mail to the schools lead to, and which of them is to leave now?

A little queue of its own. The attempt is committed before the first packet leaves; one whose end nobody wrote stands as
`sending` until whoever sends, which is one process at a time, says that it is not at it. Those that write do not open
a transaction.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mailer.store.database import change, select
from mailer.store.models import instant
from mailer.store.single_models import SingleMail

ENVELOPE = "SELECT reverse_path, forward_path FROM inbound_mail WHERE id = ?"
OPEN = "SELECT EXISTS (SELECT 1 FROM single_mail WHERE state IN ('waiting', 'sending'))"
BEGIN = "UPDATE single_mail SET state = 'sending', attempts = attempts + 1 WHERE id = ? AND state = 'waiting'"
SETTLE = """
UPDATE single_mail
SET state = ?, reason = ?, host = ?, reply = ?, possible_copies = possible_copies + ?, next_at = ?, settled_at = ?
WHERE id = ? AND state = 'sending'
"""
#: What nobody is at any more may have left, or may not.
LOST = "UPDATE single_mail SET state = 'waiting', possible_copies = possible_copies + 1 WHERE id = ?"
SENDING = "SELECT id FROM single_mail WHERE state = 'sending'"
#: What is over ends where it waits; what is under way is settled by who is at it.
EXPIRE = "UPDATE single_mail SET state = 'expired', settled_at = ? WHERE state = 'waiting' AND expires_at <= ?"
HOLD = """
UPDATE single_mail SET state = 'held', reason = 'copies', settled_at = ?
WHERE state = 'waiting' AND possible_copies >= ?
"""
RETURNED = """
UPDATE single_mail SET state = 'returned', reply = ?, settled_at = ? WHERE id = ? AND state IN ('accepted', 'sending')
"""
#: Whether an address stands in the roster, or stood there, as it was written or in small letters.
IS_REGISTERED = "SELECT EXISTS (SELECT 1 FROM address_slot WHERE address_key IN (?1, LOWER(?1)))"
SENT_SINCE = """
SELECT COUNT(*) FROM single_mail AS single JOIN inbound_mail AS came ON came.id = single.mail_id
WHERE state <> 'kept' AND created_at > ? AND kind = ? AND ? IN ('', school)
    AND EXISTS (SELECT 1 FROM address_slot WHERE address_key IN (reverse_path, LOWER(reverse_path))) = ?
"""
NOTICED = """
SELECT school FROM single_mail WHERE state <> 'kept' AND sender = ? AND created_at > ? AND kind = 'notice'
"""
SAFETY = """
SELECT EXISTS (
    SELECT 1 FROM announcement
    WHERE lane = 0 AND expires_at > ? AND cancelled_at IS NULL AND MAX(announced_at, not_before) BETWEEN ? AND ?
)
"""
#: What a person may look after: copies that the mailbox does not have, notices that found nobody, and what was withheld
#: because too much came. Of that strangers can cause as much as they like; it comes last, and hides nothing else.
UNSENT = """
SELECT single.id FROM single_mail AS single JOIN inbound_mail AS came ON came.id = single.mail_id
WHERE ? IN ('', school) AND state <> 'accepted' AND (state <> 'kept' OR kind = 'forward' OR reason = 'too_many_notices')
ORDER BY reason IN ('too_many_notices', 'too_many_forwards')
    AND NOT EXISTS (SELECT 1 FROM address_slot WHERE address_key IN (reverse_path, LOWER(reverse_path))),
    single.id DESC
LIMIT ?
"""
SHIFT = """
UPDATE single_mail SET next_at = next_at + ?, expires_at = expires_at + ? WHERE state IN ('waiting', 'sending')
"""


class SingleKind(StrEnum):
    """A notice to who wrote, a copy to the school's mailbox, or nothing because the school refuses mail."""

    NOTICE = "notice"
    FORWARD = "forward"
    NOTHING = "nothing"


class SingleState(StrEnum):
    """Where it stands; KEPT is a mail because of which nothing is sent."""

    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    RETURNED = "returned"
    EXPIRED = "expired"
    HELD = "held"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Single:
    """One single mail as it stands; the fields are those of the table."""

    id: int
    mail_id: int
    school: str
    kind: SingleKind
    sender: str
    recipient: str
    message_id: str
    selectors: tuple[str, ...]
    state: SingleState
    reason: str
    attempts: int
    possible_copies: int
    created_at: datetime
    next_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    host: str
    reply: str

    @property
    def domain(self) -> str:
        """Return the domain that it goes to."""
        return self.recipient.rpartition("@")[2].lower()

    @property
    def announcement_id(self) -> str:
        """It belongs to none: a stop of a broadcast does not keep it."""
        return ""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a mail leads to; with a `reason` to nothing, at once and for good."""

    mail_id: int
    school: str
    kind: SingleKind
    sender: str
    recipient: str
    message_id: str
    selectors: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended; `again` is when the next one is due, None if there is none."""

    state: SingleState
    reason: str
    host: str
    reply: str
    possible_copy: bool
    again: datetime | None


def envelope(mail_id: int) -> tuple[str, list[str]] | None:
    """Return the reverse-path and the forward-paths of a mail that came in, or None if there is none."""
    found = select(ENVELOPE, (mail_id,))
    return next(((reverse_path, paths.split(", ")) for reverse_path, paths in found), None)


def plan(planned: Planned, now: datetime, expires_at: datetime) -> int:
    """Write what a mail leads to and return its number."""
    row = SingleMail.insert(
        mail=planned.mail_id,
        school=planned.school,
        kind=planned.kind,
        sender=planned.sender,
        recipient=planned.recipient,
        message_id=planned.message_id,
        selectors=" ".join(planned.selectors),
        state=SingleState.KEPT if planned.reason else SingleState.WAITING,
        reason=planned.reason,
        attempts=0,
        possible_copies=0,
        created_at=now,
        next_at=now,
        expires_at=expires_at,
        settled_at=now if planned.reason else None,
        host="",
        reply="",
    )
    return int(row.execute())


def is_registered(reverse_path: str) -> bool:
    """Tell whether somebody is, or was, registered at an address; small letters are as good as those of the roster."""
    ((found,),) = select(IS_REGISTERED, (reverse_path,))
    return bool(found)


def sent_since(kind: SingleKind, since: datetime, school: str = "", *, registered: bool) -> int:
    """Return how many of a kind were planned since a time, of one school if it is named.

    Those because of registered senders are counted, or those because of strangers.
    """
    ((count,),) = select(SENT_SINCE, (instant(since), kind, school, registered))
    return int(count)


def noticed(sender: str, since: datetime) -> list[str]:
    """Return the schools whose notice a sender was to get since a time, each as often."""
    return [school for (school,) in select(NOTICED, (sender, instant(since)))]


def any_open() -> bool:
    """Tell whether any waits or is under way."""
    ((found,),) = select(OPEN)
    return bool(found)


def due(now: datetime, page: int) -> Iterator[Single]:
    """Give those whose time has come, the longest due first; they are read so many at a time, as they are wanted."""
    waiting = (SingleMail.state == SingleState.WAITING) & (SingleMail.next_at <= now)
    found = SingleMail.select().where(waiting).order_by(SingleMail.next_at, SingleMail.id).limit(page)
    rows = list(found)
    while rows:
        yield from map(_single, rows)
        last = rows[-1]
        rows = list(
            found.where(
                (SingleMail.next_at > last.next_at) | ((SingleMail.next_at == last.next_at) & (SingleMail.id > last.id))
            )
        )


def begin(number: int) -> Single | None:
    """Write that an attempt begins and return the mail; None if it waits no longer."""
    return get(number) if change(BEGIN, (number,)) else None


def settle(number: int, ended: Ended, now: datetime) -> bool:
    """Write how an attempt ended; False if it was ended otherwise meanwhile."""
    again = instant(ended.again or now)
    settled = None if ended.again else instant(now)
    said = (ended.state, ended.reason, ended.host, ended.reply, ended.possible_copy, again, settled)
    return change(SETTLE, (*said, number)) > 0


def recover(under_way: Collection[int]) -> int:
    """Let wait again, as possibly copied, what stands as being sent and is not under way; return how many."""
    lost = [number for (number,) in select(SENDING) if number not in under_way]
    for number in lost:
        change(LOST, (number,))
    return len(lost)


def close(now: datetime, most_copies: int) -> int:
    """End what is over, and hold what may have left so many copies; return how many."""
    return change(EXPIRE, (instant(now), instant(now))) + change(HOLD, (instant(now), most_copies))


def mark_returned(number: int, said: str, now: datetime) -> bool:
    """Write that a mail which was taken came back; False if it was not taken."""
    return change(RETURNED, (said, instant(now), number)) > 0


def newest(school: str, limit: int, *, unsent: bool) -> list[Single]:
    """Return the newest, those of one school if it is named; with `unsent` those alone that a person may look after.

    Those are copies for a school that its mailbox did not get, or not yet, notices that found nobody, and what was
    withheld because too much came; that of strangers comes last.
    """
    if unsent:
        numbers = [number for (number,) in select(UNSENT, (school, limit))]
        return [one for number in numbers if (one := get(number)) is not None]
    wanted = SingleMail.select().order_by(SingleMail.id.desc()).limit(limit)
    if school:
        wanted = wanted.where(SingleMail.school == school)
    return [_single(row) for row in wanted]


def get(number: int) -> Single | None:
    """Return the one with this number, or None."""
    row = SingleMail.get_or_none(SingleMail.id == number)
    return None if row is None else _single(row)


def of_mail(mail_id: int) -> list[Single]:
    """Return what a mail led to, in order."""
    found = SingleMail.select().where(SingleMail.mail == mail_id).order_by(SingleMail.id)
    return [_single(row) for row in found]


def safety_began(now: datetime, within: timedelta) -> bool:
    """Tell whether a safety broadcast began to leave within so long a time."""
    ((found,),) = select(SAFETY, (instant(now), instant(now - within), instant(now)))
    return bool(found)


def set_clock(by: timedelta) -> int:
    """Set the times of those that are not over with a clock that was set."""
    return change(SHIFT, (round(by.total_seconds() * 1000),) * 2)


def _single(row: SingleMail) -> Single:
    return Single(
        id=row.id,
        mail_id=row.mail_id,
        school=row.school,
        kind=SingleKind(row.kind),
        sender=row.sender,
        recipient=row.recipient,
        message_id=row.message_id,
        selectors=tuple(row.selectors.split()),
        state=SingleState(row.state),
        reason=row.reason,
        attempts=row.attempts,
        possible_copies=row.possible_copies,
        created_at=row.created_at,
        next_at=row.next_at,
        expires_at=row.expires_at,
        settled_at=row.settled_at,
        host=row.host,
        reply=row.reply,
    )
