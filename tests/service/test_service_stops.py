"""Does what an operator stops stand still for as long as it should, and is nothing lost by it?"""

from datetime import datetime, timedelta

import pytest

from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import audit, broadcast, dispatch, queue, roster, stops
from mailer.service.announce import NoSuchAnnouncement
from mailer.service.office import Office
from mailer.service.queue import Selection
from mailer.service.stops import NothingNamed, Part
from mailer.store.database import transaction
from tests.conftest import FakeClock, Register

DOMAINS = ("docomo.ne.jp", "gmail.com", "school.example.jp")
DOCOMO = Part(carrier="docomo", of_carrier=frozenset({"docomo.ne.jp"}))
HOUR = timedelta(hours=1)


@pytest.fixture
def sent(office: Office, register: Register) -> str:
    """A broadcast to two schools: items 1 (docomo) and 3 (gmail.com) of t-daiichi, 2 (docomo) and 4 of t-daini."""
    for school, address in (
        ("t-daiichi", "a@docomo.ne.jp"),
        ("t-daiichi", "b@gmail.com"),
        ("t-daini", "c@docomo.ne.jp"),
        ("t-daini", "d@school.example.jp"),
    ):
        register(school, address)
    return send(office, "t-daiichi", "t-daini")


def send(office: Office, *schools: str) -> str:
    return broadcast.send(office, broadcast.BroadcastRequest(schools, "件名", "本文", False, False, "tester")).id


def claim(office: Office, limit: int = 100) -> set[int]:
    """Claim whatever a dispatcher would, and return the items."""
    with transaction():
        due = {one.domain for one in dispatch.due_domains(office.clock())}
        return {one.item_id for one in dispatch.claim(office, sorted(due), limit, "w0")}


def tick(office: Office) -> int:
    with transaction():
        return stops.end_over(office)


def settle(office: Office, number: int, attempt: int, verdict: Verdict) -> None:
    reply = {Verdict.ACCEPTED: (250, "ok"), Verdict.REFUSED: (550, "no")}[verdict]
    outcome = Outcome(
        verdict, Evidence("eod", "mx[192.0.2.1]:25", code=reply[0], text=reply[1], reason="x"), office.clock()
    )
    with transaction():
        assert dispatch.settle(office, [(number, attempt, outcome)]) == 1


def item(office: Office, number: int) -> queue.QueuedItem:
    shown = queue.show(office, f"Q{number}")
    assert shown is not None
    return shown.item


@pytest.mark.parametrize(
    ("part", "free"),
    [
        (DOCOMO, {3, 4}),
        (Part(domain="gmail.com"), {1, 2, 4}),
        (Part(site="school.example.jp"), {1, 2, 3}),
        (Part(school="t-daini"), {1, 3}),
        (Part(carrier="docomo", of_carrier=DOCOMO.of_carrier, school="t-daini"), {1, 3, 4}),
    ],
)
def test_a_suspended_part_waits_and_the_rest_leaves(office: Office, sent: str, part: Part, free: set[int]) -> None:
    standing = stops.suspend(office, part, "tester", "工事")
    assert standing.items == 4 - len(free)
    assert claim(office) == free
    assert claim(office) == set()
    assert {item(office, number).state for number in {1, 2, 3, 4} - free} == {ItemState.WAITING}
    assert stops.resume(office, part, "tester") == stops.Resumed([standing.stop], standing.items)
    assert claim(office) == {1, 2, 3, 4} - free


def test_a_suspended_broadcast_waits_behind_no_other(office: Office, sent: str) -> None:
    other = send(office, "t-daiichi")
    stops.suspend(office, Part(announcement_id=sent), "tester")
    assert claim(office, limit=1) == {5}
    assert claim(office) == {6}
    assert [line.next_try for line in queue.list_(Selection(announcement_id=sent))] == [None] * 4
    stops.resume(office, None, "tester")
    assert claim(office) == {1, 2, 3, 4}
    assert broadcast.verify(office, sent) == broadcast.verify(office, other) == []


