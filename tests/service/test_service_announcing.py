"""Is a notice to everyone written whole, each household once, whatever comes between two handfuls?"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from mailer.domain.announcement import Kind
from mailer.domain.audience import resolve
from mailer.domain.lane import Lane
from mailer.service import announcing, audit, broadcast, dispatch, queue, retention, roster, stops, suspension
from mailer.service.announce import NewAnnouncement
from mailer.service.office import Office
from mailer.store import announcements
from mailer.store import audience as register
from mailer.store.database import change, select, transaction
from mailer.store.models import Suspension, database, instant
from tests.conftest import FakeClock, Register

SCHOOLS = ("t-daiichi", "t-daini", "t-kouryoj", "t-kyu", "gone")
ITEMS = """
SELECT item.address, item.school, group_concat(place.household_id || '.' || place.slot, ' ')
FROM queue_item AS item LEFT JOIN item_slot AS place ON place.item_id = item.id
WHERE announcement_id = ? GROUP BY item.id ORDER BY item.address
"""
EXCLUSIONS = "SELECT household_id, slot, reason FROM exclusion WHERE announcement_id = ? ORDER BY household_id, slot"

Written = tuple[list[tuple[str, str, str]], list[tuple[int, int, str]]]


def populate(register: Register, clock: FakeClock) -> list[int]:
    """Register siblings, families at two schools, a resting address, nobody's, and a school that is no more."""
    households = [
        register("t-daini", "both@example.jp", "two@docomo.ne.jp"),
        register("t-daiichi", "a@docomo.ne.jp", "a@example.jp", "c@docomo.ne.jp", "d@docomo.ne.jp"),
        register("t-daiichi", "a@docomo.ne.jp", None, "both@example.jp", receives=False),
        register("t-daiichi"),
        register("t-kyu", "rests@docomo.ne.jp", "both@EXAMPLE.jp"),
        register("t-daini", "a@docomo.ne.jp", "rests@docomo.ne.jp"),
        register("t-kouryoj", "x@example.jp"),
    ]
    change("UPDATE household SET school = 'gone' WHERE id = ?", (households[-1],))
    Suspension.create(address_key="rests@docomo.ne.jp", since=clock.now, reason="address_unknown", evidence="")
    clock.advance(minutes=1)
    return households


@pytest.fixture
def town(office: Office, register: Register, clock: FakeClock) -> list[int]:
    """The households of `populate`."""
    return populate(register, clock)


def begin(office: Office) -> str:
    """Begin a notice to all schools."""
    new = NewAnnouncement(Kind.MAINTENANCE, Lane.NOTICE, SCHOOLS, "件名", "本文", False, "test", ())
    return announcing.begin(office, new)


def go_on(office: Office, handful: int, times: int = 100) -> int:
    """Write so many handfuls at most; return how many there were to write."""
    return next((n for n in range(times) if not announcing.go_on(office, handful)), times)


def written(name: str) -> Written:
    """Return what stands in the store of an announcement."""
    items = [(one[0], one[1], one[2]) for one in select(ITEMS, (name,))]
    return items, [(one[0], one[1], one[2]) for one in select(EXCLUSIONS, (name,))]


def at_once(office: Office) -> Written:
    """Return what one transaction would write, by the one rule."""
    to = resolve(Kind.MAINTENANCE, register.members(SCHOOLS), office.schools, suspension.resting(office))
    items = sorted(
        (one.address, one.school, " ".join(f"{household}.{slot}" for household, slot in sorted(one.slots)))
        for one in to.recipients
    )
    return items, sorted((one.household_id, one.slot, one.reason.value) for one in to.exclusions)


