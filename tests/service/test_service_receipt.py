"""Does opening the URL confirm every household the mail stands for, and nothing else confirm anything?"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailer.domain.announcement import Kind
from mailer.domain.household import Entry
from mailer.domain.lane import Lane
from mailer.domain.receipt import token
from mailer.service import broadcast, receipt, roster
from mailer.service.announce import NewAnnouncement, announce, audience
from mailer.service.office import Office
from mailer.store.database import select, transaction
from mailer.store.models import QueueItem, Receipt, Visit, database
from mailer.store.writer import Writer

if TYPE_CHECKING:
    from tests.conftest import FakeClock

SCHOOLS = ("t-daiichi", "t-daini")


@pytest.fixture
def sent(office: Office) -> str:
    """A broadcast to two households that share an address, and to a third that shares none."""

    def entry(login: str, school: str, *addresses: str) -> Entry:
        return Entry(school, "3", "1組", "山田 太郎", "山田 花子", login, dict(enumerate(addresses, 1)), True)

    entries = [
        entry("y1", "t-daini", "mama@example.jp", "papa@example.jp"),
        entry("y2", "t-daiichi", "other@example.jp", "mama@example.jp"),
        entry("y3", "t-daiichi", "third@example.jp", "third@example.jp"),
    ]
    roster.import_entries(office, list(enumerate(entries, 2)), "test")
    new = NewAnnouncement(Kind.BROADCAST, Lane.SAFETY, SCHOOLS, "不審者情報", "本文です", True, "test", ())
    return announce(office, new, audience(office, SCHOOLS)).id


def token_of(office: Office, address: str) -> str:
    return token(office.receipt_key, QueueItem.get(QueueItem.address == address).id)


def visit(
    office: Office, token: str, at: datetime | None = None, method: str = "GET", headers: object = ()
) -> receipt.ReceiptPage | None:
    facts = receipt.VisitFacts(at or office.clock(), method, "192.0.2.7", headers)  # type: ignore[arg-type]  # test data
    with transaction():
        return receipt.visit(office, token, facts)


def confirmed() -> dict[int, int]:
    return dict(select("SELECT household_id, slot FROM receipt"))


def test_a_visit_confirms_every_household_the_mail_stands_for(office: Office, sent: str, clock: "FakeClock") -> None:
    announced = clock.now
    opened = clock.advance(minutes=3)
    page = visit(office, token_of(office, "mama@example.jp"))
    assert page == receipt.ReceiptPage(
        ("滝川第一小学校", "滝川第二小学校"), "不審者情報", "本文です", announced, opened
    )
    assert confirmed() == {1: 1, 2: 2}
    assert broadcast.show(office, sent)["confirmed"] == 2
    assert broadcast.verify(office, sent) == []


def test_either_slot_confirms_and_the_first_visit_counts(office: Office, sent: str, clock: "FakeClock") -> None:
    first = clock.advance(minutes=1)
    visit(office, token_of(office, "papa@example.jp"))
    assert confirmed() == {1: 2}
    clock.advance(minutes=1)
    page = visit(office, token_of(office, "mama@example.jp"))
    assert page is not None
    assert page.confirmed_at == first
    assert confirmed() == {1: 2, 2: 2}
    assert [row.confirmed_at for row in Receipt.select().where(Receipt.household == 1)] == [first]


def test_an_address_in_both_slots_counts_once(office: Office, sent: str) -> None:
    for _ in range(3):
        visit(office, token_of(office, "third@example.jp"))
    assert confirmed() == {3: 1}
    assert Visit.select().count() == 3


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PROPFIND", "get", ""])
def test_other_methods_are_kept_and_confirm_nothing(office: Office, sent: str, method: str) -> None:
    page = visit(office, token_of(office, "papa@example.jp"), method=method)
    assert page is not None
    assert page.confirmed_at is None
    assert confirmed() == {}
    assert [row.method for row in Visit.select()] == [method]


def test_the_request_is_kept_raw_and_bounded_without_secrets(office: Office, sent: str, clock: "FakeClock") -> None:
    headers = [("User-Agent", "電話" * 400), ("Cookie", "s=1"), ("Authorization", "x"), *([("x", "y")] * 100)]
    visit(office, token_of(office, "papa@example.jp"), headers=headers)
    (kept,) = Visit.select()
    pairs = json.loads(kept.headers)
    assert (kept.at, kept.peer, len(pairs)) == (clock.now, "192.0.2.7", receipt.MOST_HEADERS)
    assert pairs[0] == ["User-Agent", ("電話" * 400)[:500]]
    assert {name for name, _ in pairs} == {"User-Agent", "x"}


@pytest.mark.parametrize("wrong", ["", "x", "A" * 22, "あ", "\udc80", "../etc", "A" * 5000])
def test_a_wrong_token_opens_and_leaves_nothing(office: Office, sent: str, wrong: str) -> None:
    assert visit(office, wrong) is None
    assert (Visit.select().count(), Receipt.select().count()) == (0, 0)


def test_a_wrong_token_in_an_empty_store(office: Office) -> None:
    assert visit(office, "A" * 22) is None


def test_a_token_differing_in_one_character_is_wrong(office: Office, sent: str) -> None:
    right = token_of(office, "papa@example.jp")
    assert visit(office, right[:-1] + ("A" if right[-1] != "A" else "Q")) is None
    assert visit(office, right + "A") is None
    assert visit(office, right.swapcase()) is None


def test_a_deregistered_household_keeps_its_history(office: Office, sent: str) -> None:
    right = token_of(office, "papa@example.jp")
    roster.deregister(office, 1, "test")
    assert visit(office, right) is not None
    assert confirmed() == {1: 2}


@pytest.fixture
def writer() -> Iterator[Writer]:
    opened = Writer()
    yield opened
    opened.close()


def statements(work: Callable[[], object]) -> list[str]:
    """Return the SQL that some work executes, in order, but for the marks of transactions."""
    seen: list[str] = []

    def note(_cursor: object, sql: str, _bindings: object) -> bool:
        seen.append(" ".join(sql.split()))
        return True

    connection = database.connection()
    connection.exec_trace = note
    try:
        work()
    finally:
        connection.exec_trace = None
    return [sql for sql in seen if sql.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]


def test_a_wrong_token_does_the_work_of_a_right_one(office: Office, sent: str, tmp_path: Path) -> None:
    log = tmp_path / "mimamori.db-wal"
    right = statements(lambda: visit(office, token_of(office, "papa@example.jp")))
    before = log.stat().st_size
    wrong = statements(lambda: visit(office, "A" * 22))
    assert [sql.split()[0] for sql in wrong] == ["SELECT", "INSERT", "INSERT", "SELECT", "SELECT"]
    assert right[-len(wrong) :] == wrong  # before it stands the query of the test itself
    assert log.stat().st_size > before
    assert Visit.select().count() == 1
    assert confirmed() == {1: 2}


def test_a_wrong_token_takes_as_long_as_a_right_one(office: Office, sent: str, writer: Writer) -> None:
    facts = receipt.VisitFacts(office.clock(), "GET", "192.0.2.7", (("user-agent", "phone"),))
    right = token_of(office, "papa@example.jp")

    def seconds(text: str) -> float:
        begun = time.perf_counter()
        writer.submit(lambda: receipt.visit(office, text, facts)).result()
        return time.perf_counter() - begun

    pairs = [(seconds(right), seconds("A" * 22)) for _ in range(100)]
    known, unknown = (statistics.median(column) for column in zip(*pairs, strict=True))
    assert 0.5 < unknown / known < 2.0
