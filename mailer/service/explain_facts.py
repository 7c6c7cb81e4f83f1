"""Which facts does the store hold of one household and one announcement, in the words of `domain.explain_case`?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from mailer.carrier.group import Carriers
from mailer.carrier.reason import Reason
from mailer.domain.announcement import Announcement, Kind
from mailer.domain.audience import Member, Slot, resolve
from mailer.domain.explain_case import (
    Broadcast,
    Confirmed,
    Later,
    Mail,
    Meant,
    Place,
    Receiver,
    Registration,
    Rest,
    Stopped,
)
from mailer.domain.household import Household
from mailer.domain.lane import Lane
from mailer.domain.moment import JAPAN
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Verdict, reply_line
from mailer.schedule.queue_id import queue_id
from mailer.schedule.queued import QueuedItem, Selection, Tried
from mailer.service import lease, wave
from mailer.service.alarm import OUR_FAULTS
from mailer.service.office import Office
from mailer.service.receipt import CONFIRMING
from mailer.smtp.address import AddressError, parse_address
from mailer.store import announcements, control, items, stops
from mailer.store import explain as evidence
from mailer.store.explain import Standing

LONGEST_REPLY = 200
#: A receiver that accepted something so lately takes mail, whatever one mail or one worker was told.
LATELY = timedelta(minutes=1)
#: A receiver that could not be reached is not tried again for up to so long.
LONGEST_PAUSE = timedelta(minutes=5)
OPEN = frozenset({ItemState.WAITING, ItemState.SENDING, ItemState.HELD})
#: States whose reason is what a receiver said and nobody's later word.
SAID = frozenset({ItemState.REFUSED, ItemState.RETURNED})
READING: Mapping[str, Reason] = {reason.value: reason for reason in Reason}


def registration(office: Office, household: Household) -> Registration:
    """Return a household as it is registered now."""
    entry = household.entry
    times = (household.registered_at, household.deregistered_at)
    return Registration(household.id, entry.school, _name(office, entry.school), *times, entry.receives_broadcasts)


def broadcast(office: Office, about: Announcement, *, named: bool) -> Broadcast:
    """Return what is asked about."""
    return Broadcast(
        id=about.id,
        subject=about.subject,
        schools={code: _name(office, code) for code in about.schools},
        announced_at=about.announced_at,
        not_before=about.not_before,
        to_every_slot=about.kind is Kind.MAINTENANCE,
        named=named,
        cancelled_at=about.cancelled_at,
    )


def mail(office: Office, carriers: Carriers, item_id: int) -> Mail:
    """Return what became of a queue item."""
    item = next(items.find(Selection(numbers=(item_id,))))
    said = item.evidence
    school = office.schools.get(item.school)
    stop = stops.standing().over(item) if item.state is ItemState.WAITING else None
    visits, tried = evidence.visits(item.id), items.attempts(item.id)
    blocked, next_try = _block(office, carriers, item)
    return Mail(
        queue_id=queue_id(item.id),
        address=item.address,
        sender=school.address if school else "",
        receiver=_receiver(carriers, item),
        state=item.state.value,
        urgent=item.lane is Lane.SAFETY,
        attempts=item.attempts,
        host=said.host_name,
        reply=_reply(said),
        at=item.replied_at,
        settled_at=_settled(item, tried),
        reason=said.reason,
        read=_read(item, tried),
        next_try=next_try,
        deadline=item.expires_at,
        later=_later(item.id),
        stop=Stopped(stop.since, stop.until, stop.why) if stop else None,
        held_until=control.held_until(item.id) if item.state is ItemState.HELD else None,
        opened_at=min((at for method, at in visits.items() if method in CONFIRMING), default=None),
        machine=bool(visits),
        wave=_wave(carriers, item),
        possible_duplicate=item.possible_duplicate,
        sent_again=sum(one.verdict is Verdict.ACCEPTED for one in tried) > 1,
        blocked=blocked,
    )


def meaning(word: str) -> Meant | None:
    """Return what a word means if it is a reason of replies or reports."""
    reason = READING.get(word)
    return Meant(word, reason.meaning.faq_item, reason.meaning.acts, word in OUR_FAULTS) if reason else None


@dataclass(frozen=True, slots=True)
class _Then:
    """What became of an announcement in a slot: the key of the address that stood there, its queue item or why it has
    none."""

    key: str
    item_id: int | None = None
    excluded: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """One slot of a household, as it is and as it was at announcing; slot 0 stands for a household without address."""

    slot: int
    now: Standing | None
    then: _Then | None

    def concerns(self, key: str) -> bool:
        """Tell whether the address of this key (empty: any) stands here, or stood."""
        return not key or any(one is not None and one.key == key for one in (self.now, self.then))

    def met(self, key: str) -> _Then | None:
        """Return what became of the announcement, if it met the address of this key (empty: any)."""
        return self.then if self.then and key in ("", self.then.key) else None

    def stands(self, key: str) -> Standing | None:
        """Return what stands here now, if it is the address of this key (empty: any)."""
        return self.now if self.now and key in ("", self.now.key) else None

    @property
    def changed(self) -> bool:
        """Whether another address stands here now than then, or none."""
        return bool(self.slot and self.then and (self.now is None or self.now.key != self.then.key))


@dataclass(frozen=True)
class History:
    """What became of an announcement in the slots of a household, and what stands there now."""

    office: Office
    carriers: Carriers
    household: Household
    about: Announcement | None

    def places(self, key: str) -> tuple[Place, ...]:
        """Return where the address of this key (empty: any) stands or stood; slots of one mail are one place."""
        places: dict[object, list[_Row]] = {}
        for row in self._rows:
            if row.concerns(key):
                met = row.met(key)
                places.setdefault((met.item_id, row.changed) if met and met.item_id else row.slot, []).append(row)
        return tuple(self._place(rows, key) for rows in places.values())

    def elsewhere(self, key: str) -> tuple[tuple[int, str], ...]:
        """Return of each slot that has nothing to do with an address what became of the announcement there."""
        others = [row for row in self._rows if not row.concerns(key)]
        return tuple((row.slot, _word(row.then)) for row in others)

    def confirmed(self) -> Confirmed | None:
        """Return how the household confirmed the announcement."""
        found = evidence.receipt(self.household.id, self.about.id) if self.about else None
        return Confirmed(*found) if found else None

    @property
    def met(self) -> bool:
        """Whether the announcement has mails for the household, or reasons for none."""
        return any(row.then is not None for row in self._rows)

    @property
    def awaited(self) -> bool:
        """Whether these are still to be written."""
        home = self.household
        return self.about is not None and announcements.awaits(self.about.id, home.entry.school, home.id)

    def _place(self, rows: Sequence[_Row], key: str) -> Place:
        row = rows[0]
        met, stands = row.met(key) or _Then(""), row.stands(key)
        return Place(
            slots=tuple(one.slot for one in rows if one.slot),
            address=stands.address if stands else "",
            set_at=max((one.now.set_at for one in rows if one.now), default=None),
            excluded=met.excluded,
            mail=mail(self.office, self.carriers, met.item_id) if met.item_id else None,
            changed=bool(met.key) and row.changed,
            rest=self._rest(stands.key if stands else met.key),
            next=self._next.get(row.slot, "") if stands or not row.slot else "",
        )

    def _rest(self, key: str) -> Rest | None:
        found = evidence.rests([key]).get(key)
        return Rest(found[0], meaning(found[1]) or Meant(found[1], 0, "guardian")) if found else None

    @cached_property
    def _rows(self) -> tuple[_Row, ...]:
        now = {one.slot: one for one in evidence.slots(self.household.id)}
        then = self._then(now) if self.about else {}
        slots = {*now, *then, *self._next} - ({0} if now else set())
        return tuple(_Row(slot, now.get(slot), then.get(slot)) for slot in sorted(slots))

    def _then(self, now: Mapping[int, Standing]) -> dict[int, _Then]:
        which = (self.household.id, self.about.id if self.about else "")
        left = {slot: _Then(_key(text, now.get(slot)), excluded=why) for slot, text, why in evidence.exclusions(*which)}
        return left | {slot: _Then(key, item) for slot, item, key in evidence.mails(*which)}

    @cached_property
    def _next(self) -> Mapping[int, str]:
        """Why the next broadcast would leave out which slots of the household, by the one rule that decides it."""
        home = self.household
        if home.deregistered_at is not None:
            return {}
        slots = tuple(Slot(one.slot, one.address, one.key) for one in evidence.slots(home.id))
        member = Member(home.id, home.entry.school, home.entry.receives_broadcasts, slots)
        resting = evidence.rests([slot.key for slot in slots])
        left = resolve(Kind.BROADCAST, [member], self.office.schools, resting).exclusions
        return {one.slot: one.reason.value for one in left}


def _word(then: _Then | None) -> str:
    """Return what became of an announcement in a slot in one word: the state of its mail, or why there is none."""
    if then is None or then.item_id is None:
        return then.excluded if then else ""
    item = next(items.find(Selection(numbers=(then.item_id,))))
    return item.state.value if item.state is ItemState.RETURNED else item.word


def _key(address: str, now: Standing | None) -> str:
    """Return the key of an address that was left out; one that is none by today's rules may stand there still."""
    if now and now.address == address:
        return now.key
    try:
        return parse_address(address).key
    except AddressError:
        return address


