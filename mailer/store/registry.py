"""Who is registered, at which addresses, and who was?

A deregistered household stays with its history and is never taken up again: whoever registers anew gets a
new one (F12).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, cast

from peewee import JOIN, Expression, fn

from mailer.domain.household import Entry, Household
from mailer.schedule.item import ItemState
from mailer.smtp.address import parse_address
from mailer.store import acceptance
from mailer.store.database import executemany, select
from mailer.store.models import AddressSlot, ItemSlot, QueueItem, instant
from mailer.store.models import Household as Row

INSERT = """
INSERT INTO household (school, grade, class_name, child, guardian, login, receives_broadcasts, registered_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
LAST = "SELECT COALESCE(MAX(id), 0) FROM household"
ADDED = "SELECT school, login, child, id FROM household WHERE id > ?"
UPDATE = "UPDATE household SET grade = ?, class_name = ?, guardian = ?, receives_broadcasts = ? WHERE id = ?"
INSERT_SLOT = "INSERT INTO address_slot (household_id, slot, address, address_key, set_at) VALUES (?, ?, ?, ?, ?)"
DELETE_SLOT = "DELETE FROM address_slot WHERE household_id = ? AND slot = ?"
REVIVE = """
UPDATE queue_item SET state = 'waiting', reason = '', settled_at = NULL, next_attempt_at = ?
WHERE id = ? AND state = 'cancelled' AND reason = ?
"""
UNMARK = "UPDATE queue_item SET intent = '' WHERE id = ? AND intent = ?"


def registered(school: str | None = None) -> Iterator[Household]:
    """Return all registered households, or those of one school."""
    condition = Row.deregistered_at.is_null()
    return _households(condition if school is None else condition & (Row.school == school))


def by_id(household_id: int) -> Household | None:
    """Return one household, registered or not, or None."""
    return next(_households(Row.id == household_id), None)


def by_login(login: str) -> Iterator[Household]:
    """Return the households of a login, registered or not."""
    return _households(Row.login == login)


def by_address(address_key: str) -> Iterator[Household]:
    """Return the households that have this address in any slot, registered or not."""
    holders = AddressSlot.select(AddressSlot.household).where(AddressSlot.address_key == address_key)
    return _households(Row.id.in_(holders))


def add(entries: Sequence[Entry], at: datetime) -> None:
    """Register new households with their addresses; none of them may be registered already."""
    last = select(LAST)[0][0]
    executemany(INSERT, [(*_names(entry), entry.receives_broadcasts, instant(at)) for entry in entries])
    numbers = {(school, login, child): number for school, login, child, number in select(ADDED, (last,))}
    _set_slots(
        [
            (numbers[entry.school, entry.login, entry.child], slot, address)
            for entry in entries
            for slot, address in entry.addresses.items()
        ],
        at,
    )


def change(changes: Sequence[tuple[Household, Entry]], at: datetime) -> None:
    """Make registered households say what their new entries say; an address that stays keeps the time it was set."""
    executemany(
        UPDATE,
        [
            (entry.grade, entry.class_name, entry.guardian, entry.receives_broadcasts, household.id)
            for household, entry in changes
        ],
    )
    gone = [
        (household.id, slot)
        for household, entry in changes
        for slot, address in household.entry.addresses.items()
        if entry.addresses.get(slot) != address
    ]
    new = [
        (household.id, slot, address)
        for household, entry in changes
        for slot, address in entry.addresses.items()
        if household.entry.addresses.get(slot) != address
    ]
    executemany(DELETE_SLOT, gone)
    _set_slots(new, at)


def deregister(household_id: int, at: datetime) -> None:
    """Write that a household is no longer registered; its row and its history stay."""
    Row.update(deregistered_at=at).where(Row.id == household_id).execute()


def cancel_orphans(household_id: int, at: datetime, reason: str) -> int:
    """Cancel the waiting and held items of a household that stand for no registered one; return how many.

    An item under way is only marked with the reason: it is cancelled unless the attempt that runs settles it.
    """
    orphan = _stands_only_for_the_deregistered(household_id)
    under_way = QueueItem.state == ItemState.SENDING.value
    QueueItem.update(intent=reason).where(under_way & orphan).execute()
    still_open = QueueItem.state.in_([ItemState.WAITING.value, ItemState.HELD.value])
    return acceptance.call_off(still_open & orphan, reason, at)


def revive(item_ids: Iterable[int], reason: str, due: datetime) -> None:
    """Undo what `cancel_orphans` did with this reason to items that stand for a registered household now.

    What was held before waits: that is not known any more.
    """
    which = [(item_id, reason) for item_id in item_ids]
    executemany(REVIVE, [(instant(due), *one) for one in which])
    executemany(UNMARK, which)


def _stands_only_for_the_deregistered(household_id: int) -> Any:
    named = ItemSlot.select(ItemSlot.item).where(ItemSlot.household == household_id)
    others = ItemSlot.select(ItemSlot.item).join(Row)
    living = others.where((ItemSlot.item == QueueItem.id) & Row.deregistered_at.is_null())
    return QueueItem.id.in_(named) & ~fn.EXISTS(living)


def _set_slots(slots: Sequence[tuple[int, int, str]], at: datetime) -> None:
    executemany(
        INSERT_SLOT,
        [(household, slot, address, parse_address(address).key, instant(at)) for household, slot, address in slots],
    )


def _names(entry: Entry) -> tuple[str, ...]:
    return (entry.school, entry.grade, entry.class_name, entry.child, entry.guardian, entry.login)


def _households(condition: Expression) -> Iterator[Household]:
    names = (Row.school, Row.grade, Row.class_name, Row.child, Row.guardian, Row.login, Row.receives_broadcasts)
    columns = (Row.id, Row.registered_at, Row.deregistered_at, *names, AddressSlot.slot, AddressSlot.address)
    query = Row.select(*columns).join(AddressSlot, JOIN.LEFT_OUTER).where(condition)
    rows = cast("Iterable[tuple[Any, ...]]", query.order_by(Row.id, AddressSlot.slot).tuples())
    for _, group in groupby(rows, key=lambda row: row[0]):
        yield _household(list(group))


def _household(rows: Sequence[tuple[Any, ...]]) -> Household:
    number, since, until, school, grade, class_name, child, guardian, login, receives = rows[0][:10]
    addresses = {slot: address for *_, slot, address in rows if slot is not None}
    entry = Entry(school, grade, class_name, child, guardian, login, addresses, bool(receives))
    return Household(number, entry, since, until)
