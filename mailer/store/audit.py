"""Who did what, and has nobody changed the book since?

Each entry is sealed by SHA-256 over the digest of the entry before and its own canonical JSON. A changed, moved or
removed entry breaks the chain from there on; only to see the newest entries cut off takes a copy kept elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailer.store.models import AuditEntry, instant

FIRST = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the book; `detail` holds plain JSON values."""

    id: int
    at: datetime
    actor: str
    action: str
    object: str
    detail: Mapping[str, Any]


def append(at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Write one entry behind the last; must stand in the transaction of what it tells of."""
    last = AuditEntry.select(AuditEntry.digest).order_by(AuditEntry.id.desc()).limit(1).scalar()
    words = [_storable(word) for word in (actor, action, subject, _canonical(detail))]
    digest = _seal(FIRST if last is None else bytes(last), instant(at), words)
    fields = dict(zip(("actor", "action", "object", "detail"), words, strict=True))
    AuditEntry.insert(at=at, digest=digest, **fields).execute()


def entries(limit: int) -> Iterator[Entry]:
    """Return the newest entries, the newest first."""
    for row in AuditEntry.select().order_by(AuditEntry.id.desc()).limit(limit):
        yield _entry(row)


def about(action: str, subject: str) -> Entry | None:
    """Return the first entry of this action on this object, or None."""
    which = (AuditEntry.action == action) & (AuditEntry.object == subject)
    row = AuditEntry.select().where(which).order_by(AuditEntry.id).first()
    return None if row is None else _entry(row)


def first_broken() -> int | None:
    """Return the number of the first entry that does not fit the one before, or None if the chain holds."""
    previous = FIRST
    for row in AuditEntry.select().order_by(AuditEntry.id).iterator():
        expected = _seal(previous, instant(row.at), [row.actor, row.action, row.object, row.detail])
        if bytes(row.digest) != expected:
            return int(row.id)
        previous = expected
    return None


def _entry(row: AuditEntry) -> Entry:
    return Entry(row.id, row.at, row.actor, row.action, row.object, json.loads(row.detail))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _storable(text: str) -> str:
    """Lone surrogates, as in a user's name that is no UTF-8, become U+FFFD: the book takes whatever happened."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _seal(previous: bytes, at: int, words: Sequence[str]) -> bytes:
    return hashlib.sha256(previous + _canonical([at, *words]).encode()).digest()
