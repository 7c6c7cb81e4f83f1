"""Do notices of a maintenance reach everyone once, in time, and are people told when it is off?"""

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mailer.domain.household import Entry
from mailer.domain.maintenance import MaintenanceError, Window
from mailer.schedule.item import ItemState
from mailer.service import announcing, audit, broadcast, keys, maintenance, roster
from mailer.service.office import Office
from mailer.standing.key import KeyState
from mailer.store import announcements
from mailer.store.models import Announcement, MaintenanceNotice, QueueItem, Suspension, database
from mailer.store.writer import Writer

if TYPE_CHECKING:
    from tests.conftest import FakeClock

DAY, WEEK, HOUR = timedelta(days=1), timedelta(days=7), timedelta(hours=1)


def entry(login: str, school: str, receives: bool, *addresses: str) -> Entry:
    return Entry(school, "3", "1組", "山田 太郎", "山田 花子", login, dict(enumerate(addresses, 1)), receives)


@pytest.fixture(autouse=True)
def town(office: Office) -> None:
    entries = [
        entry("y1", "t-daiichi", True, "one@example.jp", "two@example.jp", "three@example.jp", "four@example.jp"),
        entry("y2", "t-daini", False, "one@example.jp", "off@example.jp"),
        entry("y3", "t-daini", True),
        entry("y4", "t-daini", True, "gone@example.jp"),
        entry("y5", "t-kyu", True, "kyu@example.jp"),
    ]
    roster.import_entries(office, list(enumerate(entries, 2)), "test")
    roster.deregister(office, 4, "test")


def plan(office: Office, begins_in: timedelta = 10 * DAY, lasts: timedelta = 4 * HOUR) -> Window:
    begins = office.clock() + begins_in
    return maintenance.plan(office, begins, begins + lasts, (), None, "test").window


def due(office: Office, now: datetime) -> list[str]:
    """Announce what is due, and write it."""
    begun = maintenance.announce_due(office, now)
    while announcing.go_on(office):
        pass
    return begun


def senders() -> dict[str, str]:
    return {item.address: item.school for item in QueueItem.select()}


def settle(state: ItemState) -> None:
    QueueItem.update(state=state.value, attempts=1).execute()


class TestPlan:
    def test_it_has_a_notice_for_each_configured_lead(self, office: Office) -> None:
        window = plan(office)
        (planned,) = maintenance.list_()
        assert planned.window == window
        assert [window.begins_at - one.due_at for one in planned.notices] == [WEEK, DAY]
        assert {one.announcement_id for one in planned.notices} == {None}
        assert audit.list_().__next__().action == "maintenance.plan"

    def test_leads_and_services_may_be_given(self, office: Office) -> None:
        begins = office.clock() + DAY
        planned = maintenance.plan(office, begins, begins + HOUR, ["専用サイト"], [2 * HOUR], "test")
        assert planned.window.services == ("専用サイト",)
        assert [one.due_at for one in planned.notices] == [begins - 2 * HOUR]
        assert maintenance.show(office, planned.window.id) == (planned, {})

    def test_two_windows_may_follow_each_other_and_not_overlap(self, office: Office) -> None:
        window = plan(office)
        with pytest.raises(MaintenanceError) as refused:
            maintenance.plan(office, window.ends_at - HOUR, window.ends_at + HOUR, (), None, "test")
        assert (refused.value.reason, refused.value.detail) == ("overlapping", window.id)
        maintenance.plan(office, window.ends_at, window.ends_at + HOUR, (), None, "test")
        assert len(maintenance.list_()) == 2

    def test_a_bad_plan_leaves_nothing(self, office: Office) -> None:
        now = office.clock()
        with pytest.raises(MaintenanceError):
            maintenance.plan(office, now + HOUR, now + HOUR, (), None, "test")
        with pytest.raises(MaintenanceError):
            maintenance.plan(office, now + HOUR, now + DAY, (), [timedelta()], "test")
        assert maintenance.list_() == []


