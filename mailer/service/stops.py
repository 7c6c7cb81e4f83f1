"""How does an operator keep a part of the queue from leaving for a time?

A carrier, a site, a domain, a school or a broadcast, or what two of them have in common. The items go on waiting and
may expire; what is under way is not cut. A stop ends when it is resumed or its time is over; both stand in the book.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from mailer.domain.moment import written
from mailer.schedule.stop import Part, Placed, Stop, Stops
from mailer.service.announce import NoSuchAnnouncement
from mailer.service.audit import TIMER, record
from mailer.service.office import Office
from mailer.service.queue import NothingNamed, Selection
from mailer.store import announcements, audience, control, domains, stops
from mailer.store.database import transaction

__all__ = [
    "NothingNamed",
    "Part",
    "Resumed",
    "Standing",
    "Stop",
    "Stops",
    "end_over",
    "is_empty",
    "keeping",
    "kept",
    "resume",
    "standing",
    "suspend",
    "suspended",
]


@dataclass(frozen=True, slots=True)
class Standing:
    """A stop and how many items wait because of it (one that two stops keep is counted at both).

    Those `under_way` may still leave. `before` is the stop of the same part that gave way to it.
    """

    stop: Stop
    items: int
    under_way: int
    before: Stop | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """The stops that were ended, and how many items no stop keeps any longer."""

    stops: list[Stop]
    items: int


def suspend(office: Office, part: Part, actor: str, why: str = "", lasting: timedelta | None = None) -> Standing:
    """Let nothing of a part leave, for so long or until it is resumed. One of the same part gives way to it."""
    if not part.names_something:
        raise NothingNamed("name the carrier, site, domain, school or broadcast that is to be suspended")
    with transaction():
        if part.announcement_id and announcements.get(part.announcement_id) is None:
            raise NoSuchAnnouncement(part.announcement_id)
        now = office.clock()
        until = None if lasting is None else now + lasting
        before = next((one for one in stops.standing() if one.part == part), None)
        stop = stops.begin(Stop(0, part, now, actor, why, until))
        _book(office, actor, "queue.suspend", stop)
    return replace(next(one for one in suspended() if one.stop.id == stop.id), before=before)


def is_empty(part: Part) -> bool:
    """Tell whether a part names a carrier, site or domain at which no address is registered and to which no mail waits.

    Somebody may have mistyped its name.
    """
    found = domains.sites()
    known = {group.domain for group, _ in stops.waiting()} | audience.domains_registered()
    return part.names_receiver and not any(part.reaches(name, found.get(name, "")) for name in known)


def resume(office: Office, part: Part | None, actor: str, why: str = "") -> Resumed:
    """Let a part leave again that was suspended by just these criteria (None: everything)."""
    with transaction():
        before = _kept()
        ended = [stop for stop in stops.standing() if part is None or stop.part == part]
        _end(office, ended, actor, why)
        return Resumed(ended, before - _kept())


def standing() -> Stops:
    """Return the stops that stand."""
    return stops.standing()


def suspended() -> list[Standing]:
    """Return the stops that stand, the oldest first, with how many items wait because of each."""
    found = list(stops.standing())
    if not found:
        return []
    waiting, under_way, sites = stops.waiting(), stops.under_way(), domains.sites()

    def count(groups: Iterable[tuple[Placed, int]], part: Part) -> int:
        return sum(items for group, items in groups if part.has(group, sites.get(group.domain, "")))

    return [Standing(stop, count(waiting, stop.part), count(under_way, stop.part)) for stop in found]


def keeping(announcement_id: str) -> tuple[int, list[Part]]:
    """Return how many recipients of an announcement wait because of stops, each counted once, and the parts stopped."""
    found = stops.standing()
    if not found:
        return 0, []
    kept = [
        (stop.part, items)
        for group, items in stops.waiting(announcement_id, recipients=True)
        if (stop := found.over(group))
    ]
    return sum(items for _, items in kept), list(dict.fromkeys(part for part, _ in kept))


def kept(office: Office, selection: Selection) -> int:
    """Return how many of the selected items stops keep from leaving although their hour has come, each counted once."""
    found = stops.standing()
    if not found:
        return 0
    return sum(items for group, items in stops.waiting_now(selection, office.clock()) if found.over(group))


def _kept() -> int:
    """Return how many items wait because of stops, each counted once."""
    found = stops.standing()
    return sum(items for group, items in stops.waiting() if found.over(group)) if found else 0


def end_over(office: Office) -> int:
    """End the stops and the holds whose time is over; inside a Writer. Return how many."""
    now = office.clock()
    ended = [stop for stop in stops.standing() if stop.until is not None and stop.until <= now]
    _end(office, ended, TIMER, "")
    released = control.release_over(now)
    if released:
        record(office, TIMER, "queue.release", "", items=released)
    return len(ended) + released


def _end(office: Office, ended: Sequence[Stop], actor: str, why: str) -> None:
    if not ended:
        return
    stops.end(ended)
    stops.take_up(office.clock())
    for stop in ended:
        _book(office, actor, "queue.resume", stop, why)


def _book(office: Office, actor: str, action: str, stop: Stop, why: str = "") -> None:
    part = stop.part
    said: dict[str, Any] = {
        "carrier": part.carrier,
        "site": part.site,
        "domain": part.domain,
        "school": part.school,
        "until": "" if stop.until is None else written(stop.until),
        "why": why or ("" if action == "queue.resume" else stop.why),
    }
    record(office, actor, action, part.announcement_id, **{word: value for word, value in said.items() if value})