def test_a_domain_is_the_carriers_once_its_mail_was_found_to_go_there(office: Office, sent: str) -> None:
    with transaction():
        dispatch.remember_bare_form("school.example.jp")
        dispatch.remember_site("school.example.jp", "docomo")
        dispatch.remember_bare_form("school.example.jp")
    assert dispatch.bare_domains() == {"school.example.jp"}
    assert queue.domains_reached(DOCOMO) == {"docomo.ne.jp", "school.example.jp"}
    assert stops.suspend(office, DOCOMO, "tester").items == 3
    assert claim(office) == {3}


def test_what_is_under_way_is_not_cut(office: Office, sent: str) -> None:
    assert claim(office, limit=1) == {1}
    stops.suspend(office, DOCOMO, "tester")
    settle(office, 1, 1, Verdict.ACCEPTED)
    assert claim(office) == {3, 4}


def test_a_stop_ends_by_itself_and_the_book_says_so(office: Office, sent: str, clock: FakeClock) -> None:
    stops.suspend(office, Part(school="t-daini"), "窓口", "停電", HOUR)
    assert claim(office) == {1, 3}
    clock.advance(minutes=59)
    assert tick(office) == 0
    clock.advance(minutes=1)
    assert (tick(office), tick(office)) == (1, 0)
    assert claim(office) == {2, 4}
    ended, begun = list(audit.list_())[:2]
    assert (begun.actor, begun.action, begun.detail["why"]) == ("窓口", "queue.suspend", "停電")
    assert (ended.actor, ended.action, ended.detail["school"]) == ("timer", "queue.resume", "t-daini")


@pytest.mark.parametrize("by", [timedelta(days=-400), timedelta(days=400)])
def test_what_a_stop_put_aside_is_taken_up_again_although_the_clock_was_set(
    office: Office, sent: str, clock: FakeClock, by: timedelta
) -> None:
    stops.suspend(office, Part(school="t-daini"), "窓口", "停電")
    clock.advance(minutes=1)  # else it would count as announced by the new clock
    with transaction():
        dispatch.set_clock(office, by)
    clock.now += by
    assert claim(office) == {1, 3}
    stops.resume(office, None, "窓口")
    assert claim(office) == {2, 4}


def test_several_stops_stand_side_by_side_and_one_of_the_same_part_gives_way(office: Office, sent: str) -> None:
    school, one = Part(school="t-daini"), Part(announcement_id=sent)
    stops.suspend(office, school, "a", "x", HOUR)
    stops.suspend(office, one, "a", "y")
    stops.suspend(office, school, "b", "z")
    assert [(each.stop.part, each.stop.actor, each.stop.until, each.items) for each in stops.suspended()] == [
        (one, "a", None, 4),
        (school, "b", None, 2),
    ]
    assert claim(office) == set()
    stops.resume(office, one, "a")
    assert claim(office) == {1, 3}
    assert stops.resume(office, one, "a") == stops.Resumed([], 0)


def test_suspended_items_expire(office: Office, sent: str, clock: FakeClock) -> None:
    stops.suspend(office, Part(school="t-daini"), "tester")
    claim(office)
    clock.advance(days=2)
    with transaction():
        assert dispatch.expire(office, clock()) == 2
    assert item(office, 2).state is ItemState.EXPIRED


def test_flush_and_release_do_not_break_a_stop(office: Office, sent: str) -> None:
    stops.suspend(office, Part(school="t-daini"), "tester")
    claim(office)
    mine = Selection(school="t-daini")
    assert queue.flush(office, mine, "tester") == 2
    assert claim(office) == set()
    queue.hold(office, mine, "tester")
    stops.resume(office, None, "tester")
    assert queue.release(office, mine, "tester") == 2
    assert claim(office) == {2, 4}


def test_nothing_and_unknown_broadcasts_are_not_suspended(office: Office, sent: str) -> None:
    with pytest.raises(NothingNamed):
        stops.suspend(office, Part(), "tester")
    with pytest.raises(NoSuchAnnouncement):
        stops.suspend(office, Part(announcement_id="B0"), "tester")
    assert len(stops.standing()) == 0


