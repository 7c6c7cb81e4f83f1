"""Which receivers refuse so much that nobody's address may be blamed for it?

While a wave of refusals stands at a receiver, addresses there must not be put to rest (N9): ask `course`. It ends by
itself with mail that goes as usual, or when an operator says that it was none (`thaw`). The first refusals of a wave
come before it can be told from others: who puts addresses to rest does so later, and asks then; what was refused in
the run of refusals that became a wave belongs to it, up to half a day before it was more than a few at once.

A receiver is a carrier, or else the site that takes a domain's mail (its MX hosts), as the dispatcher names it: many
small domains on the hosts of one company have one filter, and one list of whom it blocks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.carrier.wave import Lot, Wave, begun, may_begin, waves
from mailer.domain.alarm import Kind
from mailer.domain.moment import JAPAN
from mailer.domain.retention import REFUSALS_KEPT
from mailer.service import alarm
from mailer.service.audit import record
from mailer.service.office import Office
from mailer.store import domains, suspensions
from mailer.store import waves as store
from mailer.store.database import transaction

#: So many lots tell what is usual; where there are more, as at a carrier in a big town, they are of few days.
MOST_LOTS = 200
#: What was refused so long before a wave was more than a few refusals at once may have been its beginning.
REACHES_BACK = timedelta(hours=12)


class NotFrozen(LookupError):
    """There is no wave of refusals at this receiver."""


@dataclass(frozen=True, slots=True)
class Course:
    """How it went at a receiver of late: since when a wave stands (None: none does), and what is known besides.

    `known` are the announcements of which something was counted, `hit` those that a wave met, one that stands or one
    that is over; `thawed` the days of Japan on which there was what an operator calls no wave.
    """

    since: datetime | None
    known: frozenset[str]
    hit: frozenset[str]
    thawed: frozenset[str]


def receiver(named: Callable[[str, str], str], domain: str, host: str = "") -> str:
    """Return how the receiver of a domain's mail is called: its carrier, the site that takes it, or the domain.

    `named` is the office's, or another that names receivers by domain and host.
    """
    name = named(domain, "")
    return name if name != domain else domains.site(domain) or named(domain, host)


def note(office: Office, counts: Mapping[tuple[str, str], Lot], announcement: str = "") -> None:
    """Count what became of mails of an announcement, by receiving domain and the host that answered; inside a Writer.

    Raises an alarm where a wave begins.
    """
    by_receiver: dict[str, Lot] = {}
    for (domain, host), lot in counts.items():
        name = receiver(office.receiver, domain, host)
        by_receiver[name] = by_receiver.get(name, Lot(0, 0)) + lot
    now = office.clock()
    sums = store.add(announcement or _day(now), now, list(by_receiver.items()))
    for (name, lot), now_in_all in zip(by_receiver.items(), sums, strict=True):
        if lot.refused:
            _look(office, name, now_in_all)


def returned(office: Office, domain: str, announcement: str, *, was_accepted: bool) -> None:
    """Count a mail as refused that came back, in the lot of its announcement, wherever it arrives; inside a Writer.

    One that was counted as accepted is no longer. By the domain that we wrote to: what host a report names is its
    author's word.
    """
    if not was_accepted:
        note(office, {(domain, ""): Lot(0, 1)}, announcement)
        return
    name = receiver(office.receiver, domain)
    if (lot := store.move(name, announcement)) is not None:
        _look(office, name, lot)


def _look(office: Office, name: str, lot: Lot) -> None:
    """Raise an alarm if a wave stands. The history is read only where the lot looks like one: batches settle fast."""
    if may_begin(lot) and is_frozen(name):
        alarm.raise_(office, Kind.WAVE, name, "no address there is put to rest until this is over")


def course(receiver: str) -> Course:
    """Return how it went at a receiver of late."""
    lots = store.lots(receiver, MOST_LOTS)
    spans = [(_since(lots, one), one.end) for one in waves([one.lot for one in lots])]
    return Course(
        since=spans[-1][0] if spans and spans[-1][1] is None else None,
        known=frozenset(one.name for one in lots),
        hit=frozenset(one.name for since, end in spans for one in lots[:end] if one.at >= since and not one.lot.thawed),
        thawed=frozenset(_day(one.at) for one in lots if one.lot.thawed),
    )


def _since(lots: Sequence[store.Counted], one: Wave) -> datetime:
    return max(lots[one.first].at, lots[one.broad].at - REACHES_BACK)


def since(receiver: str) -> datetime | None:
    """Return when the wave at a receiver began; None if none stands."""
    return course(receiver).since


def is_frozen(receiver: str) -> bool:
    """Tell whether a wave of refusals stands at a receiver: its addresses are not to blame."""
    return begun([one.lot for one in store.lots(receiver, MOST_LOTS)]) is not None


def days(receiver: str) -> list[tuple[str, Lot]]:
    """Return how many mails a receiver took and refused, by the days on which that began, the oldest first."""
    return store.days(receiver)


def frozen() -> list[str]:
    """Return the receivers at which a wave of refusals stands."""
    return [name for name in store.receivers() if is_frozen(name)]


def thaw(office: Office, receiver: str, actor: str, why: str = "") -> None:
    """Say that the refusals of a receiver are no wave: they are what is usual there. Raises NotFrozen.

    What the wave kept from being judged is judged at the timer's next look.
    """
    with transaction():
        if (began := since(receiver)) is None:
            raise NotFrozen(receiver)
        store.thaw(receiver, began)
        suspensions.look_now(receiver, office.clock(), office.clock() - office.suspension.wait)
        alarm.clear(office, Kind.WAVE, receiver, actor)
        record(office, actor, "wave.thaw", receiver, why=why)


def forget(office: Office) -> None:
    """Forget what is too old to tell what is usual; end the alarms of waves that are over. Inside a Writer."""
    store.forget(office.clock() - REFUSALS_KEPT)
    standing = [one.subject for one in alarm.list_() if one.kind is Kind.WAVE]
    for receiver in standing:
        if not is_frozen(receiver):
            alarm.clear(office, Kind.WAVE, receiver)


def _day(at: datetime) -> str:
    return at.astimezone(JAPAN).date().isoformat()
