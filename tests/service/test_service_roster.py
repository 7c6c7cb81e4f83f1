"""Does an import come in whole, update what is registered, and let no history leak after a deregistration?"""

from typing import TYPE_CHECKING

import pytest

from mailer.domain.announcement import Kind
from mailer.domain.household import Entry
from mailer.domain.lane import Lane
from mailer.domain.roster import read_roster
from mailer.schedule.item import ItemState
from mailer.service import audit, roster
from mailer.service.announce import NewAnnouncement, announce, audience
from mailer.service.office import Office
from mailer.store.database import select
from mailer.store.models import AddressSlot, Household, ItemSlot, QueueItem

if TYPE_CHECKING:
    from tests.conftest import FakeClock


def entry(login: str, child: str = "山田 太郎", school: str = "t-daiichi", **addresses: str) -> Entry:
    slots = {int(name[1]): address for name, address in addresses.items()}
    return Entry(school, "3", "1組", child, "山田 花子", login, slots, True)


def take_in(office: Office, *entries: Entry) -> roster.Imported:
    return roster.import_entries(office, list(enumerate(entries, 2)), "test")


def broadcast(office: Office) -> None:
    schools = ("t-daiichi", "t-daini")
    new = NewAnnouncement(Kind.BROADCAST, Lane.SAFETY, schools, "件名", "本文", False, "test", ())
    announce(office, new, audience(office, schools))


def states() -> dict[str, tuple[str, str]]:
    return {item.address: (item.state, item.reason) for item in QueueItem.select()}


class TestImport:
    def test_new_changed_and_unchanged_rows_are_counted(self, office: Office) -> None:
        first = entry("y1", s1="a..b@docomo.ne.jp", s3="c@ezweb.ne.jp")
        assert take_in(office, first, entry("y2")) == roster.Imported(2, 0, 0)
        changed = entry("y1", s1="a..b@docomo.ne.jp", s2="new@gmail.com")
        assert take_in(office, changed, entry("y2"), entry("y3")) == roster.Imported(1, 1, 1)
        assert [household.entry for household in roster.export()] == [changed, entry("y2"), entry("y3")]

    def test_an_address_that_stays_keeps_its_time(self, office: Office, clock: "FakeClock") -> None:
        take_in(office, entry("y1", s1="a@docomo.ne.jp", s2="b@docomo.ne.jp"))
        before = clock.now
        later = clock.advance(days=1)
        take_in(office, entry("y1", s1="a@docomo.ne.jp", s2="B@docomo.ne.jp"))
        assert {slot.slot: slot.set_at for slot in AddressSlot.select()} == {1: before, 2: later}

    def test_keys_fold_the_domain_and_nothing_else(self, office: Office) -> None:
        take_in(office, entry("y1", s1="A..b@DOCOMO.ne.jp", s2="x@例え.jp"))
        rows = [(slot.address, slot.address_key) for slot in AddressSlot.select().order_by(AddressSlot.slot)]
        assert rows == [("A..b@DOCOMO.ne.jp", "A..b@docomo.ne.jp"), ("x@例え.jp", "x@xn--r8jz45g.jp")]

    def test_all_or_nothing(self, office: Office) -> None:
        with pytest.raises(ValueError, match="@"):
            take_in(office, *(entry(f"y{number}") for number in range(2500)), entry("z", s1="a@@b"))
        assert list(roster.export()) == []
        assert list(audit.list_()) == []

    def test_progress_ends_with_all_rows(self, office: Office) -> None:
        take_in(office, entry("y0"))
        seen: list[tuple[int, int]] = []
        entries = list(enumerate((entry(f"y{number}") for number in range(2500)), 2))
        roster.import_entries(office, entries, "test", lambda done, total: seen.append((done, total)))
        assert seen == [(1, 2500), (1001, 2500), (2001, 2500), (2500, 2500)]

    def test_a_preview_counts_and_writes_nothing(self, office: Office) -> None:
        take_in(office, entry("y1"))
        rows = [(2, entry("y1", s1="a@example.jp")), (3, entry("y2"))]
        assert roster.preview_import(rows) == roster.Imported(1, 1, 0)
        assert len(list(roster.export())) == 1

    def test_it_is_entered_in_the_audit_book(self, office: Office) -> None:
        take_in(office, entry("y1", s1="a@example.jp"))
        (written,) = audit.list_()
        assert (written.actor, written.action) == ("test", "households.import")
        assert written.detail == {"created": 1, "updated": 0, "unchanged": 0}


