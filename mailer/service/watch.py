"""What gives cause for an alarm now, and what is to be told of?

The mailer's keeper asks once a second. What the machine itself suffers from is given by the caller; what the store
knows is found here. All of it is one transaction, so that nothing is told that was not written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.domain.alarm import OF_THE_MACHINE, Alarm, Event, Kind, Telling
from mailer.service import alarm, canary, standstill, stops
from mailer.service.office import Office
from mailer.store import alarms, site_memory
from mailer.store.database import prove_writable

__all__ = ["Found", "Troubles", "look", "pause", "prove_writable", "told"]

Troubles = Mapping[tuple[Kind, str], str]

#: What one way out is given to tell at a time.
MOST_AT_A_TIME = 20
FIRST_AGAIN = timedelta(seconds=5)
LONGEST_AGAIN = timedelta(minutes=5)
#: Of an alarm that is over so long nothing need be told any more; one that stands is, whenever the way works again.
GIVEN_UP_AFTER = timedelta(days=1)
#: A pause that a site was given longer ago is looked at no more.
STILL_NEWS = timedelta(days=1)
#: A receiver that blocks us again and again is one alarm: it ends when there was no pause for so long.
CALM = timedelta(minutes=10)
#: That a pause goes on is written this often.
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Found:
    """What is new, for the log, and what each way out is to tell now."""

    news: Sequence[tuple[Alarm, Event]]
    owed: Mapping[str, Sequence[Telling]]


def look(
    office: Office, troubles: Troubles, meanwhile: Sequence[Alarm], paths: Sequence[str], since: datetime | None
) -> Found:
    """Raise and end alarms, and return what is to be told; inside a Writer.

    `troubles` is what the machine suffers from now: kind and subject with words; `meanwhile` are alarms that were
    raised while the store could not be written, `paths` the names of the ways out; `since` is when the last look was.
    """
    now = office.clock()
    for one in meanwhile:
        alarms.raise_(one)
    _follow_the_machine(office, troubles)
    _follow_the_pauses(office, now)
    canary.watch(office)
    _end_suspended(office)
    if since is None or _minute(since) != _minute(now):
        alarm.end_held(office)
        standstill.follow(office)
    for kind in (Kind.OUR_FAULT, Kind.NOT_MADE, Kind.REPLIES_WITHHELD):
        alarms.clear_quiet(kind, now - alarm.QUIET, now, alarm.BY_QUIET)
    news = alarms.take_news()
    alarms.owe(news, paths, now)
    return Found(news, {path: alarms.owed(path, now, LONGEST_AGAIN, MOST_AT_A_TIME) for path in paths})


def told(office: Office, one: Telling, trouble: str) -> None:
    """Write how a way out fared with one alarm, empty `trouble` meaning well; inside a Writer."""
    now = office.clock()
    if not trouble:
        alarms.told(one, now, None, "")
    else:
        ended = one.alarm.cleared_at
        again = None if ended is not None and now - ended > GIVEN_UP_AFTER else now + pause(one.tries)
        alarms.told(one, None, again, trouble)


def pause(tries: int) -> timedelta:
    """Return how long a way out rests after so many tries before that have failed."""
    return min(FIRST_AGAIN * (1 << min(tries, 10)), LONGEST_AGAIN)


def _minute(at: datetime) -> int:
    """Return the number of a minute: what has to look at many items is asked once in each."""
    return int(at.timestamp() // 60)


def _follow_the_machine(office: Office, troubles: Troubles) -> None:
    for kind in OF_THE_MACHINE:
        standing = alarms.standing(kind)
        present = {subject: words for (trouble, subject), words in troubles.items() if trouble is kind}
        for subject in present.keys() - standing:
            alarm.raise_(office, kind, subject, present[subject])
        for subject in standing - present.keys():
            alarm.clear(office, kind, subject)


def _follow_the_pauses(office: Office, now: datetime) -> None:
    """What a worker learned of a block stands in the store for the others, and for us."""
    standing = alarms.standing(Kind.CARRIER_PAUSED)
    for state in site_memory.states(now - STILL_NEWS):
        if state.paused_until is None or state.paused_until <= now:
            continue
        if state.site in standing:
            alarms.goes_on(Kind.CARRIER_PAUSED, state.site, now, now - NOTED_EVERY)
        else:
            alarm.raise_(office, Kind.CARRIER_PAUSED, state.site, state.reason)
    alarms.clear_quiet(Kind.CARRIER_PAUSED, now - CALM, now, alarm.BY_ITSELF)


def _end_suspended(office: Office) -> None:
    """A safety broadcast that met a stop waits for it no longer: the stop has ended, or the waiting has."""
    for announcement_id in alarms.standing(Kind.SUSPENDED):
        count, _ = stops.keeping(announcement_id)
        if not count:
            alarm.clear(office, Kind.SUSPENDED, announcement_id)