def _name(office: Office, code: str) -> str:
    school = office.schools.get(code)
    return school.name if school else code


def _receiver(carriers: Carriers, item: QueuedItem) -> Receiver:
    host = item.evidence.host_name
    carrier = carriers.of_domain(item.domain) or (carriers.of_mx([host]) if host else None)
    return Receiver(carrier.label, carrier.help.filter, carrier.help.ask) if carrier else Receiver(item.domain)


def _reply(said: Evidence) -> str:
    """Return what was answered, on one line; a report has a status in the place of a code."""
    status = said.enhanced if said.stage == "dsn" else ""
    return reply_line(said.code, status, said.text)[:LONGEST_REPLY]


def _later(item_id: int) -> Later | None:
    found = evidence.later(item_id)
    if found is None:
        return None
    kind, at, reason, words = found
    return Later(kind, at, meaning(reason), " ".join(words.split())[:LONGEST_REPLY])


def _settled(item: QueuedItem, tried: Sequence[Tried]) -> datetime | None:
    """Return when a mail was no longer on its way from us; one that came back had been accepted before."""
    if item.state is ItemState.RETURNED:
        return next((one.ended_at for one in reversed(tried) if one.verdict is Verdict.ACCEPTED), item.settled_at)
    return None if item.state in OPEN else item.settled_at