class TestExport:
    def test_it_imports_again_without_a_change(self, office: Office) -> None:
        take_in(office, entry("=y1", s1="-abc@ezweb.ne.jp", s4="a..b@docomo.ne.jp"), entry("'y2", child="＋太郎"))
        content = "".join(roster.export_lines(office, "test")).encode("utf-8-sig")
        back = read_roster(content, office.schools)
        assert back.problems == ()
        assert roster.import_entries(office, back.entries, "test") == roster.Imported(0, 0, 2)

    def test_one_school(self, office: Office) -> None:
        take_in(office, entry("y1"), entry("y2", school="t-daini"))
        assert [household.entry.login for household in roster.export("t-daini")] == ["y2"]
        assert len(list(roster.export_lines(office, "test", "t-daini"))) == 2


class TestShow:
    @pytest.fixture(autouse=True)
    def registered(self, office: Office) -> None:
        take_in(office, entry("y1", s1="a..b@docomo.ne.jp"), entry("y1", "次郎", s4="a..b@docomo.ne.jp"), entry("1"))

    @pytest.mark.parametrize(
        ("wanted", "logins"),
        [
            ("y1", ["y1", "y1"]),
            ("a..b@DoCoMo.ne.jp", ["y1", "y1"]),
            ('"a..b"@docomo.ne.jp', ["y1", "y1"]),
            ("A..b@docomo.ne.jp", []),
            ("ab@docomo.ne.jp", []),
            ("2", ["y1"]),
            ("1", ["y1", "1"]),
            ("9" * 30, []),
            ("", []),
            ("y1\udcff", []),
        ],
    )
    def test_by_number_address_or_login(self, wanted: str, logins: list[str]) -> None:
        assert [household.entry.login for household in roster.show(wanted)] == logins


class TestDeregister:
    def test_only_what_stands_for_nobody_else_is_cancelled(self, office: Office, clock: "FakeClock") -> None:
        take_in(office, entry("y1", s1="both@example.jp", s2="one@example.jp"))
        take_in(office, entry("y2", s1="both@example.jp", s2="two@example.jp"))
        broadcast(office)
        assert roster.deregister(office, 1, "test") == 1
        assert states() == {
            "both@example.jp": ("waiting", ""),
            "one@example.jp": ("cancelled", "deregistered"),
            "two@example.jp": ("waiting", ""),
        }
        assert roster.deregister(office, 2, "test") == 2
        assert {state for state, _ in states().values()} == {"cancelled"}
        assert {item.settled_at for item in QueueItem.select()} == {clock.now}

    def test_held_items_too_and_settled_ones_not(self, office: Office) -> None:
        take_in(office, entry("y1", s1="held@example.jp", s2="accepted@example.jp"))
        broadcast(office)
        for state in (ItemState.HELD, ItemState.ACCEPTED):
            QueueItem.update(state=state.value).where(QueueItem.address == f"{state.value}@example.jp").execute()
        assert roster.deregister(office, 1, "test") == 1
        assert states() == {
            "held@example.jp": ("cancelled", "deregistered"),
            "accepted@example.jp": ("accepted", ""),
        }

    def test_an_item_under_way_is_marked(self, office: Office) -> None:
        take_in(office, entry("y1", s1="a@example.jp"))
        broadcast(office)
        QueueItem.update(state=ItemState.SENDING.value).execute()
        assert roster.deregister(office, 1, "test") == 0
        assert [(item.state, item.intent) for item in QueueItem.select()] == [("sending", "deregistered")]

    def test_who_registers_again_is_new_and_has_no_history(self, office: Office, clock: "FakeClock") -> None:
        take_in(office, entry("y1", s1="a@example.jp"))
        broadcast(office)
        gone = clock.now
        roster.deregister(office, 1, "test")
        clock.advance(days=1)
        assert take_in(office, entry("y1", s1="a@example.jp")) == roster.Imported(1, 0, 0)
        old, new = roster.show("y1")
        assert (old.deregistered_at, new.deregistered_at) == (gone, None)
        assert ItemSlot.select().where(ItemSlot.household == new.id).count() == 0
        assert ItemSlot.select().where(ItemSlot.household == old.id).count() == 1
        assert [household.id for household in roster.export()] == [new.id]

    def test_an_unknown_or_deregistered_household_is_refused(self, office: Office) -> None:
        take_in(office, entry("y1"))
        roster.deregister(office, 1, "test")
        for number, reason in ((1, "deregistered"), (7, "unknown_household")):
            with pytest.raises(roster.RosterRefused) as refused:
                roster.deregister(office, number, "test")
            assert (refused.value.reason, refused.value.detail) == (reason, str(number))
        assert Household.select().count() == 1

    def test_the_search_for_orphans_uses_the_index(self, office: Office) -> None:
        plan = select("EXPLAIN QUERY PLAN SELECT item_id FROM item_slot WHERE household_id = 1")
        assert "USING" in str(plan)
