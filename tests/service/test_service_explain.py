"""Is a guardian answered from what the store holds, whatever became of the mail?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailer.carrier.reason import Reason
from mailer.carrier.wave import Lot
from mailer.domain.explain_words import WHY
from mailer.schedule.site import SiteState
from mailer.schedule.stop import Part
from mailer.service import (
    broadcast,
    dispatch,
    lease,
    maintenance,
    queue,
    stops,
    wave,
)
from mailer.service.alarm import OUR_FAULTS
from mailer.service.office import Office
from mailer.store.database import transaction
from mailer.store.models import QueueItem
from tests.conftest import FakeClock, Register
from tests.service.asking import (
    CARRIERS,
    COMPLAINT,
    DOMAINS,
    FULL,
    GONE,
    OK,
    TARO,
    ask,
    marks,
    send,
    told,
    try_,
    try_one,
    visit,
)
from tests.service.test_service_bounce import report, take


def test_what_a_carrier_accepted_is_seen_no_further(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    sent = send(office)
    clock.advance(seconds=2)
    try_(office, OK)
    found = ask(office, TARO)
    assert (found.answer.first.text.word, found.answer.first.item, marks(found)) == ("accepted", 1, "?x?xxxx")
    fields = found.answer.first.text.fields
    assert (fields["receiver"], fields["host"], fields["reply"]) == ("NTTドコモ", "mfsmax.docomo.ne.jp", "250 Ok")
    assert fields["at"] == clock.now
    assert "迷惑メール_ドコモ用" in str(found.answer.first.advice.fields["filter"])
    assert found.answer.first.advice.fields["sender"] == "t-daiichi@mail.mimamori-iwamizawa.jp"
    assert found.case.broadcast is not None
    assert (found.case.broadcast.id, found.case.broadcast.named) == (sent, False)


def test_whoever_opened_the_mail_has_confirmed(office: Office, register: Register) -> None:
    number = register("t-daiichi", TARO, "b@example.jp")
    send(office)
    try_(office, OK)
    visit(office, TARO, "HEAD")
    assert told(office, TARO) == (1, "machine_only", "do_look")
    visit(office, TARO)
    assert told(office, TARO) == (0, "confirmed", "do_ask_family")
    assert marks(ask(office, TARO)) == "xxxxxxx"
    assert told(office, number) == (0, "confirmed", "do_ask_family")
    other = ask(office, "b@example.jp")
    assert (other.answer.first.text.word, [one.text.word for one in other.answer.others]) == (
        "accepted",
        ["confirmed_elsewhere"],
    )
    assert other.elsewhere == ((1, "accepted"),)
    visit(office, "b@example.jp")  # a second visit confirms nothing, and was a person's all the same
    assert told(office, "b@example.jp") == (0, "confirmed", "do_ask_family")
    assert ask(office, "b@example.jp").answer.first.text.fields["slots"] == (2,)
    assert ask(office, number).answer.first.text.fields["slots"] == (1,)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.meaning.kind in ("hard", "soft")])
def test_each_reason_of_a_refusal_has_its_item_and_advice(office: Office, register: Register, reason: Reason) -> None:
    register("t-daiichi", TARO)
    send(office)
    try_(office, replace(GONE, reason=reason.value))
    found = ask(office, TARO)
    first = found.answer.first
    word = "refused_by_our_fault" if reason in OUR_FAULTS else "refused"
    assert (first.text.word, first.item) == (word, reason.meaning.faq_item)
    assert {first.text.word, first.advice.word} <= WHY.keys()
    assert first.text.fields["why"] == reason.value
    assert marks(found)[first.item - 1] == "o"


def test_in_a_wave_of_refusals_no_address_is_blamed(office: Office, register: Register, clock: FakeClock) -> None:
    counted = replace(office, receiver=CARRIERS.name)
    register("t-daiichi", TARO)
    before = send(office)
    try_(counted, GONE)
    assert told(office, TARO) == (4, "refused", "do_address_unknown")
    clock.advance(days=1)
    with transaction():
        wave.note(counted, {("docomo.ne.jp", "mfsmax.docomo.ne.jp"): Lot(10, 90)})
    send(office)
    try_(counted, GONE)
    assert told(office, TARO) == (7, "in_wave", "do_their_turn")
    assert ask(office, TARO).answer.first.text.fields["wave"] == "2026-04-11"
    assert told(office, TARO, before) == (4, "refused", "do_address_unknown")


def test_what_came_back_later_says_so(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    send(office)
    try_(office, OK)
    take(office, QueueItem.get(QueueItem.address == TARO).id, report(TARO))
    assert told(office, TARO) == (4, "returned", "do_address_unknown")


def test_what_the_carrier_wrote_after_it_had_accepted_the_mail(
    office: Office, register: Register, clock: FakeClock
) -> None:
    register("t-daiichi", TARO)
    send(office)
    accepted = clock.now
    try_(office, OK)
    number = QueueItem.get(QueueItem.address == TARO).id
    clock.advance(hours=1)
    warning = report(TARO, "delayed", "4.2.2").replace(b"550 Unknown user", b"452 4.2.2 mailbox full")
    take(office, number, warning)
    found = ask(office, TARO)
    first = found.answer.first
    assert (first.text.word, first.item, first.advice.word) == ("delayed", 3, "do_mailbox_full")
    assert (first.text.fields["accepted"], first.text.fields["at"]) == (accepted, clock.now)
    assert marks(found) == "?xoxxxx"
    clock.advance(hours=1)
    take(office, number, COMPLAINT)
    assert told(office, TARO) == (5, "complaint", "do_complaint")


def test_what_waits_says_why_and_until_when(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    send(office)
    assert told(office, TARO) == (7, "queued", "do_wait")
    with transaction():
        claims = dispatch.claim(office, DOMAINS, 100, "w0")
    assert told(office, TARO) == (7, "sending", "do_wait")
    with transaction():
        dispatch.unclaim(office, [(one.item_id, one.attempt) for one in claims])
    try_(office, FULL)
    found = ask(office, TARO)
    assert (found.answer.first.item, found.answer.first.text.word) == (3, "put_off")
    fields = found.answer.first.text.fields
    assert (fields["next"], fields["reply"]) == (clock.now + timedelta(minutes=1), "452 full")
    clock.advance(days=3)
    with transaction():
        dispatch.expire(office, clock.now)
    assert told(office, TARO) == (3, "expired", "do_mailbox_full")


def left_alone(office: Office, site: str, lasting: timedelta) -> None:
    """Have a worker leave a site alone for so long, because it blocks us."""
    now = office.clock()
    with transaction():
        lease.remember(office, SiteState(site, 1, 1, now + lasting, "source_blocked", now))


def test_what_waits_for_a_receiver_that_blocks_us_says_so(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    send(office)
    left_alone(office, "docomo", timedelta(minutes=12))
    clock.advance(minutes=2)
    assert told(office, TARO) == (7, "blocked_until", "do_our_turn")
    fields = ask(office, TARO).answer.first.text.fields
    assert (fields["receiver"], fields["next"]) == ("NTTドコモ", clock.now + timedelta(minutes=10))
    clock.advance(minutes=10)
    assert told(office, TARO) == (7, "queued", "do_wait")
    left_alone(office, "docomo", timedelta(minutes=12))
    try_(office, FULL)  # its own reply is told, but no time at which nothing is tried
    first = ask(office, TARO).answer.first
    assert (first.text.word, first.text.fields["next"]) == ("put_off", clock.now + timedelta(minutes=12))


def test_urgent_mail_is_tried_now_and_then_at_a_receiver_that_blocks_us(office: Office, register: Register) -> None:
    register("t-daiichi", TARO, "b@example.jp")
    send(office, urgent=True)
    left_alone(office, "docomo", timedelta(minutes=12))
    assert told(office, TARO) == (7, "blocked", "do_our_turn")
    assert told(office, "b@example.jp") == (7, "queued", "do_wait")


def test_who_shares_a_site_that_blocks_us_waits_for_it(office: Office, register: Register) -> None:
    register("t-daiichi", "b@example.jp")
    send(office)
    with transaction():
        dispatch.remember_site("example.jp", "mx1.example.jp mx2.example.jp")
    left_alone(office, "mx1.example.jp mx2.example.jp", timedelta(minutes=5))
    assert told(office, "b@example.jp") == (7, "blocked_until", "do_our_turn")


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("network_trouble", "blocked"),
        ("auth_failed", "blocked"),
        ("mailbox_full", "queued"),
        ("rate_limited", "queued"),
        ("", "queued"),
    ],
)
def test_what_others_at_the_receiver_were_told_says_whether_mail_is_taken_there(
    office: Office, register: Register, clock: FakeClock, reason: str, word: str
) -> None:
    register("t-daiichi", "b@docomo.ne.jp")
    register("t-daiichi", TARO)
    send(office)
    clock.advance(seconds=5)
    try_one(office, replace(FULL, reason=reason))
    assert told(office, TARO)[1] == word
    clock.advance(minutes=20)
    assert told(office, TARO)[1] == word
    send(office)  # what they were told long before it was due says nothing of it
    assert told(office, TARO)[1] == "queued"


def test_what_others_were_told_shortly_before_a_broadcast_says_it_too(
    office: Office, register: Register, clock: FakeClock
) -> None:
    register("t-daiichi", "b@docomo.ne.jp")
    send(office)
    try_(office, replace(FULL, reason="network_trouble"))
    register("t-daiichi", TARO)
    clock.advance(minutes=2)
    send(office)
    assert told(office, TARO) == (7, "blocked", "do_our_turn")
    assert told(office, "b@docomo.ne.jp") == (7, "blocked", "do_our_turn")
    try_(office, replace(FULL, reason="remote_trouble"))  # what was said of itself goes first
    assert told(office, TARO) == (7, "put_off", "do_wait")


def test_a_receiver_that_takes_mail_is_not_said_to_take_none(
    office: Office, register: Register, clock: FakeClock
) -> None:
    for address in ("b@docomo.ne.jp", "c@docomo.ne.jp", TARO):
        register("t-daiichi", address)
    send(office)
    clock.advance(seconds=5)
    try_one(office, replace(FULL, reason="network_trouble"))
    try_one(office, OK)
    left_alone(office, "docomo", timedelta(minutes=12))
    assert told(office, TARO) == (7, "queued", "do_wait")
    send(office)  # nothing of it was tried yet, but what went before is taken
    assert told(office, TARO) == (7, "queued", "do_wait")
    clock.advance(minutes=2)
    assert told(office, TARO) == (7, "blocked_until", "do_our_turn")


def test_a_fault_of_ours_is_not_held_against_the_guardian(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    send(office)
    try_(office, replace(FULL, code=450, enhanced="4.7.26", text="DKIM failed", reason="auth_failed"))
    found = ask(office, TARO)
    assert told(office, TARO) == (7, "put_off_by_our_fault", "do_our_turn")
    assert marks(found) == "xxxxxxo"
    assert [mail.reply for mail in found.case.mails] == ["450 DKIM failed"]


def test_what_never_left_in_time(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    send(office)
    clock.advance(days=3)
    with transaction():
        dispatch.expire(office, clock.now)
    assert told(office, TARO) == (7, "never_tried", "do_our_turn")


def test_what_leaves_later(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    send(office, at=clock.now + timedelta(hours=1))
    found = ask(office, TARO)
    assert found.answer.first.text.word == "scheduled"
    assert found.answer.first.text.fields["at"] == clock.now + timedelta(hours=1)
    assert [found.answer.items[item - 1].evidence[0].word for item in (2, 5)] == ["no_window_ahead", "option_is_on"]
    maintenance.plan(office, clock.now + timedelta(minutes=50), clock.now + timedelta(hours=2), (), [], "test")
    found = ask(office, TARO)
    assert [one.text.word for one in found.answer.others] == ["window_ahead"]
    assert marks(found) == "xoxxxxo"


def test_what_operators_keep(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    sent = send(office)
    stops.suspend(office, Part(domain="docomo.ne.jp"), "op", "点検", timedelta(hours=1))
    assert told(office, TARO) == (7, "suspended_until", "do_our_turn")
    stops.suspend(office, Part(school="t-daiichi"), "op")
    stops.resume(office, Part(domain="docomo.ne.jp"), "op")
    assert told(office, TARO) == (7, "suspended", "do_our_turn")
    stops.resume(office, None, "op")
    queue.hold(office, queue.Selection(announcement_id=sent), "op", lasting=timedelta(hours=1))
    assert told(office, TARO) == (7, "held_until", "do_our_turn")
    queue.hold(office, queue.Selection(announcement_id=sent), "op")
    assert told(office, TARO) == (7, "held_by_operator", "do_our_turn")
    queue.remove(office, queue.Selection(announcement_id=sent), "op")
    assert told(office, TARO) == (7, "removed_by_operator", "do_ask_school")


def test_what_nobody_knows_the_end_of(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    send(office)
    for _ in range(3):
        with transaction():
            dispatch.claim(office, DOMAINS, 100, "w0")
            dispatch.recover(office, None)
    assert told(office, TARO) == (7, "unknown_arrival", "do_our_turn")
    assert marks(ask(office, TARO)) == "?x?xxxo"


def test_what_a_carrier_may_have_without_having_said_so(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    send(office)
    with transaction():
        dispatch.claim(office, DOMAINS, 100, "w0")
        dispatch.recover(office, None)
    assert told(office, TARO) == (1, "tried_again", "do_look")
    assert marks(ask(office, TARO)) == "?x?xxxx"
    try_(office, FULL)
    assert told(office, TARO) == (3, "tried_again", "do_mailbox_full")
    clock.advance(days=3)
    with transaction():
        dispatch.expire(office, clock.now)
    assert told(office, TARO) == (3, "expired_unsaid", "do_mailbox_full")
    assert marks(ask(office, TARO)) == "?xoxxxx"


def test_what_may_be_there_twice_says_why(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    sent = send(office)
    with transaction():
        dispatch.claim(office, DOMAINS, 100, "w0")
        dispatch.recover(office, None)
    try_(office, OK)
    assert [one.text.word for one in ask(office, TARO).answer.others] == ["perhaps_twice"]
    queue.requeue(office, queue.Selection(announcement_id=sent), "op", again=True)
    try_(office, OK)
    assert [one.text.word for one in ask(office, TARO).answer.others] == ["sent_again"]


def test_what_was_called_off(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    broadcast.cancel(office, send(office), "test")
    assert told(office, TARO) == (7, "announcement_cancelled", "do_ask_school")


def test_maintenance_keeps_ordinary_mail_until_it_is_over(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    sent = send(office)
    ends = clock.now + timedelta(hours=2)
    maintenance.plan(office, clock.now, ends, (), [], "test")
    clock.advance(minutes=10)
    found = ask(office, TARO)
    assert (found.answer.first.item, found.answer.first.text.word) == (2, "in_window")
    assert marks(found) == "xoxxxxx"
    clock.advance(hours=2)
    try_(office, OK)
    found = ask(office, TARO, sent)
    assert (found.answer.first.text.word, marks(found)) == ("accepted", "?o?xxxx")
    clock.advance(days=1)
    send(office)
    try_(office, OK)
    assert marks(ask(office, TARO)) == "?x?xxxx"


def test_urgent_mail_does_not_wait_for_maintenance(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", TARO)
    send(office, urgent=True)
    maintenance.plan(office, clock.now, clock.now + timedelta(hours=2), (), [], "test")
    assert told(office, TARO) == (7, "queued", "do_wait")
