"""Is somebody called when a service does not come up?

A service that cannot start raises no alarm by itself, and systemd tells nobody of one that it starts again and again.
`python -m mailer.sentry --config FILE UNITS` is run by a timer of its own: UNITS is what `systemctl show` says of the
services. Of the configuration only [alarm] is read, and while not even that can be, the ways count that were known
last. Neither store nor queue is touched; the log is told at the priority alert, whatever becomes of the ways.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from config import ConfigError, Settings, load_alarm
from mailer.alarm_ways import alarm_ways
from mailer.alarms import Way, message
from mailer.cli.root import configured_language
from mailer.clock import system_clock
from mailer.domain.alarm import Alarm, Event, Kind
from mailer.ids import random_id
from mailer.language import use

PREFIX = "A"
MEMORY = "sentry.json"
#: The priorities of the log as systemd reads them at the beginning of a line (sd-daemon).
ALERT, ERROR, NOTICE = "<1>", "<3>", "<5>"


@dataclass(frozen=True, slots=True)
class Unit:
    """What systemd says of a unit. One that was stopped by a person is neither failed nor on its way."""

    name: str
    words: str
    is_failed: bool
    is_starting: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm that stands, which ways were told of it, and whether its end is what they are told now."""

    id: str
    unit: str
    words: str
    raised_at: datetime
    told: tuple[str, ...] = ()
    over_at: datetime | None = None

    @property
    def event(self) -> Event:
        """Return what is to be told."""
        return Event.RAISED if self.over_at is None else Event.CLEARED

    def alarm(self) -> Alarm:
        """Return it as it leaves the house."""
        at = self.raised_at
        return Alarm(self.id, Kind.NOT_RUNNING, self.unit, self.words, 1, at, at, self.over_at)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered from one look to the next: alarms, units on their way, and the ways."""

    standing: tuple[Standing, ...] = ()
    starting: tuple[str, ...] = ()
    ways: Mapping[str, Any] | None = None


def read_units(text: str) -> list[Unit]:
    """Return the units of `systemctl show --property=Id,ActiveState,SubState,Result`."""
    blocks = (dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.split("\n\n"))
    return [
        Unit(
            facts["Id"],
            f"{facts.get('SubState', '')}: {facts.get('Result', '')}",
            facts["ActiveState"] == "failed",
            facts["ActiveState"] == "activating",
        )
        for facts in blocks
        if "Id" in facts and "ActiveState" in facts
    ]


def look(memory: Memory, units: Iterable[Unit], now: datetime) -> Memory:
    """Return what is to be remembered now: a unit that is still on its way at a second look does not come up."""
    seen = list(units)
    down = {one.name: one for one in seen if one.is_failed or (one.is_starting and one.name in memory.starting)}
    known = {one.unit for one in memory.standing if one.over_at is None}
    ailing = {one.name for one in seen if one.is_failed or one.is_starting}
    kept = [one if one.over_at or one.unit in ailing else replace(one, told=(), over_at=now) for one in memory.standing]
    new = [Standing(random_id(PREFIX), name, unit.words, now) for name, unit in down.items() if name not in known]
    return replace(memory, standing=(*kept, *new), starting=tuple(one.name for one in seen if one.is_starting))


async def tell(memory: Memory, ways: Sequence[Way]) -> Memory:
    """Tell on each way what it was not told yet; forget what is over and was told."""
    told = await asyncio.gather(*(_tell(one, ways) for one in memory.standing))
    names = {way.name for way in ways}
    return replace(memory, standing=tuple(one for one in told if one.over_at is None or names - {*one.told}))


async def _tell(standing: Standing, ways: Sequence[Way]) -> Standing:
    owed = [way for way in ways if way.name not in standing.told]
    ended = await asyncio.gather(*(way.tell(message(standing.alarm(), standing.event)) for way in owed))
    for way, trouble in zip(owed, ended, strict=True):
        if trouble:
            _say(ERROR, f"alarm {standing.id} was not told by {way.name}: {trouble}")
    return replace(
        standing, told=(*standing.told, *(way.name for way, bad in zip(owed, ended, strict=True) if not bad))
    )


def _log(before: Memory, after: Memory) -> None:
    known = {(one.id, one.event) for one in before.standing}
    for one in after.standing:
        if (one.id, one.event) not in known:
            priority = ALERT if one.event is Event.RAISED else NOTICE
            _say(priority, f"alarm {one.id} {one.event}: {Kind.NOT_RUNNING} {one.unit}: {one.words}")


def _say(priority: str, words: str) -> None:
    print(priority + words.encode("ascii", "backslashreplace").decode("ascii"), file=sys.stderr)


def known_ways(config: Path, memory: Memory) -> tuple[list[Way], Memory]:
    """Return the ways that are set, or were when they could last be read."""
    try:
        settings = load_alarm(config)
    except ConfigError as error:
        _say(ERROR, f"the ways known last are taken: {error}")
        settings = Settings.model_validate(memory.ways or {})
    ways = settings.model_dump(mode="json", include={"state": True, "alarm": {"webhook", "command"}}, exclude_none=True)
    return alarm_ways(settings, system_clock), replace(memory, ways=ways)


def read_memory(file: Path) -> Memory:
    """Return what was remembered; nothing if nothing was, or nothing of sense."""
    try:
        kept = json.loads(file.read_bytes())
        standing = (Standing(**{**one, "told": tuple(one["told"]), **_times(one)}) for one in kept["standing"])
        return Memory(tuple(standing), tuple(kept["starting"]), kept["ways"])
    except (OSError, ValueError, KeyError, TypeError):
        return Memory()


def _times(one: Mapping[str, Any]) -> dict[str, datetime | None]:
    return {name: datetime.fromisoformat(one[name]) if one[name] else None for name in ("raised_at", "over_at")}


def write_memory(file: Path, memory: Memory) -> None:
    """Remember until the next look."""
    draft = file.with_suffix(".new")
    standing = [{**asdict(one), **_written(one)} for one in memory.standing]
    draft.write_text(json.dumps({"standing": standing, "starting": memory.starting, "ways": memory.ways}))
    draft.replace(file)


def _written(one: Standing) -> dict[str, str | None]:
    over_at = None if one.over_at is None else one.over_at.isoformat()
    return {"raised_at": one.raised_at.isoformat(), "over_at": over_at}


def main(arguments: Sequence[str]) -> None:
    """Look once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--memory", type=Path, default=os.environ.get("RUNTIME_DIRECTORY"))
    parser.add_argument("units", type=Path)
    given = parser.parse_args(arguments)
    use(configured_language(given.config))
    file = given.memory / MEMORY
    before = read_memory(file)
    ways, known = known_ways(given.config, before)
    after = look(known, read_units(given.units.read_text()), system_clock())
    _log(before, after)
    write_memory(file, after)  # before anything is told: what is told twice has one name
    write_memory(file, asyncio.run(tell(after, ways)))


if __name__ == "__main__":
    main(sys.argv[1:])
