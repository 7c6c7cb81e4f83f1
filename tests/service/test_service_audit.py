"""Does the audit book tell who did what, and show when it was tampered with?"""

import pytest

from mailer.service import audit
from mailer.service.office import Office
from mailer.store.database import change, transaction

TAMPERING = [
    ("UPDATE audit_entry SET actor = 'somebody else' WHERE id = 2", 2),
    ("UPDATE audit_entry SET at = at + 1 WHERE id = 3", 3),
    ("UPDATE audit_entry SET detail = '{\"items\":2}' WHERE id = 1", 1),
    ("UPDATE audit_entry SET action = 'b', object = 'ca' WHERE id = 2", 2),
    ("DELETE FROM audit_entry WHERE id = 2", 3),
    ("DELETE FROM audit_entry WHERE id = 1", 2),
    ("UPDATE audit_entry SET id = 9 WHERE id = 2", 3),
    ("UPDATE audit_entry SET digest = zeroblob(32) WHERE id = 3", 3),
]


@pytest.fixture
def book(office: Office) -> Office:
    """An office with three entries."""
    for number in range(1, 4):
        with transaction():
            audit.record(office, "校長", "bc", "a", items=number, who={"b": "\ud800", "a": None})
    return office


def test_entries_come_newest_first(book: Office) -> None:
    newest, *_ = found = list(audit.list_(limit=2))
    assert [one.id for one in found] == [3, 2]
    assert (newest.at, newest.actor, newest.action, newest.object) == (book.clock(), "校長", "bc", "a")
    assert newest.detail == {"items": 3, "who": {"a": None, "b": "\ufffd"}}


def test_an_untouched_book_holds(book: Office) -> None:
    assert audit.verify() == []


def test_an_empty_book_holds(office: Office) -> None:
    assert audit.verify() == []


@pytest.mark.parametrize(("tampering", "first"), TAMPERING)
def test_tampering_shows(book: Office, tampering: str, first: int) -> None:
    change(tampering)
    assert audit.verify() == [f"audit entry {first} or one before it was changed, moved or removed"]


def test_an_entry_goes_with_its_deed(book: Office) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        _record_and_fail(book)
    assert len(list(audit.list_())) == 3
    assert audit.verify() == []


def _record_and_fail(office: Office) -> None:
    audit.record(office, "校長", "bc", "a")
    raise ZeroDivisionError
