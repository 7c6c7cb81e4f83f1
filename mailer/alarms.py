"""Does every alarm leave the house, whatever has become of the queue and the store?

Once a second the store is asked what is to be told; each way out tells one alarm after the other and waits for no other
way. What cannot be written is told from memory: a store that is broken or a disk that is full is an alarm itself,
and is written down when the store takes it again. An alarm is told at least once on each way; a receiver knows a second
telling by its name.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from mailer.domain.alarm import ADVICE, REASONS, Alarm, Event, Kind, Message, Telling
from mailer.domain.moment import written
from mailer.language import _
from mailer.service import alarm, watch
from mailer.service.office import Office
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
#: A store that has not answered by then is broken, whatever it is waiting for.
PATIENCE_SECONDS = 20.0
#: So often something is really written, to learn of a broken disk before the next broadcast does.
PROVE_EVERY = timedelta(seconds=20)
STORE = (Kind.STORE_FAILED, "store")
Key = tuple[str, Event, str]


class Way(Protocol):
    """A way out of the house that does not lead through the queue."""

    @property
    def name(self) -> str:
        """What it is called in the store and in the log."""

    async def tell(self, message: Message) -> str:
        """Tell of an alarm; return what went wrong, or nothing. Takes a bounded time."""


@dataclass(slots=True)
class Emergency:
    """An alarm that no store knows of yet, and per way: how often it was tried, and when it is tried again."""

    alarm: Alarm
    tries: dict[str, int] = field(default_factory=dict)
    again_at: dict[str, datetime] = field(default_factory=dict)


async def keep_alarms(
    office: Office, writer: Writer, ways: Sequence[Way], troubles: Callable[[], watch.Troubles]
) -> None:
    """Raise, end and tell alarms until cancelled; `troubles` says what the machine suffers from now."""
    if not ways:
        log.warning("alarms have no way out of the house: set [alarm] webhook or command")
    keeper = Keeper(office, writer, ways, troubles)
    try:
        while True:
            await keeper.look()
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        keeper.stop()


class Keeper:
    """Looks, and has each way tell."""

    def __init__(
        self, office: Office, writer: Writer, ways: Sequence[Way], troubles: Callable[[], watch.Troubles]
    ) -> None:
        self._office, self._writer = office, writer
        self._ways = {way.name: way for way in ways}
        self._troubles = troubles
        self._looking: asyncio.Task[watch.Found] | None = None
        self._looked_at: datetime | None = None
        self._proved_at: datetime | None = None
        self._emergencies: dict[tuple[Kind, str], Emergency] = {}
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._told: set[Key] = set()

    async def look(self) -> None:
        """Find what is to be told, and begin to tell it."""
        troubles = self._troubles()
        if self._looking is None:
            self._looking = asyncio.create_task(self._find(troubles))
        done, _pending = await asyncio.wait([self._looking], timeout=PATIENCE_SECONDS)
        trouble: object = f"no answer within {PATIENCE_SECONDS:g} s"
        if done:
            looked, self._looking = self._looking, None
            if (failed := looked.exception()) is None:
                self._tell(looked.result())
                return
            trouble = failed
        self._tell_alone({**troubles, STORE: str(trouble)})

    def stop(self) -> None:
        """Tell no more."""
        for task in filter(None, (self._looking, *self._telling.values())):
            task.cancel()

    # --- with the store

    async def _find(self, troubles: watch.Troubles) -> watch.Found:
        now, since = self._office.clock(), self._looked_at
        proves = self._proved_at is None or abs(now - self._proved_at) >= PROVE_EVERY
        # What a way is telling at this moment may be written as told only after this look has read it as owed.
        free = [name for name in self._ways if self._is_free(name)]

        def work() -> tuple[list[Alarm], watch.Found]:
            if proves:
                watch.prove_writable()
            # It may be long until the store lets us in; what was raised until then goes with it.
            meanwhile = [one.alarm for one in list(self._emergencies.values())]
            return meanwhile, watch.look(self._office, troubles, meanwhile, tuple(self._ways), since)

        meanwhile, found = await self._writer.do(work)
        self._looked_at, self._proved_at = now, now if proves else self._proved_at
        for one in meanwhile:
            self._emergencies.pop((one.kind, one.subject), None)
        return watch.Found(found.news, {name: found.owed[name] for name in free})

    def _tell(self, found: watch.Found) -> None:
        for one, event in found.news:
            _log(one, event)
        for name, owed in found.owed.items():
            if owed and self._is_free(name):
                self._telling[name] = asyncio.create_task(self._tell_all(self._ways[name], owed))

    async def _tell_all(self, way: Way, owed: Sequence[Telling]) -> None:
        for one in owed:
            trouble = await self._tell_one(way, one.alarm, one.event)
            try:
                await self._writer.do(partial(watch.told, self._office, one, trouble))
            except Exception as error:
                # It stays owed; what was told is known here, and is not told again.
                log.error("alarm %s: what %s did with it cannot be written: %s", one.alarm.id, way.name, error)
                return
            self._told.discard((one.alarm.id, one.event, way.name))

    # --- without it

    def _tell_alone(self, troubles: watch.Troubles) -> None:
        for (kind, subject), words in troubles.items():
            if (kind, subject) not in self._emergencies:
                raised = alarm.new(self._office, kind, subject, words)
                self._emergencies[kind, subject] = Emergency(raised)
                _log(raised, Event.RAISED)
        for way in self._ways.values():
            if self._is_free(way.name):
                self._telling[way.name] = asyncio.create_task(self._tell_emergencies(way))

    async def _tell_emergencies(self, way: Way) -> None:
        for one in list(self._emergencies.values()):
            now, tries = self._office.clock(), one.tries.get(way.name, 0)
            told = (one.alarm.id, Event.RAISED, way.name) in self._told
            waits = timedelta(0) < one.again_at.get(way.name, now) - now <= watch.LONGEST_AGAIN
            if not told and not waits:
                await self._tell_one(way, one.alarm, Event.RAISED)
                one.tries[way.name] = tries + 1
                one.again_at[way.name] = self._office.clock() + watch.pause(tries)

    # --- each

    def _is_free(self, name: str) -> bool:
        return name not in self._telling or self._telling[name].done()

    async def _tell_one(self, way: Way, one: Alarm, event: Event) -> str:
        """Tell it, unless this process did so already; return what went wrong."""
        key = (one.id, event, way.name)
        if key in self._told:
            return ""
        try:
            trouble = await way.tell(message(one, event))
        except Exception as error:
            # A way that fails in a manner nobody thought of must not end the others.
            trouble = f"{type(error).__name__}: {error}"
        if trouble:
            log.error("alarm %s was not told by %s: %s", one.id, way.name, trouble)
        else:
            self._told.add(key)
        return trouble


def message(one: Alarm, event: Event) -> Message:
    """Return an alarm as it leaves the house: JSON in the form of Standard Webhooks, with a line for people."""
    ended = {Event.RAISED: "", Event.CLEARED: _("(over)") + " "}[event]
    text = f"{ended}{_(REASONS[one.kind]).format(subject=one.subject)} {one.words}".rstrip()
    at = one.raised_at if event is Event.RAISED or one.cleared_at is None else one.cleared_at
    facts = {"id": one.id, "event": event.value, "kind": one.kind.value, "subject": one.subject, "text": text}
    document = {
        "type": f"alarm.{event.value}",
        "timestamp": written(at),
        "text": text,
        "data": {
            **facts,
            "words": one.words,
            "advice": _(ADVICE[one.kind]).format(name=one.name),
            "count": one.count,
            "raised_at": written(one.raised_at),
            "cleared_at": written(one.cleared_at) if one.cleared_at else None,
        },
    }
    return Message(f"{one.id}_{event.value}", facts, json.dumps(document, ensure_ascii=False).encode())


def _log(one: Alarm, event: Event) -> None:
    level = logging.WARNING if event is Event.RAISED else logging.INFO
    log.log(level, "alarm %s %s: %s %s: %s", one.id, event.value, one.kind.value, one.subject, one.words)