def _wave(carriers: Carriers, item: QueuedItem) -> str:
    """Return the day on which a wave of refusals began that stands at the item's receiver and has met the item."""
    if item.state not in SAID or item.replied_at is None:
        return ""
    # What host a report names is its author's word, and waves do not count by it.
    host = item.evidence.host_name if item.state is ItemState.REFUSED else ""
    course = wave.course(wave.receiver(carriers.name, item.domain, host))
    met = course.since is not None and item.announcement_id in course.hit
    return course.since.astimezone(JAPAN).date().isoformat() if course.since and met else ""


def _block(office: Office, carriers: Carriers, item: QueuedItem) -> tuple[bool, datetime | None]:
    """Return whether an item waits because its receiver takes no mail from us at present, and when it is tried next.

    That is known of a receiver which is left alone for a time, and of one where others' mail was put off, for no reason
    of their own, since an item was due that was not tried yet, or shortly before.
    """
    if item.state is not ItemState.WAITING or item.next_try is None:
        return False, item.next_try
    now, rest = office.clock(), _left_alone_until(office, carriers, item.domain)
    since = min(item.next_try, now - LONGEST_PAUSE)
    blocked = rest is not None or (not item.attempts and _puts_off(item.domain, since, now))
    if not blocked or evidence.takes(item.domain, now - LATELY, now):
        return False, item.next_try
    # Urgent mail does not wait for the end of a rest: it is tried now and then.
    until = None if item.lane is Lane.SAFETY else rest
    return True, max(item.next_try, until or item.next_try)


def _left_alone_until(office: Office, carriers: Carriers, domain: str) -> datetime | None:
    """Return until when the receiver of a domain's mail is left alone because it blocks us; None: it is not."""
    receiver = wave.receiver(carriers.name, domain)
    ends = [one.paused_until for one in lease.board(office, "", 0.0).states if one.site == receiver]
    return next((end for end in ends if end is not None and end > office.clock()), None)


def _puts_off(domain: str, since: datetime, now: datetime) -> bool:
    """Tell whether mail to a domain was put off that still waits, for a reason that may keep all mail from it.

    That there was too much at a time may be said of one mailbox.
    """
    read = map(meaning, evidence.put_off(domain, since, now))
    return any(one is not None and (one.our_fault or one.acts == "remote") for one in read)


def _read(item: QueuedItem, tried: Sequence[Tried]) -> Meant | None:
    """Return what the last reply meant: what a person or a deadline did since lies over it and says nothing of it."""
    found = meaning(item.evidence.reason)
    if found or item.state in SAID:
        return found
    replies = [one.evidence.reason for one in tried if one.verdict not in (None, Verdict.LOST)]
    return meaning(replies[-1]) if replies else None
