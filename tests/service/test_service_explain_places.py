"""Is a guardian answered by where the address stands, stood, or does not stand?"""

from datetime import timedelta

import pytest

from mailer.service import (
    announcing,
    explain,
    maintenance,
    roster,
)
from mailer.service.office import Office
from mailer.store.database import change
from tests.conftest import FakeClock, Register
from tests.service.asking import CARRIERS, GONE, OK, TARO, ask, change_to, marks, rest, send, told, try_


def test_the_option_as_it_was_and_as_it_is(office: Office, register: Register, clock: FakeClock) -> None:
    number = register("t-daiichi", TARO, "c@example.jp", receives=False)
    register("t-daiichi", "b@example.jp")
    assert ask(office, number).answer.others == ()
    assert told(office, TARO) == (5, "option_off", "do_tick")
    sent = send(office)
    assert told(office, TARO) == (5, "option_still_off", "do_tick")
    change_to(office, number, {1: TARO})
    assert told(office, TARO, sent) == (5, "option_was_off", "do_next")
    clock.advance(minutes=1)
    send(office)
    try_(office, OK)
    change_to(office, number, {1: TARO}, receives=False)
    found = ask(office, TARO)
    assert (found.answer.first.text.word, found.answer.items[4].applies) == ("accepted", False)
    assert found.answer.items[4].evidence[0].word == "option_off_since"
    assert [one.text.word for one in found.answer.others] == ["option_off"]


def test_an_address_in_slot_3_gets_no_broadcast(office: Office, register: Register) -> None:
    number = register("t-daiichi", "b@example.jp", None, TARO)
    assert told(office, TARO) == (6, "slot_3_or_4", "do_move")
    send(office)
    found = ask(office, TARO)
    assert (found.answer.first.text.word, marks(found), found.elsewhere) == (
        "slot_3_or_4",
        "xxxxxox",
        ((1, "waiting"),),
    )
    try_(office, OK)
    assert told(office, number) == (1, "accepted", "do_look")
    assert "slot_3_or_4" not in [one.text.word for one in ask(office, number).answer.others]


def test_an_address_in_slots_1_and_3_has_one_mail(office: Office, register: Register) -> None:
    register("t-daiichi", TARO, TARO, TARO)
    send(office)
    try_(office, OK)
    found = ask(office, TARO)
    assert (found.answer.first.text.word, found.answer.first.text.fields["slots"]) == ("accepted", (1, 2))
    assert [place.slots for place in found.case.places] == [(1, 2), (3,)]
    assert found.answer.others == ()


@pytest.mark.parametrize(("reason", "item"), [("address_unknown", 4), ("mailbox_full", 3), ("a word of tomorrow", 4)])
def test_an_address_that_rests(office: Office, register: Register, clock: FakeClock, reason: str, item: int) -> None:
    register("t-daiichi", TARO, "b@example.jp")
    rest(TARO, clock.now, reason)
    assert told(office, TARO) == (item, "resting", "do_wake")
    send(office)
    found = ask(office, TARO)
    assert (found.answer.first.text.word, found.answer.first.item) == ("resting", item)
    assert found.answer.first.text.fields["since"] == clock.now
    change("DELETE FROM suspension")
    assert told(office, TARO) == (4, "was_resting", "do_next")


def test_an_address_that_rests_because_its_reader_complained(
    office: Office, register: Register, clock: FakeClock
) -> None:
    register("t-daiichi", TARO, "b@example.jp")
    rest(TARO, clock.now, "complaint")
    send(office)
    assert told(office, TARO) == (5, "unwanted", "do_complaint")


