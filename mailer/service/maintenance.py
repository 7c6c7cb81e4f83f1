"""How is maintenance planned, told to everyone beforehand, and called off?

A notice goes to slots 1–4 of everyone registered, whatever the option says, from each school's own address; who that
is, is found when the lead time comes, by the one rule in `domain/audience` (F4), handful by handful
(`mailer.service.announcing`). The notices whose time has come for one window leave as one. A notice that could not
leave before the window began never leaves.
If anybody was told of a window that is then cancelled, everyone registered is told that it is off; if nobody was, all
are left in peace.
Raises `MaintenanceError`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from mailer.domain.announcement import Kind
from mailer.domain.lane import Lane
from mailer.domain.maintenance import (
    MaintenanceError,
    Notice,
    Window,
    called_off,
    check_window,
    due_times,
    notice,
    warnings,
)
from mailer.domain.moment import written
from mailer.service import announcing, broadcast
from mailer.service.announce import NewAnnouncement
from mailer.service.audit import record
from mailer.service.keys import active_selectors
from mailer.service.office import Office
from mailer.store import audience as register
from mailer.store import maintenance
from mailer.store.database import transaction

WINDOW_PREFIX = "M"


@dataclass(frozen=True, slots=True)
class Planned:
    """A window with its notices, the first first. `warnings` are keys of WHY, for whoever has just planned it."""

    window: Window
    notices: tuple[Notice, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of a cancelled window: how many mails were stopped, and the announcement that it is off, if any.

    With `more` a notice was still being written: what was to come of it does not leave either. Those `under_way` may
    still leave.
    """

    stopped: int
    announcement_id: str | None
    more: bool = False
    under_way: int = 0


def plan(
    office: Office,
    begins: datetime,
    ends: datetime,
    services: Sequence[str],
    leads: Sequence[timedelta] | None,
    actor: str,
) -> Planned:
    """Plan a window; no `services` means the whole system, no `leads` the configured ones. Raises MaintenanceError."""
    with transaction():
        window = Window(office.ids(WINDOW_PREFIX), begins, ends, tuple(services), office.clock())
        check_window(window)
        times = due_times(window, office.maintenance_lead if leads is None else leads)
        other = maintenance.overlapping(begins, ends)
        if other:
            raise MaintenanceError("overlapping", other.id)
        maintenance.add(window, times)
        span = {"begins": written(begins), "ends": written(ends)}
        record(office, actor, "maintenance.plan", window.id, **span, notices=[written(time) for time in times])
        return replace(_planned(window), warnings=warnings(window, times))


def list_() -> list[Planned]:
    """Return all windows with their notices, the one that begins last first."""
    return [_planned(window) for window in maintenance.windows()]


def show(office: Office, window_id: str) -> tuple[Planned, dict[str, dict[str, Any]]]:
    """Return a window and the accounting of each announcement that told of it, by its id. Raises MaintenanceError."""
    planned = _planned(_get(window_id))
    told = dict.fromkeys(one.announcement_id for one in planned.notices if one.announcement_id)
    return planned, {announcement_id: broadcast.show(office, announcement_id) for announcement_id in told}


def current(now: datetime) -> Window | None:
    """Return the window that runs at `now`, or None."""
    return maintenance.running(now)


def announce_due(office: Office, now: datetime) -> list[str]:
    """Announce every notice whose time has come, each once whoever calls this how often; return the announcements."""
    with transaction():
        due = groupby(maintenance.due(now), key=lambda one: one.window_id)
        return [_announce_notices(office, _get(window_id), list(notices), now) for window_id, notices in due]


def cancel(office: Office, window_id: str, actor: str) -> Cancelled:
    """Call a window off, or end it early; notices that have not left do not leave. Raises MaintenanceError."""
    with transaction():
        now = office.clock()
        window = _get(window_id)
        _check_cancellable(window, now)
        maintenance.mark_cancelled(window_id, now)
        announced = _announcements(window_id)
        called_off = [broadcast.cancel(office, announcement_id, actor) for announcement_id in announced]
        items, under_way = sum(one.items for one in called_off), sum(one.under_way for one in called_off)
        told = _tell_it_is_off(office, window, now, actor) if _someone_was_told(office, announced) else None
        record(office, actor, "maintenance.cancel", window_id, items=items, announcement=told)
        return Cancelled(items - under_way, told, any(one.more for one in called_off), under_way)


def _get(window_id: str) -> Window:
    window = maintenance.get(window_id)
    if window is None:
        raise MaintenanceError("unknown_window", window_id)
    return window


def _planned(window: Window) -> Planned:
    return Planned(window, tuple(maintenance.notices(window.id)))


def _check_cancellable(window: Window, now: datetime) -> None:
    if window.cancelled_at is not None:
        raise MaintenanceError("cancelled_already", window.id)
    if window.ends_at <= now:
        raise MaintenanceError("over_already", window.id)


def _announcements(window_id: str) -> list[str]:
    return list(dict.fromkeys(one.announcement_id for one in maintenance.notices(window_id) if one.announcement_id))


def _announce_notices(office: Office, window: Window, notices: Sequence[Notice], now: datetime) -> str:
    announcement_id = _announce(office, notice(window), window.begins_at - now, "maintenance")
    maintenance.mark_announced([one.id for one in notices], announcement_id)
    return announcement_id


def _tell_it_is_off(office: Office, window: Window, now: datetime, actor: str) -> str:
    announcement_id = _announce(office, called_off(window, now), office.expires[Lane.NOTICE], actor)
    maintenance.add_notice(window.id, now, announcement_id)
    return announcement_id


def _someone_was_told(office: Office, announcement_ids: Sequence[str]) -> bool:
    """Tell whether a mail of these, now cancelled, announcements was accepted, or is under way still."""
    shown = (broadcast.show(office, announcement_id) for announcement_id in announcement_ids)
    return any(figures["accepted"] or figures["waiting"] or figures["deferred"] for figures in shown)


def _announce(office: Office, words: tuple[str, str], most: timedelta, actor: str) -> str:
    """Begin to announce to everyone registered; tried at most as long as `most` and the lane allow."""
    subject, text = words
    new = NewAnnouncement(
        kind=Kind.MAINTENANCE,
        lane=Lane.NOTICE,
        schools=_addressed(office),
        subject=subject,
        text=text,
        receipt=False,
        actor=actor,
        selectors=active_selectors(),
        lifetime=min(most, office.expires[Lane.NOTICE]),
    )
    return announcing.begin(office, new)


def _addressed(office: Office) -> tuple[str, ...]:
    """Return the schools that are open or have somebody registered; one may be in no schools.toml any more."""
    registered = register.schools_of_the_registered()
    known = {school.code: school.closed_on is None or school.code in registered for school in office.schools}
    unknown = (code for code in registered if code not in known)
    return (*(code for code, addressed in known.items() if addressed), *unknown)
