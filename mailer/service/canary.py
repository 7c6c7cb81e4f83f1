"""Do our own mailboxes get the broadcasts, and in time?

Canaries ride first in every broadcast. What becomes of them is looked at again and again; all that is needed for it
stands in the store, so that a restart forgets none. One that is late or refused raises an alarm, which ends when a mail
to the same mailbox is accepted.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mailer.domain.alarm import Kind as AlarmKind
from mailer.domain.alarm import clean
from mailer.domain.announcement import Announcement, Kind
from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState, told
from mailer.schedule.outcome import host_of, reply_line
from mailer.schedule.queue_id import queue_id
from mailer.schedule.transition import HELD_BY_OPERATOR
from mailer.service import alarm
from mailer.service.office import Office
from mailer.store import alarms, announcements, canaries, maintenance, stops
from mailer.store.canaries import Ridden

#: A canary is called late this much before its time is over, so that the alarm has left when it is.
LEAD = timedelta(seconds=1.5)
OF_CANARIES = (AlarmKind.CANARY_LATE, AlarmKind.CANARY_REFUSED)
REFUSED = (ItemState.REFUSED, ItemState.RETURNED)


@dataclass(frozen=True, slots=True)
class Perch:
    """One canary of the configuration: its last ride, if it ever had one, and the kinds of alarm that stand for it."""

    address: str
    receiver: str
    last: dict[str, Any] | None
    alarms: tuple[str, ...]


def ride(office: Office, announcement: Announcement) -> None:
    """Let the canaries ride in a broadcast, written from the first of its schools; in the transaction of announcing."""
    flock = office.canaries
    if announcement.kind is not Kind.BROADCAST or not flock.mailboxes:
        return
    numbers = announcements.reserve_items(len(flock.mailboxes))
    late = flock.late(announcement.lane)
    canaries.add(announcement, numbers, announcement.schools[0], flock.mailboxes, late)


def watch(office: Office) -> None:
    """Look what became of the canaries, and raise and end their alarms; inside a transaction."""
    for one in canaries.watched():
        if one.state is ItemState.ACCEPTED:
            _returned_safe(office, one)
        elif one.state in REFUSED:
            alarm.raise_(office, AlarmKind.CANARY_REFUSED, one.key, f"{one.announcement_id} {_said(one)}")
        elif one.state is not ItemState.CANCELLED:
            _mind_the_time(office, one)
        if one.state not in (ItemState.WAITING, ItemState.SENDING, ItemState.HELD):
            canaries.leave(one.item_id)


def look_again(item_id: int) -> None:
    """Something new became known of an item, as a bounce; if it is a canary, it is looked at; inside a transaction."""
    canaries.look_again(item_id)


def rode(announcement_id: str) -> list[dict[str, Any]]:
    """Return how the canaries of an announcement fared, in the order of the configuration of its day."""
    return [_fared(one) for one in canaries.of(announcement_id)]


def list_(office: Office) -> list[Perch]:
    """Return the canaries of the configuration."""
    standing = {kind: alarms.standing(kind) for kind in OF_CANARIES}
    found = []
    for mailbox in office.canaries.mailboxes:
        last = canaries.newest(mailbox.key)
        raised = tuple(kind.value for kind in OF_CANARIES if mailbox.key in standing[kind])
        receiver = office.receiver(mailbox.domain, host_of(last.host) if last else "")
        found.append(Perch(mailbox.address, receiver, _fared(last) if last else None, raised))
    return found


def _returned_safe(office: Office, one: Ridden) -> None:
    """End the alarms for a mailbox that were raised before this mail to it was accepted."""
    for kind in OF_CANARIES:
        alarms.clear(kind, one.key, office.clock(), alarm.BY_CANARY, raised_until=one.replied_at)


def _mind_the_time(office: Office, one: Ridden) -> None:
    if _is_kept(office, one):
        canaries.wait_for(one.item_id, office.clock() + office.canaries.late(one.lane))
        return
    over = office.clock() >= one.due_at - LEAD or one.state is ItemState.EXPIRED
    if over and not one.late:
        canaries.mark_late(one.item_id)
        alarm.raise_(office, AlarmKind.CANARY_LATE, one.key, f"{one.announcement_id} {one.state.value} {_said(one)}")


def _is_kept(office: Office, one: Ridden) -> bool:
    """Tell whether a person keeps a canary from leaving, or did so to its end; its time begins when that is over."""
    if one.reason == HELD_BY_OPERATOR:
        return True
    if one.state not in (ItemState.WAITING, ItemState.EXPIRED) or office.clock() < one.began_at:
        return False
    in_window = one.lane is not Lane.SAFETY and maintenance.running(office.clock()) is not None
    return in_window or stops.standing().over(one) is not None


def _said(one: Ridden) -> str:
    return " ".join(filter(None, (one.host, one.stage, reply_line(one.code, "", one.reply), one.reason)))


def _fared(one: Ridden) -> dict[str, Any]:
    return {
        "queue_id": queue_id(one.item_id),
        "broadcast": one.announcement_id,
        "address": one.address,
        "state": told(one.state, one.attempts),
        "accepted_after": one.accepted_after,
        "late": one.late,
        "host": one.host,
        "reply": clean(_said(one)),
    }
