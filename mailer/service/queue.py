"""What may an operator ask of the queue?

To see it, to hurry, stop, release and take out items. An item under way cannot be stopped; what was asked of it takes
effect if its attempt does not settle it. Whoever names an item that there is not has mistyped another: nothing is done.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from mailer.domain.moment import written
from mailer.schedule.item import ItemState
from mailer.schedule.queue_id import queue_id, queue_number
from mailer.schedule.queued import QueuedItem, Selection, Tried
from mailer.schedule.stop import Part
from mailer.schedule.transition import REMOVED_BY_OPERATOR
from mailer.service.announce import NoSuchAnnouncement
from mailer.service.audit import record
from mailer.service.office import Office
from mailer.store import ages as old
from mailer.store import announcements, control, domains, items
from mailer.store import requeue as lives
from mailer.store.database import transaction

if TYPE_CHECKING:
    from mailer.service.transcript import Line

__all__ = [
    "Held",
    "NoSuchItems",
    "NothingNamed",
    "QueuedItem",
    "Requeued",
    "Selection",
    "Shown",
    "StillWritten",
    "ages",
    "announcements_open",
    "domains_reached",
    "flush",
    "held",
    "hold",
    "list_",
    "release",
    "remove",
    "requeue",
    "show",
    "sites",
    "under_way",
]

Deed = Callable[[Selection, datetime], int]

#: What still stands in the queue; everything else is over.
OPEN = frozenset({ItemState.WAITING, ItemState.SENDING, ItemState.HELD})


class NothingNamed(ValueError):
    """Items are to be taken out, and the selection means the whole queue."""


class StillWritten(ValueError):
    """All items of an announcement (its id) are meant, and some are still to be written."""


class NoSuchItems(LookupError):
    """There are no items of these queue ids; nothing was done to the others that were named with them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An item and what was tried for it, first attempt first, with what was said in each attempt.

    `held_until` is when a hold ends by itself.
    """

    item: QueuedItem
    attempts: tuple[Tried, ...]
    transcripts: tuple[list["Line"], ...]
    held_until: datetime | None


@dataclass(frozen=True, slots=True)
class Requeued:
    """How many items wait again, and how many of the selected stay as they are, by their state."""

    items: int
    left: dict[str, int]


@dataclass(frozen=True, slots=True)
class Held:
    """How many items that an operator holds are urgent, and when the last is released by itself (None: never).

    Those `under_way` may still leave.
    """

    urgent: int
    until: datetime | None
    under_way: int


def list_(selection: Selection, limit: int | None = None) -> Iterator[QueuedItem]:
    """Return the selected items, oldest first; those still in the queue unless it names states or numbers."""
    anyway = selection.states or selection.numbers
    return items.find(selection if anyway else replace(selection, states=OPEN), limit)


def show(office: Office, name: str) -> Shown | None:
    """Return the item of this queue id (as `Q2F`) with its attempts, or None; raise ValueError if it is no queue id."""
    # Not at the top: sending an urgent broadcast imports this module and needs no transcripts.
    from mailer.service.transcript import conversation

    number = queue_number(name)
    item = next(items.find(Selection(numbers=(number,))), None)
    if item is None:
        return None
    tried = tuple(items.attempts(number))
    said = tuple(conversation(office, item, one) for one in tried)
    return Shown(item, tried, said, control.held_until(number))


def domains_reached(part: Part) -> frozenset[str]:
    """Return the receiving domains of items that can be in a part of the queue."""
    sites = domains.sites()
    return frozenset(name for name in items.domains() if part.reaches(name, sites.get(name, "")))


def sites() -> Mapping[str, str]:
    """Return where the mail of domains was found to go: a carrier, or the names of its MX hosts in order."""
    return domains.sites()


def announcements_open() -> list[str]:
    """Return the announcements of which something stands in the queue."""
    return items.announcements_open()


def ages() -> list[old.Age]:
    """Return how much has stood in the queue since when, domain by domain."""
    return old.ages()


def flush(office: Office, selection: Selection, actor: str, why: str = "") -> int:
    """Make the selected waiting items due now; return how many. A broadcast whose hour has not come is left alone."""
    return _do(office, "queue.flush", selection, actor, control.flush, why)


def hold(office: Office, selection: Selection, actor: str, why: str = "", lasting: timedelta | None = None) -> int:
    """Hold the selected waiting items until they are released, or for so long; return how many. The book says `why`.

    Raises StillWritten: what is still to be written would leave all the same.
    """
    _check_whole(selection)
    if lasting is None:
        return _do(office, "queue.hold", selection, actor, control.hold, why)
    until = office.clock() + lasting
    return _do(office, "queue.hold", selection, actor, partial(control.hold, until=until), why, until=written(until))


def held(selection: Selection) -> Held:
    """Return what holding the selected items came to."""
    return Held(control.held_urgent(selection), control.held_longest(selection), control.under_way(selection))


def under_way(selection: Selection) -> int:
    """Return how many of the selected items are to be stopped, but under way: they may still leave."""
    return control.under_way(selection)


def release(office: Office, selection: Selection, actor: str, why: str = "") -> int:
    """Let the selected held items wait again; return how many. Never tried ones wait for their hour."""
    return _do(office, "queue.release", selection, actor, control.release, why)


def remove(office: Office, selection: Selection, actor: str, why: str = "") -> int:
    """Give up the selected waiting and held items: they end as cancelled, none is forgotten; return how many.

    Raises NothingNamed for a selection that means the whole queue, StillWritten as `hold` does.
    """
    if not selection.names_something:
        raise NothingNamed("name the items, the broadcast, the address or the carrier whose items are to be removed")
    _check_whole(selection)
    return _do(office, "queue.remove", selection, actor, _remove, why)


def requeue(
    office: Office,
    selection: Selection,
    actor: str,
    why: str = "",
    expires: timedelta | None = None,
    *,
    again: bool = False,
) -> Requeued:
    """Let selected items that are over or held wait once more, due now, for so long (else as long as their lane has).

    Not where the announcement was cancelled or the household has left. With `again` also what was accepted: it is
    marked as a possible duplicate. Raises NothingNamed for a selection that means the whole queue.
    """
    if not selection.names_something:
        raise NothingNamed("name the items, the broadcast, the school or the carrier whose items are to be tried again")
    with transaction():
        _check_known(selection)
        now = office.clock()
        left = lives.left_alone(selection, again=again)
        until = {lane: now + (expires or lasting) for lane, lasting in office.expires.items()}
        count = lives.requeue(selection, now, until, again=again)
        said = {"again": again, "expires": "" if expires is None else written(now + expires)}
        detail = _audited(selection, why) | {word: value for word, value in said.items() if value}
        record(office, actor, "queue.requeue", selection.announcement_id, items=count, **detail)
    return Requeued(count, left)


def _remove(selection: Selection, now: datetime) -> int:
    return control.cancel(selection, REMOVED_BY_OPERATOR, now)


def _do(office: Office, action: str, selection: Selection, actor: str, deed: Deed, why: str, **more: str) -> int:
    with transaction():
        _check_known(selection)
        count = deed(selection, office.clock())
        record(office, actor, action, selection.announcement_id, items=count, **_audited(selection, why), **more)
    return count


def _check_whole(selection: Selection) -> None:
    found = announcements.get(selection.announcement_id) if selection.announcement_id else None
    if found is not None and not found.whole:
        raise StillWritten(found.id)


def _check_known(selection: Selection) -> None:
    if selection.announcement_id and announcements.get(selection.announcement_id) is None:
        raise NoSuchAnnouncement(selection.announcement_id)
    numbers = selection.numbers
    known = {item.id for item in items.find(Selection(numbers=numbers))} if numbers else set()
    unknown = [queue_id(number) for number in numbers if number not in known]
    if unknown:
        raise NoSuchItems(", ".join(dict.fromkeys(unknown)))


def _audited(selection: Selection, why: str) -> dict[str, object]:
    said = {
        "queue_ids": [queue_id(number) for number in selection.numbers],
        "domains": sorted(selection.domains),
        "school": selection.school,
        "address": bool(selection.address_key),
        "states": sorted(state.value for state in selection.states),
        "tried": "" if selection.tried is None else str(selection.tried).lower(),
        "why": why,
    }
    return {word: value for word, value in said.items() if value}