@pytest.mark.parametrize("handful", range(1, 9))
def test_it_is_what_one_transaction_would_write(office: Office, town: list[int], handful: int) -> None:
    expected = at_once(office)
    name = begin(office)
    assert go_on(office, handful) == len(town) // handful + 1
    assert written(name) == expected
    assert broadcast.verify(office, name) == []
    found = announcements.get(name)
    assert found is not None
    assert found.whole
    said = {one.action: one.detail for one in audit.list_() if one.object == name}
    assert said["maintenance.announce"]["schools"] == list(SCHOOLS)
    assert said["maintenance.announced"] == {
        "households": 5,
        "recipients": len(expected[0]),
        "excluded": {"no_address": 1, "resting": 2, "unknown_school": 1},
    }


def test_after_each_handful_the_accounting_holds_and_more_is_to_come(office: Office, town: list[int]) -> None:
    name = begin(office)
    assert broadcast.show(office, name)["state"] == "sending"
    for count in range(len(town)):
        assert broadcast.verify(office, name) == []
        change("UPDATE queue_item SET state = 'expired'")
        assert broadcast.show(office, name)["state"] == "sending"
        assert go_on(office, 1, times=1) == 1, count
    assert go_on(office, 1) == 1
    assert broadcast.show(office, name)["state"] == "finished"