def test_a_hold_ends_by_itself_unless_somebody_changes_its_end(office: Office, sent: str, clock: FakeClock) -> None:
    assert claim(office, limit=1) == {1}
    assert queue.hold(office, Selection(announcement_id=sent), "tester", "", HOUR) == 4
    assert queue.hold(office, Selection(numbers=(2,)), "tester") == 0
    shown = queue.show(office, "Q3")
    assert shown is not None
    assert shown.held_until == clock() + HOUR
    clock.advance(hours=1)
    assert tick(office) == 3
    assert {number: item(office, number).state for number in (2, 3, 4)} == {
        2: ItemState.HELD,
        3: ItemState.WAITING,
        4: ItemState.WAITING,
    }
    assert (next(iter(audit.list_())).actor, tick(office)) == ("timer", 0)


def test_ends_move_with_a_clock_that_is_set(office: Office, sent: str, clock: FakeClock) -> None:
    stops.suspend(office, DOCOMO, "tester", "", HOUR)
    queue.hold(office, Selection(numbers=(2,)), "tester", "", HOUR)
    with transaction():
        dispatch.set_clock(office, timedelta(days=1))
    clock.advance(days=1)
    assert tick(office) == 0
    clock.advance(hours=1)
    assert tick(office) == 2


def ended_items(office: Office) -> None:
    """Items 1 accepted, 2 refused, 3 removed, 4 held."""
    assert claim(office, limit=4) == {1, 2, 3, 4}
    settle(office, 1, 1, Verdict.ACCEPTED)
    settle(office, 2, 1, Verdict.REFUSED)
    with transaction():
        dispatch.unclaim(office, [(3, 1), (4, 1)])
    queue.remove(office, Selection(numbers=(3,)), "tester")
    queue.hold(office, Selection(numbers=(4,)), "tester", "", HOUR)


def test_requeued_items_live_again_but_for_accepted_ones(office: Office, sent: str, clock: FakeClock) -> None:
    ended_items(office)
    done = queue.requeue(office, Selection(announcement_id=sent), "tester", "番号が直った", HOUR)
    assert (done.items, done.left) == (3, {"accepted": 1})
    assert {(item(office, n).state, item(office, n).expires_at) for n in (2, 3, 4)} == {
        (ItemState.WAITING, clock() + HOUR)
    }
    assert (tick(office), broadcast.verify(office, sent)) == (0, [])
    assert claim(office) == {2, 3, 4}
    settle(office, 2, 2, Verdict.ACCEPTED)
    assert item(office, 2).possible_duplicate is False
    assert broadcast.verify(office, sent) == []
    assert next(iter(audit.list_())).detail["why"] == "番号が直った"


def test_an_accepted_item_goes_again_only_on_request_and_is_marked(office: Office, sent: str) -> None:
    ended_items(office)
    only = Selection(numbers=(1,))
    assert queue.requeue(office, only, "tester").items == 0
    assert queue.requeue(office, only, "tester", again=True).items == 1
    assert item(office, 1).possible_duplicate
    assert item(office, 1).expires_at == office.clock() + office.expires[Lane.ORDINARY]
    assert claim(office) == {1}
    settle(office, 1, 2, Verdict.ACCEPTED)
    assert broadcast.verify(office, sent) == []


def test_nobody_gets_again_what_was_cancelled_or_who_has_left(office: Office, sent: str) -> None:
    ended_items(office)
    roster.deregister(office, 1, "tester")
    done = queue.requeue(office, Selection(school="t-daiichi"), "tester", again=True)
    assert (done.items, done.left) == (1, {"accepted": 1})
    broadcast.cancel(office, sent, "tester")
    assert queue.requeue(office, Selection(announcement_id=sent), "tester", again=True).items == 0
    with pytest.raises(NothingNamed):
        queue.requeue(office, Selection(), "tester")


def test_an_expired_item_waits_again(office: Office, sent: str, clock: FakeClock) -> None:
    clock.advance(days=3)
    with transaction():
        dispatch.expire(office, clock())
    assert queue.requeue(office, Selection(numbers=(1, 3)), "tester").items == 2
    assert claim(office) == {1, 3}
    at: datetime | None = item(office, 2).settled_at
    assert at == clock()
