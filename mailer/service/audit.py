"""Who did what? Written inside the same transaction as what it records, so that neither exists without the other."""

from collections.abc import Iterator
from typing import Any

from mailer.service.office import Office
from mailer.store import audit

#: Who did what nobody asked for at that moment.
TIMER = "timer"


def record(office: Office, actor: str, action: str, subject: str, /, **detail: Any) -> None:
    """Write that `actor` did `action` (as in `broadcast.send`) to `subject`; call it in the transaction of the deed.

    `detail` takes plain JSON values. Addresses do not belong into it: the book is kept longer than they may be.
    """
    audit.append(office.clock(), actor, action, subject, detail)


def list_(limit: int = 100) -> Iterator[audit.Entry]:
    """Return the newest entries, the newest first."""
    return audit.entries(limit)


def verify() -> list[str]:
    """Return what is wrong with the book, in plain sentences; an empty list means that the chain holds."""
    broken = audit.first_broken()
    if broken is None:
        return []
    return [f"audit entry {broken} or one before it was changed, moved or removed"]
