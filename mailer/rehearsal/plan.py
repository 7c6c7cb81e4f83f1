"""Which town is to be put up, if not the one that is always there?

A moods file is TOML with one table for each receiver. A known name (`[docomo]`) changes that receiver's mood, a new
one adds a receiver and needs `mx` and `domains`; the other keys are those of `Mood`. Raises `MoodError` naming file,
table and key.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mailer.rehearsal.moods import Mood, MoodError, mood_of
from mailer.rehearsal.town import PLACES, Place


def read_places(path: Path) -> Mapping[str, Place]:
    """Return the receivers of the town with what a moods file changes."""
    try:
        return places_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise MoodError(f"{path}: {error}") from error


def places_of(document: Mapping[str, Any]) -> Mapping[str, Place]:
    """Return the receivers of the town with what a parsed moods file changes."""
    return {**PLACES, **{name: _place(name, table) for name, table in document.items()}}


def _place(name: str, table: Any) -> Place:
    if not isinstance(table, dict):
        raise MoodError(f"{name}: a receiver is a table, [{name}]")
    keys = dict(table)
    base = PLACES.get(name, Place("", (), Mood()))
    place = replace(base, mx=keys.pop("mx", base.mx), domains=tuple(keys.pop("domains", base.domains)))
    if not place.mx or not place.domains:
        raise MoodError(f"{name}: a new receiver needs mx (a name) and domains (a list)")
    try:
        return replace(place, mood=mood_of(keys, base.mood))
    except MoodError as error:
        raise MoodError(f"{name}: {error}") from error
