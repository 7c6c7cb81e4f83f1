"""Which maintenance is planned, and which of its notices went out?"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from mailer.domain.maintenance import Notice, Window
from mailer.store.database import select
from mailer.store.models import MaintenanceNotice, MaintenanceWindow, instant, moment

NOTICES = (
    "SELECT id, window_id, due_at, announcement_id FROM maintenance_notice WHERE window_id = ? ORDER BY due_at, id"
)
RUNNING = "SELECT id FROM maintenance_window WHERE begins_at <= ? AND ends_at > ? AND cancelled_at IS NULL"
DUE = """
SELECT notice.id, notice.window_id, notice.due_at, notice.announcement_id
FROM maintenance_notice AS notice JOIN maintenance_window AS planned ON planned.id = notice.window_id
WHERE notice.announcement_id IS NULL AND notice.due_at <= ? AND planned.cancelled_at IS NULL AND planned.begins_at > ?
ORDER BY notice.window_id, notice.due_at
"""


def add(window: Window, due_times: Iterable[datetime]) -> None:
    """Write a window and a notice for each of these times."""
    MaintenanceWindow.insert(
        id=window.id,
        begins_at=window.begins_at,
        ends_at=window.ends_at,
        services="\n".join(window.services),
        planned_at=window.planned_at,
    ).execute()
    for due in due_times:
        add_notice(window.id, due)


def add_notice(window_id: str, due: datetime, announcement_id: str | None = None) -> None:
    """Write one notice of a window, announced already if it has an announcement."""
    MaintenanceNotice.insert(window=window_id, due_at=due, announcement=announcement_id).execute()


def get(window_id: str) -> Window | None:
    """Return one window, or None."""
    row = MaintenanceWindow.get_or_none(MaintenanceWindow.id == window_id)
    return None if row is None else _window(row)


def windows() -> list[Window]:
    """Return all windows, the one that begins last first."""
    return [_window(row) for row in MaintenanceWindow.select().order_by(MaintenanceWindow.begins_at.desc())]


def overlapping(begins: datetime, ends: datetime) -> Window | None:
    """Return a window, not cancelled, that shares some time with this one, or None."""
    standing = MaintenanceWindow.cancelled_at.is_null()
    shared = (MaintenanceWindow.begins_at < ends) & (MaintenanceWindow.ends_at > begins)
    row = MaintenanceWindow.select().where(standing & shared).first()
    return None if row is None else _window(row)


def running(now: datetime) -> Window | None:
    """Return the window that runs at `now`, or None."""
    found = select(RUNNING, (instant(now), instant(now)))
    return get(found[0][0]) if found else None


def notices(window_id: str) -> list[Notice]:
    """Return the notices of a window, the first first."""
    return [_notice(row) for row in select(NOTICES, (window_id,))]


def due(now: datetime) -> list[Notice]:
    """Return the notices to be announced at `now`, window by window.

    Their time has come; their window stands and has not begun.
    """
    return [_notice(row) for row in select(DUE, (instant(now), instant(now)))]


def mark_announced(notice_ids: Sequence[int], announcement_id: str) -> None:
    """Write that these notices went out as this announcement."""
    chosen = MaintenanceNotice.id.in_(notice_ids)
    MaintenanceNotice.update(announcement=announcement_id).where(chosen).execute()


def mark_cancelled(window_id: str, at: datetime) -> None:
    """Write that a window does not take place, or is over from now on."""
    MaintenanceWindow.update(cancelled_at=at).where(MaintenanceWindow.id == window_id).execute()


def _window(row: MaintenanceWindow) -> Window:
    services = tuple(row.services.split("\n")) if row.services else ()
    return Window(row.id, row.begins_at, row.ends_at, services, row.planned_at, row.cancelled_at)


def _notice(row: tuple[Any, ...]) -> Notice:
    number, window, due, announcement = row
    return Notice(number, window, moment(due), announcement)