class TestAnnounceDue:
    def test_each_notice_leaves_once_at_its_time(self, office: Office, clock: "FakeClock") -> None:
        plan(office)
        assert due(office, clock.now) == []
        first = due(office, clock.advance(days=3))
        assert len(first) == 1
        assert due(office, clock.now) == []
        second = due(office, clock.advance(days=6))
        assert len(second) == 1
        assert due(office, clock.advance(days=2)) == []
        assert first != second

    def test_it_goes_to_every_slot_of_everyone_registered(self, office: Office, clock: "FakeClock") -> None:
        Suspension.create(address_key="four@example.jp", since=clock.now, reason="x", evidence="")
        plan(office)
        (announced,) = due(office, clock.advance(days=3))
        assert senders() == {
            "one@example.jp": "t-daiichi",
            "two@example.jp": "t-daiichi",
            "three@example.jp": "t-daiichi",
            "off@example.jp": "t-daini",
            "kyu@example.jp": "t-kyu",
        }
        figures = broadcast.show(office, announced)
        assert (figures["kind"], figures["lane"], figures["receipt"]) == ("maintenance", "notice", False)
        assert figures["excluded"] == {"no_address": 1, "resting": 1}
        assert figures["schools"] == ["t-daiichi", "t-daini", "t-kouryoj", "t-kyu"]
        assert broadcast.verify(office, announced) == []

    def test_who_registers_before_the_lead_time_is_told(self, office: Office, clock: "FakeClock") -> None:
        plan(office)
        clock.advance(days=2)
        roster.import_entries(office, [(2, entry("y6", "t-daini", True, "late@example.jp"))], "test")
        due(office, clock.advance(days=1))
        assert "late@example.jp" in senders()

    def test_it_is_tried_until_the_window_begins(self, office: Office, clock: "FakeClock") -> None:
        keys.register(office, "r1", "rsa", "v=DKIM1; k=rsa; p=", KeyState.ACTIVE, "test")
        window = plan(office, begins_in=2 * DAY)
        (first,) = due(office, clock.now)
        announcement = announcements.get(first)
        assert announcement is not None
        assert announcement.expires_at == window.begins_at
        assert announcement.selectors == ("r1",)
        (second,) = due(office, clock.advance(hours=24))
        assert second != first

    def test_notices_that_became_due_together_leave_as_one(self, office: Office, clock: "FakeClock") -> None:
        window = plan(office)
        (announced,) = due(office, clock.advance(days=9, hours=12))
        planned, figures = maintenance.show(office, window.id)
        assert [one.announcement_id for one in planned.notices] == [announced, announced]
        assert list(figures) == [announced]
        assert figures[announced]["waiting"] == 6

    def test_a_notice_that_is_late_never_leaves(self, office: Office, clock: "FakeClock") -> None:
        plan(office)
        assert due(office, clock.advance(days=10)) == []

    def test_several_windows_are_told_apart(self, office: Office, clock: "FakeClock") -> None:
        plan(office, begins_in=2 * HOUR, lasts=HOUR)
        plan(office, begins_in=5 * HOUR, lasts=HOUR)
        assert len(due(office, clock.now)) == 2

    def test_two_processes_announce_it_once(self, office: Office, clock: "FakeClock") -> None:
        plan(office)
        now = clock.advance(days=3)
        found: list[str] = []

        def announce() -> None:
            found.extend(maintenance.announce_due(office, now))
            database.close()

        threads = [threading.Thread(target=announce) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 1
        assert Announcement.select().count() == 1

    def test_the_mailer_announces_through_its_writer(self, office: Office, clock: "FakeClock") -> None:
        plan(office)
        now = clock.advance(days=3)
        writer = Writer()
        (announced,) = writer.submit(lambda: due(office, now)).result()
        writer.close()
        assert broadcast.show(office, announced)["waiting"] == 6


class TestCurrent:
    def test_the_window_that_runs(self, office: Office, clock: "FakeClock") -> None:
        window = plan(office, begins_in=HOUR, lasts=HOUR)
        assert maintenance.current(clock.now) is None
        assert maintenance.current(clock.advance(hours=1)) == window
        assert maintenance.current(clock.advance(hours=1)) is None

    def test_a_window_may_begin_at_once_and_be_ended_early(self, office: Office, clock: "FakeClock") -> None:
        window = plan(office, begins_in=timedelta())
        assert maintenance.list_()[0].notices == ()
        assert maintenance.current(clock.now) == window
        assert maintenance.cancel(office, window.id, "test") == maintenance.Cancelled(0, None)
        assert maintenance.current(clock.now) is None


class TestCancel:
    def test_before_anyone_was_told_nobody_is(self, office: Office, clock: "FakeClock") -> None:
        window = plan(office)
        assert maintenance.cancel(office, window.id, "test") == maintenance.Cancelled(0, None)
        assert due(office, clock.advance(days=3)) == []
        assert Announcement.select().count() == 0

    def test_mail_that_still_waits_does_not_leave(self, office: Office, clock: "FakeClock") -> None:
        window = plan(office)
        (announced,) = due(office, clock.advance(days=3))
        assert maintenance.cancel(office, window.id, "test") == maintenance.Cancelled(6, None)
        assert broadcast.show(office, announced)["cancelled"] == 6

    @pytest.mark.parametrize("state", [ItemState.ACCEPTED, ItemState.SENDING])
    def test_those_who_were_told_are_told_that_it_is_off(
        self, office: Office, clock: "FakeClock", state: ItemState
    ) -> None:
        window = plan(office)
        (announced,) = due(office, clock.advance(days=3))
        settle(state)
        off = maintenance.cancel(office, window.id, "test").announcement_id
        assert off is not None
        assert "中止" in broadcast.show(office, off)["subject"]
        planned, figures = maintenance.show(office, window.id)
        assert list(figures) == [announced, off]
        assert planned.window.cancelled_at == clock.now
        assert MaintenanceNotice.select().count() == 3

    @pytest.mark.parametrize("state", [ItemState.REFUSED, ItemState.RETURNED, ItemState.EXPIRED])
    def test_nobody_is_told_where_no_mail_arrived(self, office: Office, clock: "FakeClock", state: ItemState) -> None:
        window = plan(office)
        due(office, clock.advance(days=3))
        settle(state)
        assert maintenance.cancel(office, window.id, "test") == maintenance.Cancelled(0, None)

    def test_once_it_runs_it_is_ended_early(self, office: Office, clock: "FakeClock") -> None:
        window = plan(office)
        due(office, clock.advance(days=3))
        settle(ItemState.ACCEPTED)
        clock.advance(days=7, hours=1)
        off = maintenance.cancel(office, window.id, "test").announcement_id
        assert off is not None
        assert "終了" in broadcast.show(office, off)["subject"]

    def test_it_is_refused_twice_later_and_for_another_name(self, office: Office, clock: "FakeClock") -> None:
        first, second = plan(office), plan(office, begins_in=20 * DAY)
        maintenance.cancel(office, first.id, "test")
        clock.advance(days=21)
        for name, reason in (
            (first.id, "cancelled_already"),
            (second.id, "over_already"),
            ("M?", "unknown_window"),
        ):
            with pytest.raises(MaintenanceError) as refused:
                maintenance.cancel(office, name, "test")
            assert refused.value.reason == reason
        with pytest.raises(MaintenanceError):
            maintenance.show(office, "M?")
