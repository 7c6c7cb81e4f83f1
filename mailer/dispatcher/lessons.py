"""What do workers, and later starts, learn of sites from one another?

What a site makes one worker learn stands in the store; the others hear of it at their next look. What a worker told
itself, or heard once, it does not take over again: meanwhile it may have learned better.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from mailer.dispatcher.limits import Lesson
from mailer.dispatcher.site import Site
from mailer.schedule.site import TAKEN_AGAIN, SiteState
from mailer.service import lease
from mailer.service.office import Office
from mailer.store.writer import Writer


class Lessons:
    """What one worker has told and heard."""

    def __init__(self, office: Office, writer: Writer) -> None:
        self._office = office
        self._writer = writer
        self._heard: frozenset[SiteState] = frozenset()
        self._told: dict[str, datetime] = {}
        self._shift = timedelta()

    def tell(self, site: Site, reason: str, lesson: Lesson) -> None:
        """Tell the other workers and the next start what a site made us learn."""
        now = _to_milliseconds(self._office.clock())
        rest = _to_milliseconds(now + timedelta(seconds=lesson.rest)) if lesson.rest else None
        state = SiteState(site.name, lesson.connections, lesson.messages_per_session, rest, reason, since=now)
        self._heard |= {state}
        self._told[site.name] = now
        self._writer.submit(partial(lease.remember, self._office, state))

    def hear(self, states: Iterable[SiteState], sites: Mapping[str, Site], shift: timedelta) -> None:
        """Teach our sites what the store has of them and we have not; `shift` is its times' `clock_shift`."""
        self._set_clock(shift - self._shift)
        self._shift = shift
        now = frozenset(states)
        for state in now - self._heard:
            site, told = sites.get(state.site), self._told.get(state.site)
            if site is not None and (told is None or state.since > told):
                site.heed(self._lesson(state))
        self._heard = now

    def teach(self, site: Site, states: Iterable[SiteState]) -> None:
        """Teach a site that is new to us what the store has of it."""
        for state in states:
            if state.site == site.name:
                site.heed(self._lesson(state))

    def _set_clock(self, by: timedelta) -> None:
        """Set the times of what we know with those in the store: a lesson is no news because the clock was set."""
        if by:
            self._told = {name: at + by for name, at in self._told.items()}
            self._heard = frozenset(_moved(state, by) for state in self._heard)

    def _lesson(self, state: SiteState) -> Lesson:
        rest = 0.0 if state.paused_until is None else (state.paused_until - self._office.clock()).total_seconds()
        return Lesson(state.connections, state.messages_per_session, max(0.0, rest), state.reason == TAKEN_AGAIN)


def _moved(state: SiteState, by: timedelta) -> SiteState:
    until = None if state.paused_until is None else state.paused_until + by
    return replace(state, since=state.since + by, paused_until=until)


def _to_milliseconds(at: datetime) -> datetime:
    """Return the time as the store keeps it, so that what comes back from there is known again."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
