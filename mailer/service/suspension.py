"""Which addresses rest, who puts them to rest, and who wakes them?

What was said against an address is kept as it comes (`note`) and judged a while later (`judge`, by the mailer's timer),
because the first refusals of a wave look like any others. While a wave stands at a receiver nobody is put to rest for
what it said, and what its days brought is taken back; it never counts, unless an operator thaws the wave. What a
reader said, by a complaint, is no part of it.

A person wakes an address, a roster that sets it anew, or the reach test: the first announcement after its time, safety
mail too, goes to the address as if it did not rest. That costs others nothing, and if the address works again it is
the mail that must not be missed. Accepted, it is written to; not returned for a day, it is awake.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.carrier.reason import Reason
from mailer.domain.moment import JAPAN
from mailer.domain.suspension import COMPLAINT, RETURNS_WITHIN, Kind, cause
from mailer.schedule.item import ItemState
from mailer.schedule.queue_id import queue_id
from mailer.service import wave
from mailer.service.audit import TIMER, record
from mailer.service.office import Office
from mailer.store import suspensions
from mailer.store.database import transaction
from mailer.store.suspensions import COUNTS, WAVE, Kept, Suspended

__all__ = ["Kept", "Noted", "Resting", "Suspended"]

SESSION, REPORT = "session", "report"
#: So many setbacks are judged in one go: nobody waits for the store for longer than a tenth of a second.
AT_ONCE = 50
#: How often it is asked whether a wave is over.
LOOK_AGAIN = timedelta(hours=1)
LONGEST_WORDS = 500
LAST_SETBACKS = 20

_KINDS, _REASONS = frozenset(Kind), frozenset(Reason)
_OPEN = (ItemState.WAITING, ItemState.SENDING, ItemState.HELD, ItemState.ACCEPTED)


class NotResting(LookupError):
    """This address does not rest, and nothing counts against it."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What a reply or a mail that came in said about the address of a queue item: `kind` and `reason` as it was read.

    `domain` is that of the address; `host` is who said it, as far as that can be trusted.
    """

    item_id: int
    domain: str
    kind: str
    reason: str
    words: str
    host: str = ""
    source: str = REPORT


@dataclass(frozen=True, slots=True)
class Resting:
    """An address that rests as staff see it: as typed, at which schools, and when it is tried again (None: never)."""

    address: str
    schools: tuple[str, ...]
    suspended: Suspended
    tried_again: datetime | None
    setbacks: tuple[Kept, ...]


def note(office: Office, *said: Noted) -> None:
    """Keep what was said against addresses, if it is the guardian's to mend; inside a Writer."""
    now = office.clock()
    suspensions.note([_to_keep(office, one, now) for one in said if _is_setback(one)])


def _is_setback(said: Noted) -> bool:
    return said.kind in _KINDS and said.reason in _REASONS and Reason(said.reason).meaning.acts == "guardian"


def _to_keep(office: Office, said: Noted, now: datetime) -> suspensions.Noted:
    kind = Kind(said.kind)
    return suspensions.Noted(
        item_id=said.item_id,
        at=now,
        kind=kind,
        reason=said.reason,
        receiver=wave.receiver(office.receiver, said.domain, said.host),
        source=said.source,
        words=said.words[:LONGEST_WORDS],
        due_at=now if kind is Kind.COMPLAINT else now + office.suspension.wait,
    )


def judge(office: Office) -> int:
    """Put to rest and wake whom it is time for; inside a Writer. Return how many addresses that are."""
    now = office.clock()
    return _judge_setbacks(office, now) + _end_tests(office, now)


def _judge_setbacks(office: Office, now: datetime) -> int:
    due = suspensions.due(now, AT_ONCE)
    waves = {name: wave.course(name) for name in sorted({one.receiver for one in due})}
    judged = [(one, *_judged(one, waves[one.receiver], now)) for one in due]
    suspensions.judge(judged)
    taken_back = [
        key
        for name, one in waves.items()
        if one.since is not None
        for key in suspensions.excuse(name, one.since, now + LOOK_AGAIN)
    ]
    woken = sum(_wake_excused(office, one) for one in suspensions.those_of(frozenset(taken_back)))
    blamed = sorted({one.address_key for one, standing, again in judged if standing == COUNTS and again is None})
    return woken + sum(_rest(office, key, now) for key in blamed)


def _judged(one: Kept, course: wave.Course, now: datetime) -> tuple[str, datetime | None]:
    """Return how a setback stands from now on, and when it is looked at again; readers complain in no wave."""
    if one.setback.kind is Kind.COMPLAINT:
        return COUNTS, None
    if course.since is not None:
        hit = one.setback.at >= course.since or one.setback.announcement_id in course.hit
        return WAVE if hit else one.standing, now + LOOK_AGAIN
    return WAVE if _was_hit(one, course) else COUNTS, None


