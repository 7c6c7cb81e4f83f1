"""Which single mail leaves now, as which bytes, and what came of it?

A notice leaves with the null reverse-path (RFC 3834 §3.3), so nothing can come back. A copy leaves under a reverse-path
of its own, with our MAC: what comes back ends that copy as returned and leads to nothing else; neither the author nor a
queue item ever hears of it. After three possible copies a mail is held for a person instead of going out again.

Those that write do not open a transaction: they are made for a `Writer`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.clock import JAPAN
from mailer.domain.lane import Lane
from mailer.message import auto_reply
from mailer.message.compose import Draft
from mailer.message.onward import onward
from mailer.schedule.backoff import next_attempt
from mailer.schedule.outcome import reply_line
from mailer.service import stops
from mailer.service.dispatch import bare_domains, key_names
from mailer.service.office import Office
from mailer.service.wave import receiver
from mailer.smtp.address import Address, parse_address
from mailer.smtp.envelope import Envelope, Fact, ForwardPath, ReversePath
from mailer.smtp.reply import Kind, Stage
from mailer.store import inbound, singles, site_memory
from mailer.store.singles import Ended, Single, SingleKind, SingleState

__all__ = ["Ended", "Single", "any_open", "begin", "set_clock"]

MOST_COPIES = 3
#: Hundreds may wait for one domain that is stopped; those behind them do not wait for it.
LOOKED_AT_ONCE = 100
#: While a safety broadcast begins, nothing else is asked of the network.
SAFETY_FIRST = timedelta(minutes=1)
#: No pause is longer.
PAUSES_END_AFTER = timedelta(days=1)
#: What no later attempt can mend.
LASTING = ("needs_smtputf8", "needs_requiretls", "too_big")
#: Where a permanent reply is about the mail; before, it is about us or the server.
ABOUT_THE_MAIL = (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.EOD)
LONGEST_REPLY = 500

any_open, begin, set_clock = singles.any_open, singles.begin, singles.set_clock


@dataclass(frozen=True, slots=True)
class Made:
    """A single mail made ready: `draft` lacks only signatures, without one `content` is all."""

    envelope: Envelope
    draft: Draft | None
    content: bytes


def tidy(office: Office, under_way: Collection[int]) -> int:
    """Let wait again what nobody is at, end what is over, hold what may be there three times; return how many."""
    lost = singles.recover(under_way)
    return lost + singles.close(office.clock(), MOST_COPIES)


def due(office: Office, limit: int, busy: Collection[str] = ()) -> list[Single]:
    """Return what is to leave now, one to each domain that is not busy; only reads.

    Nothing while a safety broadcast begins, nothing that a stop keeps, and nothing to a receiver that blocks us: what
    an answer to a stranger does there would be held against the next broadcast.
    """
    now = office.clock()
    if limit < 1 or singles.safety_began(now, SAFETY_FIRST):
        return []
    stopped, resting = stops.standing(), _resting(now)
    free: dict[str, Single] = {}
    for one in singles.due(now, LOOKED_AT_ONCE):
        rests = bool(resting) and receiver(office.receiver, one.domain) in resting
        if one.domain not in busy and not rests and not stopped.over(one):
            free.setdefault(one.domain, one)
        if len(free) == limit:
            break
    return list(free.values())


def _resting(now: datetime) -> frozenset[str]:
    """Return the receivers that block us, as the workers have learned."""
    states = site_memory.states(now - PAUSES_END_AFTER)
    return frozenset(one.site for one in states if one.paused_until is not None and one.paused_until > now)


def make(office: Office, single: Single, *, require_tls: bool) -> Made:
    """Return the mail, the same bytes at every attempt; only reads.

    Raises ValueError or KeyError if it cannot be made, as of a school that is no more.
    """
    school = office.schools.by_code[single.school]
    to = parse_address(single.recipient)
    forward_path = ForwardPath(to, bare=to.irregular and single.domain in bare_domains())
    if single.kind is SingleKind.NOTICE:
        name = f"s{single.id:x}.{int(single.created_at.timestamp() * 1000):x}"
        answered = auto_reply.Answered(to, single.message_id, name, single.created_at.astimezone(JAPAN))
        draft = auto_reply.draft(school, office.schools.successor(school), answered, key_names(single.selectors))
        return Made(Envelope(ReversePath(None), (forward_path,), require_tls), draft, b"")
    kept = inbound.raw(single.mail_id)
    if kept is None:
        raise ValueError(f"the mail that S{single.id:X} hands on is no more")
    back = ReversePath(Address(office.verp.of_singles().local_part(single.id), office.domain))
    return Made(Envelope(back, (forward_path,), require_tls), None, onward(kept, school.address))


def judge(office: Office, single: Single, fact: Fact, host: str) -> Ended:
    """Return how an attempt ended, by what came of it."""
    said = fact.failure if fact.reply is None else reply_line(fact.reply.code, "", fact.reply.text)
    if fact.accepted:
        return Ended(SingleState.ACCEPTED, "", host, said[:LONGEST_REPLY], possible_copy=False, again=None)
    refused = not fact.failure and fact.reply is not None and fact.reply.kind is Kind.PERMANENT
    if fact.failure in LASTING or (refused and fact.stage in ABOUT_THE_MAIL):
        return Ended(SingleState.REFUSED, "", host, said[:LONGEST_REPLY], possible_copy=False, again=None)
    return later(office, single, said, host, possible_copy=fact.kept_unknown)


def later(office: Office, single: Single, said: str, host: str = "", *, possible_copy: bool = False) -> Ended:
    """Return the end of an attempt that came to nothing: another one follows, unless the time is over by then."""
    again = next_attempt(Lane.NOTICE, single.attempts, office.clock(), office.chance())
    in_time = again < single.expires_at
    state = SingleState.WAITING if in_time else SingleState.EXPIRED
    return Ended(state, "", host, said[:LONGEST_REPLY], possible_copy, again if in_time else None)


def never(said: str) -> Ended:
    """Return the end of a mail that nobody will take, as the DNS says."""
    return Ended(SingleState.REFUSED, "", "", said[:LONGEST_REPLY], possible_copy=False, again=None)


def settle(office: Office, single: Single, ended: Ended) -> bool:
    """Write how an attempt ended; False if it has ended otherwise meanwhile."""
    return singles.settle(single.id, ended, office.clock())


def returned(office: Office, number: int, said: str) -> bool:
    """Write that a copy which was taken came back; False, with nothing changed, if there is none."""
    return singles.mark_returned(number, said[:LONGEST_REPLY], office.clock())
