"""Which alarms stand or stood, and who has been told of them?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.domain.alarm import Alarm, Event, Kind, Telling
from mailer.store.alarm_models import Alarm as Row
from mailer.store.alarm_models import AlarmTelling
from mailer.store.database import change, executemany, select, select_each
from mailer.store.models import instant

RAISE = """
INSERT INTO alarm (id, kind, subject, words, count, raised_at, last_at, cleared_by, news)
VALUES (?, ?, ?, ?, ?, ?, ?, '', 1)
ON CONFLICT (kind, subject) WHERE cleared_at IS NULL
DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at
RETURNING id
"""
STANDING = "SELECT subject FROM alarm WHERE kind = ? AND cleared_at IS NULL"
EVER = "SELECT 1 FROM alarm WHERE kind = ? AND subject = ? AND raised_at >= ?"
ENDED = EVER + " AND cleared_at IS NOT NULL AND cleared_by <> ?"
LAST = "UPDATE alarm SET last_at = ? WHERE kind = ? AND subject = ? AND cleared_at IS NULL AND last_at <= ?"
CLEAR = """
UPDATE alarm SET cleared_at = ?, cleared_by = ?, news = news | 2
WHERE kind = ? AND subject = ? AND cleared_at IS NULL AND raised_at <= COALESCE(?, raised_at)
"""
CLEAR_QUIET = """
UPDATE alarm SET cleared_at = ?, cleared_by = ?, news = news | 2
WHERE kind = ? AND cleared_at IS NULL AND last_at <= ?
"""
NO_NEWS = "UPDATE alarm SET news = 0 WHERE news > 0"
OWE = """
INSERT INTO alarm_telling (alarm_id, event, path, tries, next_at, trouble) VALUES (?, ?, ?, 0, ?, '')
ON CONFLICT DO NOTHING
"""
#: What was never tried goes first: old ones that a path does not take must not keep a new one waiting. What is to wait
#: for longer than anything ever waits was written before somebody set the clock back.
OWED = """
SELECT alarm_id, event, tries FROM alarm_telling
WHERE path = ? AND next_at IS NOT NULL AND (next_at <= ? OR next_at > ?) ORDER BY tries, next_at LIMIT ?
"""
TOLD = """
UPDATE alarm_telling SET tries = ?, next_at = ?, told_at = ?, trouble = ? WHERE alarm_id = ? AND event = ? AND path = ?
"""
#: SQLite gives the trouble of the row that was tried most often. What a way has given up counts until it tells
#: something: that nothing is left to try does not mean that it works.
FAILING = """
WITH worked (path, at) AS (SELECT path, MAX(told_at) FROM alarm_telling GROUP BY path)
SELECT telling.path, COUNT(*), MAX(tries), trouble
FROM alarm_telling AS telling JOIN worked ON worked.path = telling.path JOIN alarm ON alarm.id = telling.alarm_id
WHERE told_at IS NULL AND tries > 0 AND (next_at IS NOT NULL OR cleared_at > COALESCE(worked.at, 0))
GROUP BY telling.path ORDER BY telling.path
"""
DELIVERED = """
SELECT alarm_id FROM alarm_telling WHERE alarm_id = ? GROUP BY alarm_id HAVING COUNT(told_at) = COUNT(*)
"""
RAISED_BIT, CLEARED_BIT = 1, 2


@dataclass(frozen=True, slots=True)
class Told:
    """What one path has told of an alarm so far; `next_at` is None when it is done, or has given up."""

    event: Event
    path: str
    tries: int
    next_at: datetime | None
    told_at: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True)
class Failing:
    """A path that does not get rid of alarms: how many, after how many tries, and what the trouble is."""

    path: str
    alarms: int
    tries: int
    trouble: str


def raise_(alarm: Alarm) -> bool:
    """Write an alarm, or count it to the one that stands already; return whether it is new."""
    at = (instant(alarm.raised_at), instant(alarm.last_at))
    row = (alarm.id, alarm.kind.value, alarm.subject, alarm.words, alarm.count, *at)
    return bool(select(RAISE, row)[0][0] == alarm.id)


def standing(kind: Kind) -> frozenset[str]:
    """Return the subjects for which an alarm of this kind stands."""
    return frozenset(subject for (subject,) in select(STANDING, (kind.value,)))


def goes_on(kind: Kind, subject: str, at: datetime, unless_since: datetime) -> None:
    """Write that the cause of an alarm that stands goes on, unless that was written since then."""
    change(LAST, (instant(at), kind.value, subject, instant(unless_since)))


def was_raised(kind: Kind, subject: str, since: datetime) -> bool:
    """Tell whether such an alarm was raised since then, whether it stands or was cleared."""
    return bool(select(EVER, (kind.value, subject, instant(since))))


def was_dismissed(kind: Kind, subject: str, since: datetime, by_itself: str) -> bool:
    """Tell whether somebody has ended such an alarm that was raised since then; `by_itself` ends are none."""
    return bool(select(ENDED, (kind.value, subject, instant(since), by_itself)))


def clear(kind: Kind, subject: str, at: datetime, by: str, raised_until: datetime | None = None) -> int:
    """End the alarm that stands for this, if it was not raised after `raised_until`; return how many that were."""
    latest = None if raised_until is None else instant(raised_until)
    return change(CLEAR, (instant(at), by, kind.value, subject, latest))


def clear_quiet(kind: Kind, before: datetime, at: datetime, by: str) -> int:
    """End the alarms of a kind that have not been repeated since `before`; return how many."""
    return change(CLEAR_QUIET, (instant(at), by, kind.value, instant(before)))


def get(alarm_id: str) -> Alarm | None:
    """Return one alarm, or None."""
    row = Row.get_or_none(Row.id == alarm_id)
    return None if row is None else _alarm(row)


def find(*, ended: bool, limit: int | None = None) -> list[Alarm]:
    """Return the alarms that stand, with `ended` the others too, the newest first."""
    which = Row.id.is_null(False) if ended else Row.cleared_at.is_null()
    return [_alarm(row) for row in Row.select().where(which).order_by(Row.raised_at.desc(), Row.id).limit(limit)]


def take_news() -> list[tuple[Alarm, Event]]:
    """Return what became known since the last call, the oldest first; nobody is given it again."""
    rows = list(Row.select().where(Row.news > 0).order_by(Row.raised_at, Row.id))
    if rows:
        change(NO_NEWS)
    return [(_alarm(row), event) for row in rows for event in _events(row.news)]


def owe(news: Sequence[tuple[Alarm, Event]], paths: Sequence[str], at: datetime) -> None:
    """Write that each of these paths is to tell this now."""
    executemany(OWE, [(alarm.id, event.value, path, instant(at)) for alarm, event in news for path in paths])


def owed(path: str, now: datetime, longest: timedelta, limit: int) -> list[Telling]:
    """Return what a path is to tell now; `longest` is the longest pause between two tries."""
    found = []
    for alarm_id, event, tries in select(OWED, (path, instant(now), instant(now + longest), limit)):
        alarm = get(alarm_id)
        assert alarm is not None  # by foreign key
        found.append(Telling(alarm, Event(event), path, tries))
    return found


def told(one: Telling, told_at: datetime | None, next_at: datetime | None, trouble: str) -> None:
    """Write how one try of a path ended: told, or to be tried again at `next_at` (None: given up)."""
    times = [None if at is None else instant(at) for at in (next_at, told_at)]
    change(TOLD, (one.tries + 1, *times, trouble, one.alarm.id, one.event.value, one.path))


def tellings(alarm_id: str) -> list[Told]:
    """Return what the paths have told of an alarm."""
    rows = AlarmTelling.select().where(AlarmTelling.alarm == alarm_id)
    ordered = rows.order_by(AlarmTelling.path, AlarmTelling.event.desc())
    return [Told(Event(row.event), row.path, row.tries, row.next_at, row.told_at, row.trouble) for row in ordered]


def delivered(alarm_ids: Iterable[str]) -> frozenset[str]:
    """Return those of these alarms that every way was asked to tell of, and has."""
    return frozenset(name for (name,) in select_each(DELIVERED, [(alarm_id,) for alarm_id in alarm_ids]))


def failing() -> list[Failing]:
    """Return the paths that have tried to tell something and could not, what they have given up included."""
    return [Failing(*row) for row in select(FAILING)]


def _events(news: int) -> Iterator[Event]:
    if news & RAISED_BIT:
        yield Event.RAISED
    if news & CLEARED_BIT:
        yield Event.CLEARED


def _alarm(row: Row) -> Alarm:
    return Alarm(
        id=row.id,
        kind=Kind(row.kind),
        subject=row.subject,
        words=row.words,
        count=row.count,
        raised_at=row.raised_at,
        last_at=row.last_at,
        cleared_at=row.cleared_at,
        cleared_by=row.cleared_by,
    )