def _was_hit(one: Kept, course: wave.Course) -> bool:
    """Tell whether a wave that is over met the mail that a setback is about."""
    if one.setback.announcement_id in course.known:
        return one.setback.announcement_id in course.hit
    # Nothing is known of its announcement any more: what was taken for a wave's is, unless its day was thawed.
    return one.standing == WAVE and one.setback.at.astimezone(JAPAN).date().isoformat() not in course.thawed


def _rest(office: Office, address_key: str, now: datetime) -> bool:
    """Put an address to rest if it has to; return whether it fell to rest."""
    kept = suspensions.counting(address_key)
    setbacks = [one.setback for one in kept]
    if cause(setbacks, None, office.suspension) is None:
        return False
    accepted_at = suspensions.accepted_at(address_key, min(one.sent_at for one in setbacks))
    found = cause(setbacks, accepted_at, office.suspension)
    rests = suspensions.get(address_key)
    if found is None or (rests and (found.kind is not Kind.COMPLAINT or rests.reason == COMPLAINT)):
        return False
    suspensions.end([address_key])  # whoever complains is not tried again, even if the address rested before
    suspensions.begin(address_key, now, found.reason, found.words)
    record(office, TIMER, "suspension.rest", queue_id(kept[-1].item_id), why=found.reason)
    return True


def _wake_excused(office: Office, suspended: Suspended) -> bool:
    """Wake an address that rests because of what a wave has excused since; return whether it did."""
    setbacks = [one.setback for one in suspensions.counting(suspended.address_key)]
    if suspended.reason == COMPLAINT or cause(setbacks, None, office.suspension) is not None:
        return False
    suspensions.end([suspended.address_key])
    record(office, TIMER, "suspension.wake", "", why="wave")
    return True


def resting(office: Office, among: Collection[str] | None = None) -> frozenset[str]:
    """Return the addresses (of these keys, if any are given) to which an announcement does not go now."""
    return suspensions.resting(office.suspension, office.clock(), among)


def begin_tests(office: Office, announcement_id: str, first_item: int) -> None:
    """Remember that an announcement tests the resting addresses among its recipients, from this item on.

    An address that came to rest after its item was written is tested by nothing.
    """
    suspensions.begin_tests(announcement_id, first_item, office.clock())


def _end_tests(office: Office, now: datetime) -> int:
    """Wake the addresses to which the mail that tested them was accepted and stayed; let the others rest on."""
    well = []
    for test in suspensions.tests():
        if test.state == ItemState.ACCEPTED and test.settled_at and test.settled_at <= now - RETURNS_WITHIN:
            well.append(test.address_key)
        elif test.state not in _OPEN and not test.pending:
            suspensions.end_test(test.address_key, failed=test.failed > 0)
    return wake(office, well, TIMER, "reach test")


def wake(office: Office, address_keys: Collection[str], actor: str, why: str = "", *, complaints: bool = False) -> int:
    """Let mail go to these addresses again, and nothing said so far count against them; inside a transaction.

    Those that rest because their readers complained are left alone unless `complaints` are meant too. Return how many
    rested.
    """
    rest = suspensions.those_of(address_keys)
    woken = [one.address_key for one in rest if complaints or one.reason != COMPLAINT]
    left_alone = {one.address_key for one in rest}.difference(woken)
    suspensions.end(woken)
    suspensions.forgive(frozenset(address_keys) - left_alone)
    if woken:
        record(office, actor, "suspension.wake", "", addresses=len(woken), why=why)
    return len(woken)


def resume(office: Office, address_key: str, actor: str, why: str = "") -> bool:
    """Have an address tried again because a person says so; return whether it rested. Raises NotResting."""
    with transaction():
        if address_key not in suspensions.concerned():
            raise NotResting(address_key)
        return bool(wake(office, [address_key], actor, why, complaints=True))


def set_anew(office: Office, address_keys: Iterable[str], actor: str) -> None:
    """Heed that somebody has just registered these addresses: they are tried again; inside a transaction.

    One whose reader complained is not: a list in which it stands says nothing of its reader's will.
    """
    concerned = suspensions.concerned()
    if concerned:  # as a rule few are: a big roster is not gone through for nothing
        wake(office, concerned.intersection(address_keys), actor, "registered anew")


def suspended(office: Office, schools: Collection[str] | None = None) -> list[Resting]:
    """Return the addresses that rest, the longest first: all, or those registered at one of these schools."""
    places: dict[str, list[suspensions.Holder]] = {}
    for holder in suspensions.holders():
        places.setdefault(holder.address_key, []).append(holder)
    found = [_resting(office, one, places.get(one.address_key, [])) for one in suspensions.all_()]
    return [one for one in found if schools is None or not set(schools).isdisjoint(one.schools)]


def _resting(office: Office, one: Suspended, places: Sequence[suspensions.Holder]) -> Resting:
    after = office.suspension.tested_after(one.reason)
    tried_again = None if after is None else (one.tested_at or one.since) + after
    setbacks = tuple(suspensions.of_address(one.address_key, LAST_SETBACKS))
    address = places[0].address if places else one.address_key
    codes = {place.school for place in places}
    order = [school.code for school in office.schools if school.code in codes]
    return Resting(address, tuple(order), one, tried_again, setbacks)
