"""How does the appliance stand right now? Figures for `status` and for the health page; reading only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mailer.domain.announcement import Announcement
from mailer.domain.lane import Lane
from mailer.domain.maintenance import Window
from mailer.schedule.item import ItemState
from mailer.service import alarm, maintenance, stops, wave
from mailer.service.alarm import Failing
from mailer.service.office import Office
from mailer.store import announcements, bounce_events, figures
from mailer.store.space import free_octets, is_short

#: What an open item is called here; `sending` is an item under an attempt that runs.
OPEN = ("waiting", "deferred", "sending", "held")


LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Status:
    """The figures. `queue` has every lane and every word of OPEN; `last` is the newest broadcast or notice.

    `free_octets` is what may still be written in the directory of the store, and `is_short` says that it is too little
    to begin anything new; `spare_octets` is what the store's file has free;
    `alarms` is how many stand, `failing` are the ways out that do not get rid of theirs; `frozen` are the receivers at
    which a wave of refusals stands. `resting` is how many addresses rest, `for_a_person` how many mails of the last
    seven days only a person can understand.
    """

    schools: int
    households: int
    addresses: int
    resting: int
    for_a_person: int
    queue: Mapping[str, Mapping[str, int]]
    last: Announcement | None
    window: Window | None
    suspended: tuple[stops.Standing, ...]
    store: Path
    store_octets: int
    spare_octets: int
    free_octets: int
    is_short: bool
    frozen: tuple[str, ...]
    alarms: int
    failing: tuple[Failing, ...]


def status(office: Office) -> Status:
    """Return how things stand; an error of the store comes through."""
    store, now = figures.store_file(), office.clock()
    return Status(
        schools=len(office.schools.open()),
        households=figures.households(),
        addresses=figures.addresses(),
        resting=figures.resting(),
        for_a_person=bounce_events.for_a_person(now - LATELY),
        queue=queue(),
        last=next(iter(announcements.newest(1)), None),
        window=maintenance.current(now),
        suspended=tuple(stops.suspended()),
        store=store,
        store_octets=figures.store_octets(),
        spare_octets=figures.spare_octets(),
        free_octets=free_octets(store.parent),
        is_short=is_short(store.parent),
        frozen=tuple(wave.frozen()),
        alarms=len(alarm.list_()),
        failing=tuple(alarm.failing()),
    )


def is_short_of_room() -> bool:
    """Tell whether so little room is left for the store that the mailer begins nothing new."""
    return is_short(figures.store_file().parent)


def queue() -> dict[str, dict[str, int]]:
    """Return how many items are open, by the name of their lane and the words of OPEN."""
    counts = {lane.name.lower(): dict.fromkeys(OPEN, 0) for lane in Lane}
    for one in figures.open_items():
        counts[Lane(one.lane).name.lower()][_word(one)] += one.count
    return counts


def _word(one: figures.OpenItems) -> str:
    return "deferred" if one.state == ItemState.WAITING.value and one.tried else one.state