@pytest.mark.parametrize("place", ["add_exclusions", "mark_written", "items_to"])
def test_a_handful_that_fails_leaves_nothing_and_is_written_again(
    office: Office, town: list[int], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, name = at_once(office), begin(office)
    go_on(office, 2, times=1)
    before = written(name)
    with monkeypatch.context() as broken:
        broken.setattr(announcements, place, _fails)
        with pytest.raises(OSError, match="no room"):
            announcing.go_on(office, 2)
    assert written(name) == before
    go_on(office, 2)
    assert written(name) == expected


def _fails(*_: object) -> None:
    raise OSError("no room")


def _nothing(office: Office, town: list[int], register: Register) -> None:
    pass


def _registers(office: Office, town: list[int], register: Register) -> None:
    register("t-daiichi", "late@example.jp")
    register("t-kyu", "later@example.jp", "a@docomo.ne.jp")


def _leaves(office: Office, town: list[int], register: Register) -> None:
    for number in town[:5]:
        roster.deregister(office, number, "test")


def _changes(office: Office, town: list[int], register: Register) -> None:
    for number in town[:6]:
        (household,) = roster.show(str(number))
        entry = replace(household.entry, addresses={1: f"new{number}@docomo.ne.jp", 2: "shared@example.jp"})
        roster.import_entries(office, [(2, entry)], "test")


@pytest.mark.parametrize("after", range(7))
@pytest.mark.parametrize("deed", [_nothing, _registers, _leaves, _changes])
def test_whatever_happens_between_two_handfuls(
    office: Office,
    town: list[int],
    register: Register,
    clock: FakeClock,
    after: int,
    deed: Callable[[Office, list[int], Register], None],
) -> None:
    name = begin(office)
    clock.advance(seconds=1)
    go_on(office, 1, times=after)
    clock.advance(seconds=1)
    deed(office, town, register)
    clock.advance(seconds=1)
    assert broadcast.verify(office, name) == []
    go_on(office, 1)
    assert broadcast.verify(office, name) == []


@pytest.mark.parametrize("state", ["waiting", "held", "sending"])
def test_mail_that_was_cancelled_with_a_household_leaves_for_the_next_of_its_address(
    office: Office, register: Register, state: str
) -> None:
    first = register("t-daiichi", "both@example.jp")
    register("t-daini", "both@example.jp")
    name = begin(office)
    go_on(office, 1, times=1)
    change("UPDATE queue_item SET state = ?", (state,))
    roster.deregister(office, first, "test")
    assert select("SELECT state, intent FROM queue_item") != [(state, "")]
    go_on(office, 1)
    expected = "sending" if state == "sending" else "waiting"
    assert select("SELECT state, intent, settled_at FROM queue_item") == [(expected, "", None)]
    assert written(name)[0][0][2] == "1.1 2.1"


def test_mail_that_an_operator_took_out_stays_out(office: Office, register: Register) -> None:
    register("t-daiichi", "both@example.jp")
    register("t-daini", "both@example.jp")
    begin(office)
    go_on(office, 1, times=1)
    change("UPDATE queue_item SET state = 'cancelled', reason = 'removed_by_operator'")
    go_on(office, 1)
    assert select("SELECT state, reason FROM queue_item") == [("cancelled", "removed_by_operator")]


def test_one_mail_tests_a_resting_address_also_where_two_handfuls_name_it(
    office: Office, register: Register, clock: FakeClock
) -> None:
    register("t-daiichi", "rests@docomo.ne.jp")
    register("t-daini", "rests@docomo.ne.jp")
    Suspension.create(address_key="rests@docomo.ne.jp", since=clock.now, reason="address_unknown", evidence="")
    clock.advance(days=32)
    name = begin(office)
    go_on(office, 1)
    assert written(name) == ([("rests@docomo.ne.jp", "t-daiichi", "1.1 2.1")], [])
    assert select("SELECT tested_by FROM suspension") == [(name,)]


@pytest.mark.parametrize("handfuls", [0, 1, 3])
def test_of_one_that_is_cancelled_meanwhile_the_rest_is_written_as_cancelled(
    office: Office, town: list[int], handfuls: int
) -> None:
    expected, name = at_once(office), begin(office)
    go_on(office, 2, times=handfuls)
    waiting = len(written(name)[0])
    assert broadcast.cancel(office, name, "test") == broadcast.Cancelled(waiting, more=True)
    assert broadcast.verify(office, name) == []
    assert broadcast.cancel(office, name, "test") == broadcast.Cancelled(0)
    go_on(office, 2)
    assert written(name) == expected
    figures = broadcast.show(office, name)
    assert (figures["state"], figures["cancelled"], figures["whole"]) == ("cancelled", len(expected[0]), True)
    assert select("SELECT DISTINCT reason FROM queue_item") == [("announcement_cancelled",)]
    assert broadcast.verify(office, name) == []
    (said,) = [one.detail["recipients"] for one in audit.list_() if one.action == "maintenance.announced"]
    assert said == len(expected[0])
    change("DELETE FROM queue_item WHERE id = 1")
    assert any("announced were" in one for one in broadcast.verify(office, name))


def test_a_cancelled_notice_takes_nothing_else_along(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", "a@docomo.ne.jp")
    for _ in range(3):
        register("t-daini")
    other = begin(office)
    go_on(office, 10)
    clock.advance(seconds=1)
    name = begin(office)
    broadcast.cancel(office, name, "test")
    go_on(office, 1)
    assert broadcast.show(office, name)["cancelled"] == 1
    assert (broadcast.show(office, other)["state"], broadcast.show(office, other)["waiting"]) == ("sending", 1)


@pytest.mark.parametrize("verb", [queue.hold, queue.remove])
def test_what_is_still_to_be_written_cannot_be_held_or_taken_out(
    office: Office, town: list[int], verb: Callable[[Office, queue.Selection, str], int]
) -> None:
    name = begin(office)
    go_on(office, 2, times=1)
    with pytest.raises(queue.StillWritten, match=name):
        verb(office, queue.Selection(announcement_id=name), "test")
    assert select("SELECT DISTINCT state FROM queue_item") == [("waiting",)]
    go_on(office, 2)
    assert verb(office, queue.Selection(announcement_id=name), "test") == 6


@pytest.mark.parametrize("reason", ["complaint", "address_unknown"])
def test_an_address_that_comes_to_rest_after_its_mail_was_written_rests(
    office: Office, register: Register, clock: FakeClock, reason: str
) -> None:
    register("t-daiichi", "a@docomo.ne.jp")
    register("t-daini", "b@docomo.ne.jp")
    begin(office)
    go_on(office, 1, times=1)
    change("UPDATE queue_item SET state = 'accepted', settled_at = 1, attempts = 1")
    Suspension.create(address_key="a@docomo.ne.jp", since=clock.now, reason=reason, evidence="")
    go_on(office, 1)
    assert select("SELECT tested_by FROM suspension") == [(None,)]
    assert suspension.resting(office) == {"a@docomo.ne.jp"}
    clock.advance(days=2)
    second = begin(office)
    go_on(office, 10)
    assert [one[0] for one in written(second)[0]] == ["b@docomo.ne.jp"]


@pytest.mark.parametrize("days", [10, -10])
def test_a_clock_that_is_set_meanwhile_lets_nothing_expire_or_wait(
    office: Office, town: list[int], clock: FakeClock, days: int
) -> None:
    name = begin(office)
    clock.advance(minutes=1)
    go_on(office, 2, times=1)
    by = timedelta(days=days)
    with transaction():
        dispatch.set_clock(office, by)
    clock.now += by
    go_on(office, 2)
    with transaction():
        assert dispatch.expire(office, clock.now) == 0
    assert select("SELECT COUNT(*) FROM queue_item WHERE next_attempt_at > ?", (instant(clock.now),)) == [(0,)]
    assert select("SELECT COUNT(DISTINCT expires_at) FROM queue_item") == [(1,)]
    assert broadcast.show(office, name)["state"] == "sending"


def test_who_left_before_the_clock_went_back_is_not_missed(
    office: Office, register: Register, clock: FakeClock
) -> None:
    _, second = register("t-daiichi", "a@docomo.ne.jp"), register("t-daiichi", "b@docomo.ne.jp")
    clock.advance(minutes=1)
    name = begin(office)
    clock.advance(seconds=5)
    roster.deregister(office, second, "test")
    clock.advance(hours=-1)
    go_on(office, 1)
    assert broadcast.verify(office, name) == []


def test_what_is_whole_keeps_its_times_when_the_clock_is_set(office: Office, town: list[int], clock: FakeClock) -> None:
    name = begin(office)
    clock.advance(minutes=1)
    go_on(office, 2)
    before = announcements.get(name)
    with transaction():
        dispatch.set_clock(office, timedelta(days=10))
    assert announcements.get(name) == before


def test_a_mail_that_was_put_aside_and_leaves_after_all_is_due(office: Office, register: Register) -> None:
    first = register("t-daiichi", "both@example.jp")
    register("t-daini", "both@example.jp")
    name = begin(office)
    go_on(office, 1, times=1)
    stops.suspend(office, stops.Part(announcement_id=name), "test")
    roster.deregister(office, first, "test")
    stops.resume(office, None, "test")
    go_on(office, 1)
    with transaction():
        assert len(dispatch.claim(office, ["example.jp"], 10, "w1")) == 1


def test_retention_leaves_alone_what_is_not_whole(office: Office, town: list[int], clock: FakeClock) -> None:
    begin(office)
    clock.advance(days=5000)
    assert retention.over(office) is None
    go_on(office, 10)
    change("UPDATE queue_item SET state = 'expired'")
    assert retention.over(office) is not None


def test_the_one_that_was_begun_first_is_written_first(office: Office, town: list[int], clock: FakeClock) -> None:
    first = begin(office)
    clock.advance(seconds=1)
    second = begin(office)
    names = [announcing.go_on(office, 4) for _ in range(5)]
    assert names == [first, first, second, second, ""]
    assert written(first) == written(second)


def test_a_town_without_anybody(office: Office) -> None:
    name = begin(office)
    assert go_on(office, 5) == 1
    assert broadcast.show(office, name)["state"] == "finished"
    assert broadcast.verify(office, name) == []


def test_several_connections_write_it_once(office: Office, town: list[int]) -> None:
    expected, name = at_once(office), begin(office)

    def write() -> None:
        go_on(office, 1)
        database.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written(name) == expected
    assert broadcast.verify(office, name) == []


def test_a_missing_household_is_found(office: Office, town: list[int]) -> None:
    name = begin(office)
    go_on(office, 3)
    with transaction():
        change("DELETE FROM item_slot WHERE household_id = ?", (town[0],))
    assert any(f"household {town[0]}: neither" in one for one in broadcast.verify(office, name))
