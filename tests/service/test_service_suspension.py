"""Do addresses rest by what was said against them, and wake when somebody, a roster or a test says so?"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from mailer import timers
from mailer.carrier.wave import Lot
from mailer.clock import SteadyClock
from mailer.domain import retention
from mailer.domain.household import Entry
from mailer.domain.suspension import Terms
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import broadcast, dispatch, roster, suspension, wave
from mailer.service.office import Office
from mailer.store import inbound
from mailer.store.database import transaction
from mailer.store.models import AuditEntry, QueueItem
from mailer.store.suspension_models import Setback
from mailer.store.writer import Writer
from tests.conftest import FakeClock, Register
from tests.forgetting import forget

DEAD, GOOD = "dead@docomo.ne.jp", "good@docomo.ne.jp"
OK = Evidence("eod", "mx.docomo.ne.jp[192.0.2.1]:25", code=250, enhanced="2.0.0", text="ok")


def evidence(reason: str, text: str = "no") -> Evidence:
    return Evidence("rcpt", "mx.docomo.ne.jp[192.0.2.1]:25", code=550, enhanced="5.1.1", text=text, reason=reason)


HARD = {DEAD: ("hard", evidence("address_unknown", "5.1.1 unknown user"))}
SOFT = {DEAD: ("soft", evidence("mailbox_full"))}
Said = Mapping[str, tuple[str, Evidence]]


@pytest.fixture
def family(register: Register) -> int:
    return register("t-daiichi", DEAD, GOOD)


def announce(office: Office, urgent: bool = False) -> str:
    request = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, urgent, "tester")
    return broadcast.send(office, request).id


def finish(office: Office, refused: Said) -> None:
    """Hand over all that waits: addresses of `refused` are refused with this kind and evidence, others accepted."""
    domains = {one.domain for one in QueueItem.select(QueueItem.domain).distinct()}
    with transaction():
        claims = dispatch.claim(office, domains, 1000, "w0")
        ends = [(one.item_id, one.attempt, _end(office, refused.get(one.address))) for one in claims]
        dispatch.settle(office, ends)


def _end(office: Office, refused: tuple[str, Evidence] | None) -> Outcome:
    if refused is None:
        return Outcome(Verdict.ACCEPTED, OK, office.clock())
    return Outcome(Verdict.REFUSED, refused[1], office.clock(), kind=refused[0])


def go(office: Office, clock: FakeClock, refused: Said, **later: float) -> str:
    """Send a broadcast, hand it over, let time pass, and have it judged."""
    name = announce(office)
    finish(office, refused)
    clock.advance(**(later or {"hours": 2}))
    judge(office)
    return name


def judge(office: Office) -> int:
    with transaction():
        return suspension.judge(office)


def resting(office: Office) -> set[str]:
    return {one.address for one in suspension.suspended(office)}


def come_back(office: Office, name: str, kind: str = "hard", reason: str = "address_unknown") -> None:
    """Have the mail of a broadcast to DEAD returned, as the inbound service does."""
    item = QueueItem.get((QueueItem.announcement == name) & (QueueItem.address_key == DEAD))
    with transaction():
        inbound.mark_returned(item.id, evidence(reason), office.clock())
        suspension.note(office, suspension.Noted(item.id, "docomo.ne.jp", kind, reason, "550 unknown"))


def test_a_dead_address_rests_after_two_broadcasts_and_the_other_slot_goes_on(
    office: Office, clock: FakeClock, family: int
) -> None:
    go(office, clock, HARD)
    assert resting(office) == set()
    go(office, clock, HARD)
    (one,) = suspension.suspended(office)
    assert (one.address, one.schools, one.suspended.reason) == (DEAD, ("t-daiichi",), "address_unknown")
    assert one.suspended.evidence == "550 5.1.1 unknown user"
    assert one.tried_again == clock() + timedelta(days=30)
    third = go(office, clock, {})
    figures = broadcast.show(office, third)
    assert (figures["recipients"], figures["excluded"]) == (1, {"resting": 1})
    assert broadcast.verify(office, third) == []


def test_nobody_rests_before_the_wait_is_over(office: Office, clock: FakeClock, family: int) -> None:
    go(office, clock, HARD)
    go(office, clock, HARD, minutes=59)
    assert resting(office) == set()
    clock.advance(minutes=1)
    assert judge(office) == 1
    assert resting(office) == {DEAD}
    assert judge(office) == 0


def test_a_mail_accepted_in_between_clears_the_address(office: Office, clock: FakeClock, family: int) -> None:
    go(office, clock, HARD)
    go(office, clock, {})
    go(office, clock, HARD)
    assert resting(office) == set()
    go(office, clock, HARD)
    assert resting(office) == {DEAD}


def test_an_acceptance_that_came_back_clears_nothing(office: Office, clock: FakeClock, family: int) -> None:
    go(office, clock, HARD)
    second = go(office, clock, {})
    come_back(office, second)
    clock.advance(hours=1)
    assert judge(office) == 1
    assert resting(office) == {DEAD}


def test_one_mail_tried_twice_is_one_broadcast(office: Office, clock: FakeClock, family: int) -> None:
    name = go(office, clock, HARD)
    item = QueueItem.get(QueueItem.announcement == name, QueueItem.address == DEAD)
    with transaction():
        suspension.note(office, suspension.Noted(item.id, "docomo.ne.jp", "hard", "address_unknown", "again"))
    clock.advance(hours=2)
    judge(office)
    assert resting(office) == set()


@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("reason", ["source_blocked", "content_refused", "remote_trouble", "unclear", "unknown_user"])
def test_our_own_fault_and_trouble_over_there_are_never_held_against_an_address(
    office: Office, clock: FakeClock, family: int, kind: str, reason: str
) -> None:
    for _ in range(3):
        go(office, clock, {DEAD: (kind, evidence(reason))})
    assert Setback.select().count() == 0
    assert resting(office) == set()


def test_a_softened_reading_is_no_hard_one(office: Office, clock: FakeClock, family: int) -> None:
    """A status of policy says address_unknown too; the kind tells the two apart."""
    for _ in range(4):
        go(office, clock, {DEAD: ("soft", evidence("address_unknown"))})
    assert resting(office) == set()


def test_a_full_mailbox_rests_after_a_long_run_only(office: Office, clock: FakeClock, family: int) -> None:
    for _ in range(9):
        go(office, clock, SOFT, days=4)
    assert resting(office) == set()
    go(office, clock, SOFT)
    assert resting(office) == {DEAD}


def test_mail_that_ran_out_of_time_counts_by_its_last_reply(office: Office, clock: FakeClock, family: int) -> None:
    announce(office)
    with transaction():
        claims = dispatch.claim(office, ["docomo.ne.jp"], 10, "w0")
        full = Evidence(
            "rcpt", "mx.docomo.ne.jp", code=452, enhanced="4.2.2", text="mailbox full", reason="mailbox_full"
        )
        later = clock() + timedelta(hours=1)
        ends = [(one.item_id, one.attempt, Outcome(Verdict.DEFERRED, full, clock(), later)) for one in claims]
        dispatch.settle(office, ends)
        assert Setback.select().count() == 0
        clock.advance(days=10)
        assert dispatch.expire(office, clock()) == 2
    assert [(one.address_key, one.kind, one.words) for one in Setback.select().order_by(Setback.id)] == [
        (DEAD, "soft", "452 4.2.2 mailbox full"),
        (GOOD, "soft", "452 4.2.2 mailbox full"),
    ]


def test_the_last_attempt_may_end_behind_the_deadline(office: Office, clock: FakeClock, family: int) -> None:
    announce(office)
    with transaction():
        claims = dispatch.claim(office, ["docomo.ne.jp"], 10, "w0")
        clock.advance(days=10)
        full = evidence("mailbox_full")
        dispatch.settle(
            office, [(one.item_id, one.attempt, Outcome(Verdict.DEFERRED, full, clock())) for one in claims]
        )
    assert {one.kind for one in Setback.select()} == {"soft"}


def test_a_complaint_is_enough_and_no_test_or_roster_wakes_it(office: Office, clock: FakeClock, family: int) -> None:
    name = go(office, clock, {})
    come_back(office, name, "complaint", "complaint")
    judge(office)
    (one,) = suspension.suspended(office)
    assert (one.suspended.reason, one.tried_again) == ("complaint", None)
    clock.advance(days=400)
    assert broadcast.show(office, announce(office))["excluded"] == {"resting": 1}
    entry = Entry("t-daini", "1", "1", "妹", "", "login9", {1: DEAD}, True)
    roster.import_entries(office, [(2, entry)], "tester")
    assert resting(office) == {DEAD}
    assert suspension.resume(office, DEAD, "tester")
    assert resting(office) == set()


def test_who_complains_while_the_address_rests_is_not_tried_again(
    office: Office, clock: FakeClock, family: int
) -> None:
    first = go(office, clock, {})
    put_to_rest(office, clock)
    come_back(office, first, "complaint", "complaint")
    assert judge(office) == 1
    assert judge(office) == 0
    (one,) = suspension.suspended(office)
    assert (one.suspended.reason, one.tried_again) == ("complaint", None)


@pytest.mark.parametrize("kind", ["delayed", "delivered", "autoreply", "report"])
def test_what_is_no_failure_is_no_setback(office: Office, clock: FakeClock, family: int, kind: str) -> None:
    come_back(office, go(office, clock, {}), kind, "mailbox_full")
    assert Setback.select().count() == 0


def test_what_is_said_to_a_canary_is_held_against_nobody(office: Office, clock: FakeClock, family: int) -> None:
    announce(office)
    QueueItem.update(canary=True).execute()
    finish(office, HARD)
    assert Setback.select().count() == 0


async def test_a_clock_that_is_set_forward_judges_nobody_sooner(office: Office, clock: FakeClock, family: int) -> None:
    for _ in range(2):
        announce(office)
        finish(office, HARD)
    machine = SteadyClock(clock, lambda: 0.0)
    clock.advance(hours=3)
    writer = Writer()
    await timers.tick(replace(office, clock=machine), writer, machine)
    assert resting(office) == set()
    clock.advance(hours=1)
    await writer.do(lambda: suspension.judge(office))
    await asyncio.to_thread(writer.close)
    assert resting(office) == {DEAD}


async def test_the_mailers_timer_judges(office: Office, clock: FakeClock, family: int) -> None:
    for _ in range(2):
        announce(office)
        finish(office, HARD)
    clock.advance(hours=1)
    writer = Writer()
    await timers.tick(office, writer, SteadyClock(clock, lambda: 0.0))
    await asyncio.to_thread(writer.close)
    assert resting(office) == {DEAD}


def test_what_was_said_long_ago_is_forgotten_but_not_of_who_rests(
    office: Office, clock: FakeClock, family: int, register: Register
) -> None:
    register("t-daiichi", "old@docomo.ne.jp", "new@docomo.ne.jp")
    go(office, clock, HARD | {"old@docomo.ne.jp": SOFT[DEAD]})
    go(office, clock, HARD, days=366)
    go(office, clock, {"new@docomo.ne.jp": SOFT[DEAD]})
    assert resting(office) == {DEAD}
    clock.advance(days=1)  # terms end at midnight
    assert [forget(office, retention.Kind.SETBACKS) for _ in "12"] == [1, 0]
    left = {one.address_key for one in Setback.select()}
    assert left == {DEAD, "new@docomo.ne.jp"}
    with transaction():
        suspension.wake(office, [DEAD], "tester")
    assert forget(office, retention.Kind.SETBACKS) == 2
    assert {one.address_key for one in Setback.select()} == {"new@docomo.ne.jp"}


# --- waves


def much_refused(office: Office) -> None:
    with transaction():
        wave.note(office, {("docomo.ne.jp", ""): Lot(10, 90)})


def usual(office: Office) -> None:
    with transaction():
        wave.note(office, {("docomo.ne.jp", ""): Lot(1000, 1)})


def test_while_a_wave_stands_nobody_rests_and_its_days_never_count(
    office: Office, clock: FakeClock, family: int
) -> None:
    go(office, clock, HARD)
    clock.advance(days=1)
    much_refused(office)
    go(office, clock, HARD)
    assert resting(office) == set()
    clock.advance(days=1)
    usual(office)
    assert not wave.is_frozen("docomo.ne.jp")
    for _ in range(3):
        clock.advance(hours=2)
        judge(office)
    assert resting(office) == set()
    go(office, clock, HARD)
    assert resting(office) == {DEAD}


def test_what_was_said_the_evening_before_a_wave_is_judged_after_it(
    office: Office, clock: FakeClock, family: int
) -> None:
    """The wave may have begun with it, before it could be told."""
    go(office, clock, HARD)
    go(office, clock, HARD, minutes=1)
    clock.advance(days=1)
    much_refused(office)
    judge(office)
    assert resting(office) == set()
    clock.advance(days=1)
    usual(office)
    judge(office)
    assert resting(office) == {DEAD}


def test_what_a_wave_caught_counts_once_an_operator_has_thawed_it(
    office: Office, clock: FakeClock, family: int
) -> None:
    go(office, clock, HARD)
    clock.advance(days=1)
    much_refused(office)
    go(office, clock, HARD)
    wave.thaw(office, "docomo.ne.jp", "tester")
    judge(office)
    assert resting(office) == {DEAD}


def test_a_reader_who_complains_in_a_wave_is_heard(office: Office, clock: FakeClock, family: int) -> None:
    name = go(office, clock, {})
    clock.advance(days=1)
    come_back(office, name, "complaint", "complaint")
    much_refused(office)
    go(office, clock, {})
    assert resting(office) == {DEAD}
    clock.advance(hours=2)
    judge(office)
    assert resting(office) == {DEAD}


def test_a_wave_that_is_told_later_wakes_whom_its_day_put_to_rest(
    office: Office, clock: FakeClock, family: int
) -> None:
    go(office, clock, HARD)
    clock.advance(days=1)
    go(office, clock, HARD)
    assert resting(office) == {DEAD}
    much_refused(office)
    announce(office)
    finish(office, {GOOD: HARD[DEAD]})
    clock.advance(hours=1)
    judge(office)
    assert resting(office) == set()


def test_a_wave_at_another_receiver_excuses_nobody(office: Office, clock: FakeClock, family: int) -> None:
    with transaction():
        wave.note(office, {("gmail.com", ""): Lot(10, 90)})
    go(office, clock, HARD)
    go(office, clock, HARD)
    assert resting(office) == {DEAD}


# --- waking


def put_to_rest(office: Office, clock: FakeClock) -> None:
    go(office, clock, HARD)
    go(office, clock, HARD)
    assert resting(office) == {DEAD}


def test_a_person_wakes_it_and_what_was_said_before_counts_no_more(
    office: Office, clock: FakeClock, family: int
) -> None:
    put_to_rest(office, clock)
    assert suspension.resume(office, DEAD, "tester", "the guardian says that it works")
    entry = AuditEntry.select().order_by(AuditEntry.id.desc()).get()
    assert (entry.actor, entry.action) == ("tester", "suspension.wake")
    assert DEAD not in entry.detail
    go(office, clock, HARD)
    assert resting(office) == set()
    go(office, clock, HARD)
    assert resting(office) == {DEAD}


def test_an_address_that_only_has_setbacks_may_be_cleared_too(office: Office, clock: FakeClock, family: int) -> None:
    go(office, clock, HARD)
    assert not suspension.resume(office, DEAD, "tester")
    with pytest.raises(suspension.NotResting):
        suspension.resume(office, DEAD, "tester")


@pytest.mark.parametrize(
    ("addresses", "wakes"),
    [({1: GOOD, 2: DEAD}, True), ({1: DEAD, 2: "new@docomo.ne.jp"}, False), ({1: DEAD, 2: GOOD, 3: DEAD}, True)],
)
def test_a_roster_that_sets_an_address_anew_wakes_it(
    office: Office, clock: FakeClock, addresses: Mapping[int, str], wakes: bool
) -> None:
    entry = Entry("t-daiichi", "1", "1", "児童", "", "login", {1: DEAD, 2: GOOD}, True)
    roster.import_entries(office, [(2, entry)], "tester")
    put_to_rest(office, clock)
    roster.import_entries(office, [(2, replace(entry, addresses=addresses))], "tester")
    assert resting(office) == (set() if wakes else {DEAD})


def test_a_new_registration_wakes_it(office: Office, clock: FakeClock, family: int) -> None:
    put_to_rest(office, clock)
    entry = Entry("t-daini", "1", "1", "妹", "", "login9", {1: DEAD}, True)
    roster.import_entries(office, [(2, entry)], "tester")
    assert resting(office) == set()


# --- the reach test


def test_a_month_later_the_next_announcement_tries_it_and_wakes_it(
    office: Office, clock: FakeClock, family: int
) -> None:
    put_to_rest(office, clock)
    clock.advance(days=30, minutes=-1)
    assert broadcast.show(office, go(office, clock, {}, minutes=1))["excluded"] == {"resting": 1}
    test = go(office, clock, {}, hours=23)
    assert broadcast.show(office, test)["recipients"] == 2
    assert broadcast.verify(office, test) == []
    assert resting(office) == {DEAD}
    # Already taken for good: what is sent in the meantime must not be missed.
    assert broadcast.show(office, announce(office, urgent=True))["recipients"] == 2
    clock.advance(hours=1)
    assert judge(office) == 1
    assert resting(office) == set()


def test_an_urgent_broadcast_tests_too(office: Office, clock: FakeClock, family: int) -> None:
    put_to_rest(office, clock)
    clock.advance(days=30)
    assert broadcast.show(office, announce(office, urgent=True))["recipients"] == 2
    assert broadcast.show(office, announce(office, urgent=True))["recipients"] == 1


def test_who_is_refused_again_rests_for_another_month(office: Office, clock: FakeClock, family: int) -> None:
    put_to_rest(office, clock)
    clock.advance(days=30)
    go(office, clock, HARD)
    assert broadcast.show(office, go(office, clock, {}))["excluded"] == {"resting": 1}
    (one,) = suspension.suspended(office)
    assert one.suspended.tested_by is None
    assert one.tried_again is not None
    clock.now = one.tried_again
    assert broadcast.show(office, announce(office))["recipients"] == 2


def test_a_refused_test_is_not_repeated_before_it_is_judged(office: Office, clock: FakeClock, family: int) -> None:
    put_to_rest(office, clock)
    clock.advance(days=30)
    go(office, clock, HARD, minutes=5)
    assert broadcast.show(office, go(office, clock, {}))["excluded"] == {"resting": 1}


def test_a_test_that_comes_back_within_a_day_has_failed(office: Office, clock: FakeClock, family: int) -> None:
    put_to_rest(office, clock)
    clock.advance(days=30)
    test = go(office, clock, {})
    come_back(office, test)
    assert broadcast.show(office, go(office, clock, {}))["excluded"] == {"resting": 1}
    clock.advance(days=2)
    judge(office)
    assert resting(office) == {DEAD}


@pytest.mark.parametrize("reason", ["source_blocked", "network_trouble"])
def test_a_test_that_failed_by_our_fault_is_repeated_at_once(
    office: Office, clock: FakeClock, family: int, reason: str
) -> None:
    put_to_rest(office, clock)
    clock.advance(days=30)
    go(office, clock, {DEAD: ("soft", evidence(reason))})
    assert broadcast.show(office, announce(office))["recipients"] == 2


def test_a_test_that_was_cancelled_is_repeated_at_once(office: Office, clock: FakeClock, family: int) -> None:
    put_to_rest(office, clock)
    clock.advance(days=30)
    broadcast.cancel(office, announce(office), "tester")
    judge(office)
    assert broadcast.show(office, announce(office))["recipients"] == 2


def test_a_test_refused_in_a_wave_is_repeated_after_it(office: Office, clock: FakeClock, family: int) -> None:
    put_to_rest(office, clock)
    clock.advance(days=30)
    much_refused(office)
    go(office, clock, HARD)
    clock.advance(days=1)
    usual(office)
    judge(office)
    assert QueueItem.select().where(QueueItem.state == ItemState.REFUSED, QueueItem.address == DEAD).count() == 3
    assert broadcast.show(office, announce(office))["recipients"] == 2


def test_without_a_reach_test_nobody_is_tried(office: Office, clock: FakeClock, family: int) -> None:
    strict = replace(office, suspension=Terms(reach_test=None))
    put_to_rest(strict, clock)
    clock.advance(days=4000)
    assert broadcast.show(strict, announce(strict))["excluded"] == {"resting": 1}


def test_a_domain_that_was_unknown_is_asked_for_again_the_next_day(
    office: Office, clock: FakeClock, family: int
) -> None:
    gone = {DEAD: ("hard", Evidence("dns", enhanced="5.1.10", text="has no MX and no address", reason="not_accepting"))}
    go(office, clock, gone)
    go(office, clock, gone)
    assert broadcast.show(office, announce(office))["recipients"] == 1
    clock.advance(days=1)
    assert broadcast.show(office, announce(office))["recipients"] == 2
