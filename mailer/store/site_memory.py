"""What is remembered of sites that wanted less than their manners allow, or that block us?"""

from datetime import datetime, timedelta

from mailer.schedule.site import TAKEN_AGAIN, SiteState
from mailer.store.database import change
from mailer.store.lease_models import SiteMemory
from mailer.store.models import instant

REMEMBER = """
INSERT INTO site_memory (site, connections, messages_per_session, paused_until, reason, since) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (site) DO UPDATE SET connections = excluded.connections, reason = excluded.reason, since = excluded.since,
    messages_per_session = excluded.messages_per_session,
    paused_until = CASE WHEN excluded.reason <> ? AND COALESCE(paused_until, 0) > COALESCE(excluded.paused_until, 0)
        THEN paused_until ELSE excluded.paused_until END
"""


def remember(state: SiteState) -> None:
    """Write what a site made us learn, in the place of what was known; inside a Writer.

    A rest is not shortened by who learned something else and had not heard of it yet: only mail that is taken ends it.
    """
    until = None if state.paused_until is None else instant(state.paused_until)
    learned = (state.connections, state.messages_per_session, until, state.reason, instant(state.since))
    change(REMEMBER, (state.site, *learned, TAKEN_AGAIN))


def states(since: datetime) -> list[SiteState]:
    """Return what was learned not before `since`."""
    rows = SiteMemory.select().where(SiteMemory.since >= since)
    return [
        SiteState(row.site, row.connections, row.messages_per_session, row.paused_until, row.reason, row.since)
        for row in rows
    ]


def set_clock(by: timedelta) -> None:
    """Set the times of what is remembered with a clock that was set; inside a Writer."""
    shift = round(by.total_seconds() * 1000)
    change("UPDATE site_memory SET since = since + ?, paused_until = paused_until + ?", (shift, shift))


def forget(before: datetime) -> None:
    """Forget what was learned longer ago; inside a Writer."""
    change("DELETE FROM site_memory WHERE since < ?", (instant(before),))