def test_an_address_that_came_to_rest_since(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    send(office)
    try_(office, GONE)
    rest(TARO, clock.now, "address_unknown")
    found = ask(office, TARO)
    assert found.answer.first.text.word == "refused"
    assert [one.text.word for one in found.answer.others] == ["resting"]


def test_an_address_that_is_none_any_more(office: Office, register: Register) -> None:
    register("t-daiichi", TARO, "b@example.jp")
    change("UPDATE address_slot SET address = 'a b@docomo.ne.jp' WHERE slot = 1")
    assert told(office, 1) == (4, "bad_address", "do_enter_again")
    send(office)
    assert told(office, 1) == (4, "bad_address", "do_enter_again")


def test_a_household_without_address(office: Office, register: Register, clock: FakeClock) -> None:
    number = register("t-daiichi")
    register("t-daiichi", "b@example.jp")
    assert told(office, number) == (6, "no_address", "do_enter")
    send(office)
    found = ask(office, number)
    assert (found.answer.first.text.word, marks(found)) == ("no_address", "xxxxxox")
    clock.advance(minutes=1)
    change_to(office, number, {1: TARO})
    assert told(office, number) == (4, "set_later", "do_next")


def test_a_school_that_is_missing(office: Office, register: Register) -> None:
    register("t-nashi", TARO)
    register("t-daiichi", "b@example.jp")
    assert told(office, TARO) == (7, "unknown_school", "do_our_turn")


def test_who_registered_too_late(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", "b@example.jp")
    sent = send(office)
    clock.advance(hours=1)
    register("t-daiichi", TARO)
    assert told(office, TARO) == (4, "registered_later", "do_next")
    assert told(office, TARO, sent) == (4, "registered_later", "do_next")
    number = register("t-daiichi", None, None, "c@example.jp", "d@example.jp")
    found = ask(office, number)
    assert (found.answer.first.text.word, found.answer.first.advice.word) == ("registered_later", "do_mend_first")
    assert {one.text.word for one in found.answer.others} == {"slot_3_or_4"}


def test_who_was_never_told_anything(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    assert told(office, TARO) == (7, "nothing_yet", "do_next")


def test_a_broadcast_to_another_school(office: Office, register: Register) -> None:
    number = register("t-daiichi", TARO)
    register("t-daini", "b@example.jp")
    sent = send(office, "t-daini")
    assert told(office, number, sent) == (7, "other_school", "do_right_school")
    fields = ask(office, TARO, sent).answer.first.text.fields
    assert (fields["schools"], fields["school"]) == (("滝川第二小学校",), "滝川第一小学校")
    assert told(office, TARO) == (7, "nothing_yet", "do_next")


def test_who_has_left(office: Office, register: Register, clock: FakeClock) -> None:
    number = register("t-daiichi", TARO)
    register("t-daiichi", "b@example.jp")
    before = send(office)
    clock.advance(minutes=1)
    left = clock.now
    roster.deregister(office, number, "test")
    clock.advance(minutes=1)
    after = send(office)
    assert told(office, TARO) == (4, "deregistered", "do_register_anew")
    assert ask(office, TARO).answer.first.text.fields["at"] == left
    assert told(office, number, after) == (4, "deregistered", "do_register_anew")
    assert told(office, number, before) == (4, "left_with_household", "do_register_anew")


def test_who_registered_anew_at_another_school(office: Office, register: Register) -> None:
    old = register("t-daiichi", TARO)
    roster.deregister(office, old, "test")
    new = register("t-daini", TARO)
    first, second = explain.ask(office, CARRIERS, TARO)
    assert first.case.household is not None
    assert second.case.household is not None
    assert (first.case.household.number, first.answer.first.text.word) == (new, "nothing_yet")
    assert (second.case.household.number, second.answer.first.text.word) == (old, "deregistered")


def test_siblings_are_each_answered(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    register("t-daini", None, None, TARO)
    send(office, "t-daiichi", "t-daini")
    try_(office, OK)
    words = [one.answer.first.text.word for one in explain.ask(office, CARRIERS, TARO)]
    assert words == ["accepted", "slot_3_or_4"]


def test_an_address_that_was_changed_since(office: Office, register: Register, clock: FakeClock) -> None:
    number = register("t-daiichi", TARO)
    send(office)
    try_(office, GONE)
    clock.advance(days=1)
    change_to(office, number, {1: "new@example.jp"})
    for wanted in (TARO, number):
        found = ask(office, wanted)
        assert (found.answer.first.item, found.answer.first.text.word) == (4, "changed")
        assert found.answer.first.text.fields["at"] == clock.now
    assert told(office, "new@example.jp") == (4, "set_later", "do_next")
    assert ask(office, "new@example.jp").case.mails == []
    assert [place.address for place in ask(office, TARO).case.places] == [""]
    change_to(office, number, {})
    assert told(office, TARO) == (4, "emptied", "do_enter")


@pytest.mark.parametrize(("to", "advice"), [(2, "do_next"), (3, "do_mend_first")])
def test_an_address_that_was_moved_since(
    office: Office, register: Register, clock: FakeClock, to: int, advice: str
) -> None:
    number = register("t-daiichi", TARO)
    sent = send(office)
    try_(office, OK)
    clock.advance(days=1)
    change_to(office, number, {1: "new@example.jp", to: TARO})
    found = ask(office, TARO, sent)
    assert (found.answer.first.text.word, found.answer.first.text.fields["slots"]) == ("accepted", (1,))
    moved, *rest = found.answer.others
    assert (moved.text.word, moved.text.fields, moved.advice.word) == ("moved", {"slots": (to,), "then": (1,)}, advice)
    assert [(one.text.word, one.item, one.advice.word) for one in rest] == (
        [("slot_3_or_4", 0, "do_move")] if to == 3 else []
    )
    assert marks(found) == "?x?xxxx"
    assert (found.answer.items[3].evidence[0].word, found.answer.items[3].evidence[0].fields["slots"]) == (
        "stands",
        (to,),
    )
    slots = found.answer.items[5].evidence[0]
    assert (slots.word, slots.fields["slots"]) == ("slot_right" if to == 2 else "moved", (to,))


def test_an_address_that_was_moved_to_the_front_since(office: Office, register: Register, clock: FakeClock) -> None:
    number = register("t-daiichi", "b@example.jp", None, TARO)
    sent = send(office)
    clock.advance(days=1)
    change_to(office, number, {1: TARO, 3: "b@example.jp"})
    assert told(office, TARO, sent) == (4, "set_later", "do_next")
    found = ask(office, TARO, sent)
    assert found.answer.others == ()
    assert found.answer.items[5].evidence[0].fields["slots"] == (1,)


def test_an_address_that_was_taken_out_of_the_front_since(office: Office, register: Register, clock: FakeClock) -> None:
    number = register("t-daiichi", TARO, None, TARO)
    sent = send(office)
    try_(office, OK)
    clock.advance(days=1)
    change_to(office, number, {1: "new@example.jp", 3: TARO})
    found = ask(office, TARO, sent)
    assert [found.answer.first.text.word, *(one.text.word for one in found.answer.others)] == [
        "accepted",
        "moved",
        "slot_3_or_4",
    ]
    assert found.answer.others[-1].advice.word == "do_move"


def test_a_resting_address_that_was_moved_since(office: Office, register: Register, clock: FakeClock) -> None:
    number = register("t-daiichi", TARO, "b@example.jp")
    rest(TARO, clock.now, "address_unknown")
    sent = send(office)
    clock.advance(days=1)
    change_to(office, number, {2: "b@example.jp", 3: TARO})
    rest(TARO, clock.now, "address_unknown")  # it was woken by being set anew
    found = ask(office, TARO, sent)
    assert (found.answer.first.text.word, found.answer.first.text.fields["slots"]) == ("resting", (3,))
    assert [one.text.word for one in found.answer.others] == ["slot_3_or_4"]


def test_an_address_that_was_entered_in_a_second_slot_since(
    office: Office, register: Register, clock: FakeClock
) -> None:
    number = register("t-daiichi", TARO)
    sent = send(office)
    try_(office, OK)
    clock.advance(days=1)
    change_to(office, number, {1: TARO, 3: TARO})
    found = ask(office, TARO, sent)
    assert (found.answer.first.text.word, found.answer.others) == ("accepted", ())
    change_to(office, number, {1: TARO, 3: "new@example.jp"})
    found = ask(office, number, sent)
    assert (found.answer.first.text.word, found.answer.others) == ("accepted", ())


def test_a_resting_address_that_was_changed_since(office: Office, register: Register, clock: FakeClock) -> None:
    number = register("t-daiichi", TARO, "b@example.jp")
    rest(TARO, clock.now, "address_unknown")
    sent = send(office)
    clock.advance(days=1)
    change_to(office, number, {1: "new@example.jp", 2: "b@example.jp"})
    assert told(office, TARO, sent) == (4, "replaced", "do_next_there")
    assert "replaced" in [one.text.word for one in ask(office, number, sent).answer.others]


def test_a_notice_goes_to_every_slot(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", "b@example.jp", None, TARO, receives=False)
    maintenance.plan(
        office, clock.now + timedelta(hours=3), clock.now + timedelta(hours=4), (), [timedelta(hours=3)], "x"
    )
    (notice,) = maintenance.announce_due(office, clock.now)
    assert told(office, TARO, notice) == (7, "being_written", "do_wait")
    while announcing.go_on(office):
        pass
    try_(office, OK)
    found = ask(office, TARO, notice)
    assert (found.answer.first.text.word, marks(found)) == ("accepted", "?x?xxxx")


def test_a_notice_that_is_called_off_before_it_is_written(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    begins = clock.now + timedelta(hours=3)
    window = maintenance.plan(office, begins, begins + timedelta(hours=1), (), [timedelta(hours=3)], "x").window
    (notice,) = maintenance.announce_due(office, clock.now)
    maintenance.cancel(office, window.id, "x")
    assert told(office, TARO, notice) == (7, "called_off", "do_nothing")
    while announcing.go_on(office):
        pass
    assert told(office, TARO, notice)[1] == "announcement_cancelled"
