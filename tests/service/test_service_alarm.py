"""Is an alarm raised once, counted, told on every way, and ended when its cause is?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from mailer.domain.alarm import Alarm, Event, Kind, Telling
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.schedule.site import SiteState
from mailer.service import alarm, audit, broadcast, dispatch, queue, stops, watch
from mailer.service.office import Office
from mailer.store import alarms, site_memory
from mailer.store.database import transaction
from mailer.store.models import QueueItem
from tests.conftest import FakeClock, Register

BLAMED = Evidence(
    "eod",
    "mx.google.com[192.0.2.1]:25",
    code=550,
    enhanced="5.7.26",
    text="<a@gmail.com> Unauthenticated\r\nmail",
    reason="auth_failed",
)
FULL = Evidence("rcpt", "mx.google.com[192.0.2.1]:25", code=552, enhanced="5.2.2", text="full", reason="mailbox_full")
FAST = Evidence(
    "connect", "mx.google.com[192.0.2.1]:25", code=421, enhanced="4.7.0", text="too many", reason="rate_limited"
)
SILENT = Evidence("eod", "mx.google.com[192.0.2.1]:25", text="closed", reason="remote_trouble")
WAYS = ("command", "webhook")


def raise_(office: Office, kind: Kind = Kind.TEST, subject: str = "docomo", words: str = "") -> bool:
    """Raise an alarm in a transaction of its own."""
    with transaction():
        return alarm.raise_(office, kind, subject, words)


def look(
    office: Office, troubles: watch.Troubles | None = None, meanwhile: Sequence[Alarm] = (), ways: Sequence[str] = WAYS
) -> watch.Found:
    """Look as the keeper does."""
    with transaction():
        return watch.look(office, troubles or {}, meanwhile, ways, None)


def tell(office: Office, one: Telling, trouble: str = "") -> None:
    """Write how a way fared."""
    with transaction():
        watch.told(office, one, trouble)


def refuse(office: Office, evidence: Evidence, verdict: Verdict = Verdict.REFUSED, *, doubt: bool = False) -> int:
    """Have every due item refused with these words; return how many."""
    with transaction():
        claims = dispatch.claim(office, ["gmail.com"], 100, "w0")
        end = Outcome(verdict, evidence, office.clock(), office.clock() + timedelta(seconds=10), doubt)
        return dispatch.settle(office, [(one.item_id, one.attempt, end) for one in claims])


def expire(office: Office) -> None:
    """End what is over, as the timers do."""
    with transaction():
        dispatch.expire(office, office.clock())


def send(office: Office, *, urgent: bool = True) -> str:
    """Send a broadcast to the school."""
    asked = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, urgent, "tester")
    return broadcast.send(office, asked).id


def test_one_that_stands_is_counted_and_not_raised_again(office: Office, clock: FakeClock) -> None:
    assert raise_(office, words="421 <taro@docomo.ne.jp> blocked")
    later = clock.advance(minutes=1)
    assert not raise_(office)
    assert raise_(office, subject="au")
    (_, docomo) = alarm.list_()
    assert (docomo.count, docomo.last_at, docomo.words) == (2, later, "421 <***@***> blocked")
    with transaction():
        assert alarm.clear(office, Kind.TEST, "docomo") == 1
        assert alarm.clear(office, Kind.TEST, "docomo") == 0
    assert raise_(office)
    assert len(alarm.list_(ended=True)) == 3


def test_every_way_tells_of_the_raising_and_of_the_end_once(office: Office) -> None:
    raise_(office)
    found = look(office)
    assert [(one.subject, event) for one, event in found.news] == [("docomo", Event.RAISED)]
    assert [(way, one.event) for way in WAYS for one in found.owed[way]] == [(way, Event.RAISED) for way in WAYS]
    tell(office, found.owed["webhook"][0])
    assert alarm.delivered(alarm.list_()) == frozenset()
    again = look(office)
    assert (again.news, again.owed["webhook"], len(again.owed["command"])) == ([], [], 1)
    tell(office, again.owed["command"][0])
    assert alarm.delivered(alarm.list_()) == {found.news[0][0].id}
    with transaction():
        alarm.clear(office, Kind.TEST, "docomo")
    ended = look(office)
    assert [one.event for owed in ended.owed.values() for one in owed] == [Event.CLEARED, Event.CLEARED]
    _, told = alarm.show(ended.news[0][0].id)
    assert [(one.path, one.event, one.tries) for one in told] == [
        ("command", Event.RAISED, 1),
        ("command", Event.CLEARED, 0),
        ("webhook", Event.RAISED, 1),
        ("webhook", Event.CLEARED, 0),
    ]


def test_a_way_that_fails_tries_again_later_and_until_a_day_after_the_end(office: Office, clock: FakeClock) -> None:
    raise_(office)
    (one,) = look(office, ways=["webhook"]).owed["webhook"]
    tell(office, one, "connection refused")
    assert look(office, ways=["webhook"]).owed["webhook"] == []
    assert [(one.path, one.alarms, one.tries, one.trouble) for one in alarm.failing()] == [
        ("webhook", 1, 1, "connection refused")
    ]
    clock.advance(seconds=5)
    raise_(office, subject="au")
    assert [(one.alarm.subject, one.tries) for one in look(office, ways=["webhook"]).owed["webhook"]] == [
        ("au", 0),
        ("docomo", 1),
    ]
    for _ in range(3):
        clock.advance(days=1, seconds=1)
        owed = look(office, ways=["webhook"]).owed["webhook"]
        assert len(owed) == 2
        for one in owed:
            tell(office, one, "connection refused")
    alarm.dismiss(office, [], "cli:taro")
    clock.advance(days=1, seconds=1)
    for one in look(office, ways=["webhook"]).owed["webhook"]:
        tell(office, one, "connection refused")
    clock.advance(days=1)
    assert look(office, ways=["webhook"]).owed["webhook"] == []
    assert [(one.path, one.alarms) for one in alarm.failing()] == [("webhook", 4)]
    raise_(office)
    tell(office, look(office, ways=["webhook"]).owed["webhook"][0])
    assert alarm.failing() == []
    assert [watch.pause(tries).total_seconds() for tries in (0, 1, 5, 6, 1000)] == [5, 10, 160, 300, 300]


def test_a_clock_that_is_set_back_keeps_no_way_waiting(office: Office, clock: FakeClock) -> None:
    raise_(office)
    trouble = {(Kind.DISK_LOW, "/var"): "1 MB"}
    for one in look(office, trouble, ways=["webhook"]).owed["webhook"]:
        tell(office, one, "HTTP status 500")
    clock.advance(hours=-3)
    owed = look(office, ways=["webhook"]).owed["webhook"]
    assert [(one.alarm.kind, one.event) for one in owed] == [
        (Kind.DISK_LOW, Event.CLEARED),
        (Kind.TEST, Event.RAISED),
        (Kind.DISK_LOW, Event.RAISED),
    ]


def test_a_safety_broadcast_that_meets_a_stop_is_told_until_nothing_of_it_waits_there(
    office: Office, register: Register
) -> None:
    register("t-daiichi", "a@gmail.com", "b@docomo.ne.jp")
    stops.suspend(office, stops.Part(domain="gmail.com"), "tester")
    send(office, urgent=False)
    assert alarm.list_() == []
    name = send(office)
    assert look(office).news[0][1] is Event.RAISED
    (one,) = alarm.list_()
    assert (one.kind, one.subject, one.words) == (Kind.SUSPENDED, name, "1/2")
    stops.resume(office, None, "tester")
    assert [(ended.subject, event) for ended, event in look(office).news] == [(name, Event.CLEARED)]


def test_what_blames_us_raises_one_alarm_for_a_receiver_and_never_names_the_address(
    office: Office, register: Register
) -> None:
    register("t-daiichi", "a@gmail.com", "b@gmail.com")
    send(office)
    refuse(replace(office, receiver=lambda domain, host: {"mx.google.com": "gmail"}.get(host, domain)), BLAMED)
    (one,) = alarm.list_()
    assert (one.kind, one.subject, one.count) == (Kind.OUR_FAULT, "gmail auth_failed", 2)
    assert one.words == "mx.google.com[192.0.2.1]:25: eod: 550 5.7.26 <***@***> Unauthenticated mail"


@pytest.mark.parametrize("evidence", [FULL, FAST])
def test_what_is_no_fault_of_ours_raises_none(office: Office, register: Register, evidence: Evidence) -> None:
    register("t-daiichi", "a@gmail.com")
    send(office)
    refuse(office, evidence, Verdict.DEFERRED)
    assert alarm.list_() == []


def test_a_receiver_that_loses_its_answers_calls_somebody_until_nothing_waits_for_a_person(
    office: Office, register: Register, clock: FakeClock
) -> None:
    register("t-daiichi", "a@gmail.com", "b@gmail.com")
    sent = send(office)
    assert refuse(office, SILENT, Verdict.DEFERRED, doubt=True) == 2
    clock.advance(seconds=10)
    assert refuse(office, SILENT, Verdict.DEFERRED, doubt=True) == 2
    clock.advance(minutes=3)
    assert refuse(office, SILENT, Verdict.DEFERRED, doubt=True) == 0
    assert [one.kind for one, _ in look(office).news] == [Kind.STALLED]  # and both still wait
    clock.advance(minutes=2)
    assert refuse(office, SILENT, Verdict.DEFERRED, doubt=True) == 2
    assert [(one.kind, event) for one, event in look(office).news] == [
        (Kind.STALLED, Event.CLEARED),
        (Kind.HELD, Event.RAISED),
    ]
    (one,) = alarm.list_()
    assert (one.kind, one.subject, one.count) == (Kind.HELD, sent, 2)
    assert one.words == "mx.google.com[192.0.2.1]:25: eod: closed"
    queue.release(office, queue.Selection(numbers=(1,)), "tester")
    assert look(office).news == []
    queue.remove(office, queue.Selection(numbers=(2,)), "tester")
    assert [event for _, event in look(office).news] == [Event.CLEARED]


def test_three_deaths_of_a_worker_call_somebody(office: Office, register: Register) -> None:
    register("t-daiichi", "a@gmail.com")
    sent = send(office)
    for _ in range(3):
        with transaction():
            dispatch.claim(office, ["gmail.com"], 100, "w0")
            dispatch.recover(office, "w0")
    (one,) = alarm.list_()
    assert (one.kind, one.subject, one.words) == (Kind.HELD, sent, "gmail.com")


def test_of_many_announcements_that_are_held_the_last_ones_are_one_alarm(office: Office, register: Register) -> None:
    register("t-daiichi", "a@gmail.com")
    for number in range(alarm.MOST_OF_A_KIND):
        raise_(office, Kind.HELD, f"B{number}")
    send(office)
    for _ in range(3):
        with transaction():
            dispatch.claim(office, ["gmail.com"], 100, "w0")
            dispatch.recover(office, "w0")
    look(office)
    assert alarms.standing(Kind.HELD) == {alarm.OTHERS}
    QueueItem.update(state=ItemState.ACCEPTED.value).execute()
    look(office)
    assert alarms.standing(Kind.HELD) == frozenset()


def test_when_everybody_blames_us_it_is_one_alarm_more(office: Office, register: Register) -> None:
    register("t-daiichi", "a@gmail.com")
    for number in range(alarm.MOST_OF_A_KIND):
        raise_(office, Kind.OUR_FAULT, f"d{number}.example auth_failed")
    send(office)
    refuse(office, BLAMED)
    assert alarm.list_()[0].subject != "gmail.com auth_failed"
    assert alarms.standing(Kind.OUR_FAULT) >= {alarm.OTHERS}
    assert len(alarms.standing(Kind.OUR_FAULT)) == alarm.MOST_OF_A_KIND + 1


def test_a_day_without_a_repeat_ends_what_blamed_us(office: Office, clock: FakeClock) -> None:
    raise_(office, Kind.OUR_FAULT)
    clock.advance(hours=23)
    raise_(office, Kind.OUR_FAULT)
    clock.advance(hours=23)
    look(office)
    assert alarms.standing(Kind.OUR_FAULT)
    clock.advance(hours=2)
    look(office)
    assert not alarms.standing(Kind.OUR_FAULT)


def test_the_machines_trouble_ends_with_its_cause(office: Office) -> None:
    trouble = {(Kind.DISK_LOW, "/var/lib/mimamori"): "12 MB"}
    assert [one.kind for one, _ in look(office, trouble).news] == [Kind.DISK_LOW]
    assert look(office, trouble).news == []
    assert [event for _, event in look(office).news] == [Event.CLEARED]


def test_a_receiver_that_blocks_us_again_and_again_is_one_alarm(office: Office, clock: FakeClock) -> None:
    def block(minutes: float) -> None:
        until = clock.now + timedelta(minutes=minutes)
        with transaction():
            site_memory.remember(SiteState("docomo", 4, 100, until, "421 <a@docomo.ne.jp> blocked", clock.now))

    block(5)
    assert [(one.subject, one.words) for one, _ in look(office).news] == [("docomo", "421 <***@***> blocked")]
    clock.advance(minutes=4)
    assert look(office).news == []
    clock.advance(minutes=8)
    block(5)
    assert look(office).news == []
    clock.advance(minutes=6)
    assert look(office).news == []
    clock.advance(minutes=6)
    assert [event for _, event in look(office).news] == [Event.CLEARED]
    assert look(office).news == []


def test_what_was_raised_while_the_store_could_not_be_written_keeps_its_name(office: Office) -> None:
    early = alarm.new(office, Kind.STORE_FAILED, "store", "disk I/O error")
    found = look(office, {}, [early])
    assert [(one.id, event) for one, event in found.news] == [(early.id, Event.RAISED), (early.id, Event.CLEARED)]


@pytest.mark.parametrize(
    ("state", "words"),
    [(ItemState.WAITING, "1/2"), (ItemState.HELD, "1/2"), (ItemState.REFUSED, ""), (ItemState.CANCELLED, "")],
)
def test_a_safety_broadcast_that_ends_without_everyone(
    office: Office, register: Register, clock: FakeClock, state: ItemState, words: str
) -> None:
    register("t-daiichi", "a@gmail.com", "b@docomo.ne.jp")
    sent = send(office)
    send(office, urgent=False)
    QueueItem.update(state=ItemState.ACCEPTED.value).execute()
    QueueItem.update(state=state.value).where(QueueItem.id == 1).execute()
    clock.advance(hours=11)
    expire(office)
    assert look(office).news == []
    clock.advance(hours=1)
    expire(office)
    assert [(one.kind, one.subject, one.words) for one, _ in look(office).news] == (
        [(Kind.UNREACHED, sent, words)] if words else []
    )
    alarm.dismiss(office, [], "tester")
    assert [event for _, event in look(office).news] == ([Event.CLEARED] if words else [])


def test_more_time_that_passes_in_vain_is_told_again_and_time_that_is_left_is_not_over(
    office: Office, register: Register, clock: FakeClock
) -> None:
    register("t-daiichi", "a@gmail.com", "b@docomo.ne.jp")
    sent = queue.Selection(announcement_id=send(office))
    clock.advance(hours=11)
    queue.hold(office, sent, "tester")
    queue.requeue(office, sent, "tester", expires=timedelta(hours=6))
    with transaction():
        dispatch.set_clock(office, timedelta(hours=13))
    clock.advance(hours=13 + 5)
    expire(office)
    assert look(office).news == []
    clock.advance(hours=1)
    expire(office)
    assert [one.words for one, _ in look(office).news] == ["2/2"]
    alarm.dismiss(office, [], "tester")
    look(office)
    queue.requeue(office, sent, "tester", expires=timedelta(hours=6))
    clock.advance(hours=6)
    expire(office)
    assert [one.words for one, _ in look(office).news] == ["2/2"]


def test_a_person_ends_alarms_by_name_or_all(office: Office, clock: FakeClock) -> None:
    for subject in ("docomo", "au", "gmail"):
        raise_(office, subject=subject)
        clock.advance(seconds=1)
    names = {one.subject: one.id for one in alarm.list_()}
    assert alarm.dismiss(office, [names["au"]], "cli:taro", "called them") == 1
    assert alarm.dismiss(office, [names["au"]], "cli:taro") == 0
    raise_(office, subject="au")
    assert alarm.dismiss(office, [names["au"]], "cli:taro") == 0
    assert alarm.dismiss(office, [], "cli:taro") == 3
    with pytest.raises(alarm.NoSuchAlarm, match="A0"):
        alarm.dismiss(office, ["A0"], "cli:taro")
    assert next(iter(audit.list_())).detail["alarms"]
    assert {one.cleared_by for one in alarm.list_(ended=True)} == {"cli:taro"}


def test_the_ways_can_be_tried_again_and_again(office: Office) -> None:
    alarm.try_out(office, "cli:taro")
    alarm.try_out(office, "cli:taro")
    assert [one.kind for one in alarm.list_()] == [Kind.TEST]


def test_an_alarm_tells_a_servers_status_once() -> None:
    said = Evidence("rcpt", "mx[192.0.2.1]:25", code=452, enhanced="4.2.2", text="4.2.2 Mailbox\n4.2.2 full")
    assert alarm.said_by(said) == "mx[192.0.2.1]:25: rcpt: 452 4.2.2 Mailbox full"
    assert alarm.said_by(Evidence("dns", enhanced="4.4.3", text="no answer")) == ": dns: no answer"
