"""Do canaries ride first, count nowhere, and cry in time?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailer.domain.alarm import Kind
from mailer.domain.canary import canaries
from mailer.domain.receipt import token
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import alarm, announcing, broadcast, canary, dispatch, maintenance, queue, receipt, stops, watch
from mailer.service.office import Office
from mailer.service.status import status
from mailer.store.database import select, transaction
from mailer.store.models import QueueItem
from tests.conftest import FakeClock, Register
from tests.service.test_service_bounce import report, take

OK = Evidence("eod", "mx.docomo.ne.jp[192.0.2.1]:25", code=250, enhanced="2.0.0", text="Ok", tls="TLSv1.3")
GONE = Evidence(
    "rcpt", "mx.docomo.ne.jp[192.0.2.1]:25", code=550, enhanced="5.1.1", text="User unknown", reason="address_unknown"
)
BUSY = Evidence(
    "rcpt", "mx.docomo.ne.jp[192.0.2.1]:25", code=451, enhanced="4.3.0", text="later", reason="remote_trouble"
)
PROBE = "probe@docomo.ne.jp"
SECONDS = {"late_safety": timedelta(seconds=60), "late_ordinary": timedelta(minutes=10)}


@pytest.fixture
def office(office: Office, register: Register) -> Office:
    """An office with two canaries, one at a carrier that nobody else uses, and two guardians at one carrier."""
    register("t-daini", "a@docomo.ne.jp", "b@docomo.ne.jp")
    return replace(office, canaries=canaries([PROBE, "probe@EXAMPLE.jp"], **SECONDS))


def send(office: Office, **more: Any) -> str:
    """Send an urgent broadcast with a receipt to two schools."""
    asked: dict[str, Any] = {"receipt": True, "urgent": True, "actor": "test"} | more
    return broadcast.send(office, broadcast.BroadcastRequest(("t-daini", "t-daiichi"), "件名", "本文", **asked)).id


def try_(office: Office, evidence: Evidence, *domains: str, limit: int = 100) -> list[str]:
    """Attempt what is due for docomo, with this end; return the addresses in their order."""
    verdict = {"2": Verdict.ACCEPTED, "4": Verdict.DEFERRED, "5": Verdict.REFUSED}[str(evidence.code)[0]]
    with transaction():
        claims = dispatch.claim(office, domains or ["docomo.ne.jp"], limit, "w0")
        again = office.clock() + timedelta(seconds=10) if verdict is Verdict.DEFERRED else None
        end = Outcome(verdict, evidence, office.clock(), again)
        dispatch.settle(office, [(one.item_id, one.attempt, end) for one in claims])
    return [one.address for one in claims]


def look(office: Office) -> list[tuple[str, str, str]]:
    """Look as the keeper does; return the news."""
    with transaction():
        found = watch.look(office, {}, (), (), None)
    return [(event.value, one.kind.value, one.subject) for one, event in found.news]


def test_canaries_leave_before_the_recipients_and_are_written_from_the_first_school(office: Office) -> None:
    send(office)
    assert try_(office, OK, limit=1) == [PROBE]
    assert try_(office, OK) == ["a@docomo.ne.jp", "b@docomo.ne.jp"]
    assert {item.school for item in QueueItem.select().where(QueueItem.canary)} == {"t-daiichi"}


def test_no_count_knows_them(office: Office) -> None:
    sent = send(office)
    assert status(office).queue["safety"]["waiting"] == 2
    shown = broadcast.show(office, sent)
    assert (shown["recipients"], shown["waiting"], shown["households"]) == (2, 2, 1)
    assert {one["address"] for one in broadcast.recipients(sent)} == {"a@docomo.ne.jp", "b@docomo.ne.jp"}
    assert broadcast.verify(office, sent) == []
    try_(office, OK)
    shown = broadcast.show(office, sent)
    assert (shown["state"], shown["accepted"], shown["waiting"]) == ("finished", 2, 0)
    assert broadcast.verify(office, sent) == []
    assert [one.address for one in queue.list_(queue.Selection()) if one.canary] == ["probe@EXAMPLE.jp"]
    assert status(office).queue["safety"] == {"waiting": 0, "deferred": 0, "sending": 0, "held": 0}


def test_a_mailbox_that_a_guardian_registered_gets_both(office: Office, register: Register) -> None:
    register("t-daiichi", PROBE)
    sent = send(office)
    shown = broadcast.show(office, sent)
    assert (shown["recipients"], len(shown["canaries"])) == (3, 2)
    assert broadcast.verify(office, sent) == []


def test_its_receipt_link_is_no_link(office: Office) -> None:
    send(office)
    number = QueueItem.get(QueueItem.address == PROBE).id
    facts = receipt.VisitFacts(office.clock(), "GET", "192.0.2.1", ())
    with transaction():
        assert receipt.visit(office, token(office.receipt_key, number), facts) is None
    assert select("SELECT COUNT(*) FROM visit") == select("SELECT COUNT(*) FROM receipt") == [(0,)]


def test_a_notice_carries_none(office: Office, clock: FakeClock) -> None:
    hour = timedelta(hours=1)
    maintenance.plan(office, clock.now + hour, clock.now + 2 * hour, (), [hour], "test")
    maintenance.announce_due(office, clock.now)
    while announcing.go_on(office):
        pass
    assert select("SELECT COUNT(*) FROM queue_item") == [(2,)]
    assert select("SELECT COUNT(*) FROM queue_item WHERE canary") == [(0,)]


def test_what_became_of_them_is_shown(office: Office, clock: FakeClock) -> None:
    sent = send(office)
    clock.advance(seconds=2.5)
    try_(office, OK, limit=1)
    first, second = broadcast.show(office, sent)["canaries"]
    assert (first["address"], first["state"], first["accepted_after"], first["host"]) == (
        PROBE,
        "accepted",
        2.5,
        OK.host,
    )
    assert (second["state"], second["accepted_after"], second["late"]) == ("waiting", None, False)
    perch, other = canary.list_(replace(office, receiver=lambda domain, host: host or domain))
    assert perch.last is not None
    assert (perch.address, perch.last["broadcast"], perch.alarms) == (PROBE, sent, ())
    assert (perch.receiver, other.receiver) == ("mx.docomo.ne.jp", "example.jp")


@pytest.mark.parametrize(("urgent", "seconds"), [(True, 60), (False, 600)])
def test_one_that_is_late_cries_once_and_is_quiet_when_it_was_accepted(
    office: Office, clock: FakeClock, urgent: bool, seconds: int
) -> None:
    send(office, urgent=urgent)
    try_(office, OK, "example.jp")
    try_(office, BUSY)
    clock.advance(seconds=seconds - 2)
    assert look(office) == []
    clock.advance(seconds=2)
    assert look(office) == [("raised", "canary_late", PROBE)]
    assert look(office) == []
    assert "451 later" in alarm.list_()[0].words
    try_(office, OK)
    assert look(office) == [("cleared", "canary_late", PROBE)]
    assert select("SELECT COUNT(*) FROM canary WHERE watched") == [(0,)]


def test_one_of_a_scheduled_broadcast_has_its_time_from_its_hour_on(office: Office, clock: FakeClock) -> None:
    send(office, at=clock.now + timedelta(hours=1))
    clock.advance(hours=1, seconds=58)
    assert look(office) == []
    clock.advance(seconds=1)
    assert len(look(office)) == 2


def test_when_the_clock_is_set_it_is_late_when_it_should_be(office: Office, clock: FakeClock) -> None:
    send(office)
    with transaction():
        dispatch.set_clock(office, timedelta(hours=3))
    clock.advance(hours=3, seconds=58)
    assert look(office) == []
    clock.advance(seconds=1)
    assert len(look(office)) == 2


def test_a_refused_one_cries_until_a_later_one_is_accepted(office: Office, clock: FakeClock) -> None:
    send(office)
    try_(office, GONE)
    assert look(office) == [("raised", "canary_refused", PROBE)]
    assert "550 User unknown" in alarm.list_()[0].words
    assert canary.list_(office)[0].alarms == ("canary_refused",)
    clock.advance(seconds=10)
    send(office)
    try_(office, OK)
    assert look(office) == [("cleared", "canary_refused", PROBE)]


def test_an_earlier_one_does_not_end_a_later_ones_alarm(office: Office, clock: FakeClock) -> None:
    send(office)
    try_(office, OK)
    clock.advance(seconds=10)
    send(office)
    try_(office, GONE)
    assert look(office) == [("raised", "canary_refused", PROBE)]
    assert look(office) == []


def test_one_that_comes_back_cries_too(office: Office) -> None:
    send(office)
    try_(office, OK)
    assert look(office) == []
    number = QueueItem.get(QueueItem.address == PROBE).id
    take(office, number, report(PROBE))
    assert look(office) == [("raised", "canary_refused", PROBE)]


def test_what_a_person_stopped_is_not_late(office: Office, clock: FakeClock) -> None:
    held = send(office)
    queue.hold(office, queue.Selection(announcement_id=held), "test")
    cancelled = send(office)
    assert broadcast.cancel(office, cancelled, "test") == broadcast.Cancelled(2)
    clock.advance(hours=1)
    assert look(office) == []
    assert {one["state"] for one in broadcast.show(office, cancelled)["canaries"]} == {"cancelled"}


@pytest.mark.parametrize("keeps", ["stop", "hold", "window"])
def test_while_somebody_keeps_it_no_time_goes_by(office: Office, clock: FakeClock, keeps: str) -> None:
    if keeps == "window":
        begins = clock.now + timedelta(seconds=1)
        maintenance.plan(office, begins, begins + timedelta(minutes=30), (), (), "test")
    clock.advance(seconds=1)
    sent = queue.Selection(announcement_id=send(office, urgent=False))
    part = stops.Part(announcement_id=sent.announcement_id)
    if keeps == "stop":
        stops.suspend(office, part, "test")
    elif keeps == "hold":
        queue.hold(office, sent, "test")
    clock.advance(minutes=30, seconds=-1)
    assert look(office) == []
    if keeps == "stop":
        stops.resume(office, part, "test")
    elif keeps == "hold":
        queue.release(office, sent, "test")
    clock.advance(minutes=9, seconds=50)
    assert look(office) == []
    clock.advance(seconds=10)
    assert [kind for _, kind, _ in look(office)] == ["canary_late", "canary_late"]


def test_one_that_expires_before_it_is_late_is_late(office: Office, clock: FakeClock) -> None:
    send(office, expires=timedelta(seconds=10))
    clock.advance(seconds=11)
    with transaction():
        dispatch.expire(office, clock.now)
    assert {kind for _, kind, _ in look(office)} == {"canary_late", "unreached"}
    assert look(office) == []


def test_a_broadcast_that_ended_can_no_more_be_cancelled_for_its_canaries_sake(office: Office) -> None:
    sent = send(office)
    try_(office, OK)
    assert broadcast.cancel(office, sent, "test") == broadcast.Cancelled(0)
    assert broadcast.show(office, sent)["state"] == "finished"
    assert QueueItem.get(QueueItem.address == "probe@EXAMPLE.jp").state == ItemState.CANCELLED.value


def test_kinds_are_those_of_the_alarms() -> None:
    assert canary.OF_CANARIES == (Kind.CANARY_LATE, Kind.CANARY_REFUSED)
