"""Is a guardian answered from what the store holds, whatever became of the mail?"""

from dataclasses import replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import pytest

from config import Settings
from config.carriers import load_carriers
from mailer.carrier.reason import Reason
from mailer.carrier.wave import Lot
from mailer.domain.explain_words import WHY
from mailer.domain.household import Entry
from mailer.domain.receipt import token
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.schedule.site import SiteState
from mailer.schedule.stop import Part
from mailer.service import (
    announcing,
    broadcast,
    dispatch,
    explain,
    lease,
    maintenance,
    queue,
    receipt,
    roster,
    stops,
    wave,
)
from mailer.service.alarm import OUR_FAULTS
from mailer.service.announce import NoSuchAnnouncement
from mailer.service.explain import Explained
from mailer.service.office import Office
from mailer.service.roster import RosterRefused
from mailer.store.database import change, transaction
from mailer.store.models import QueueItem, instant
from tests.conftest import FakeClock, Register
from tests.service.test_service_bounce import report, take

CARRIERS = load_carriers(Settings.model_validate({}))
TARO = "a..b@docomo.ne.jp"
OK = Evidence("eod", "mfsmax.docomo.ne.jp[192.0.2.1]:25", code=250, enhanced="2.0.0", text="Ok", tls="TLSv1.3")
GONE = Evidence(
    "rcpt",
    "mfsmax.docomo.ne.jp[192.0.2.1]:25",
    code=550,
    enhanced="5.1.1",
    text="Unknown user",
    reason="address_unknown",
)
FULL = Evidence(
    "rcpt", "mfsmax.docomo.ne.jp[192.0.2.1]:25", code=452, enhanced="4.2.2", text="full", reason="mailbox_full"
)
COMPLAINT = b"""\
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: test/1
Version: 1

--b--
""".replace(b"\n", b"\r\n")
#: Everybody who is written to in these tests.
DOMAINS = ("docomo.ne.jp", "ezweb.ne.jp", "example.jp")


def send(office: Office, *schools: str, **more: Any) -> str:
    """Send a broadcast with a receipt."""
    asked: dict[str, Any] = {"receipt": True, "urgent": False, "actor": "test"} | more
    return broadcast.send(office, broadcast.BroadcastRequest(schools or ("t-daiichi",), "不審者", "本文", **asked)).id


def try_one(office: Office, evidence: Evidence) -> None:
    """Attempt one mail, with this end."""
    try_(office, evidence, most=1)


def try_(office: Office, evidence: Evidence, most: int = 100) -> None:
    """Attempt what is due, with this end."""
    verdict = {"2": Verdict.ACCEPTED, "4": Verdict.DEFERRED, "5": Verdict.REFUSED}[str(evidence.code)[0]]
    with transaction():
        claims = dispatch.claim(office, DOMAINS, most, "w0")
        again = office.clock() + timedelta(minutes=1) if verdict is Verdict.DEFERRED else None
        end = Outcome(verdict, evidence, office.clock(), again)
        dispatch.settle(office, [(one.item_id, one.attempt, end) for one in claims])


def visit(office: Office, address: str, method: str = "GET") -> None:
    """Open the receipt URL of the latest mail to an address."""
    number = QueueItem.select().where(QueueItem.address == address).order_by(QueueItem.id.desc()).get().id
    facts = receipt.VisitFacts(office.clock(), method, "192.0.2.9", ())
    with transaction():
        receipt.visit(office, token(office.receipt_key, number), facts)


def rest(key: str, since: datetime, reason: str) -> None:
    """Put an address to rest."""
    change(
        "INSERT INTO suspension (address_key, since, reason, evidence) VALUES (?, ?, ?, '')",
        (key, instant(since), reason),
    )


def change_to(office: Office, number: int, addresses: dict[int, str], *, receives: bool = True) -> None:
    """Have a guardian change the addresses and the option."""
    (household,) = roster.show(str(number))
    entry = replace(household.entry, addresses=addresses, receives_broadcasts=receives)
    roster.import_entries(office, [(2, entry)], "test")


def ask(office: Office, wanted: object, announcement: str | None = None) -> Explained:
    """Ask, where one household answers."""
    (found,) = explain.ask(office, CARRIERS, str(wanted), announcement)
    return found


def told(office: Office, wanted: object, announcement: str | None = None) -> tuple[int, str, str]:
    """Return item, sentence and advice of the answer."""
    first = ask(office, wanted, announcement).answer.first
    return first.item, first.text.word, first.advice.word


def marks(found: Explained) -> str:
    """Return the check-list in signs: what applies, what does not, what cannot be seen."""
    return "".join({True: "o", False: "x", None: "?"}[line.applies] for line in found.answer.items)


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


def test_an_address_that_nobody_registered(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    found = ask(office, "nobody@docomo.ne.jp")
    assert (found.answer.first.item, found.answer.first.text.word, found.case.household) == (4, "unregistered", None)
    assert marks(found) == "xxxo??x"
    assert explain.meant(CARRIERS, "nobody@docomo.ne.jp") == []


@pytest.mark.parametrize(
    ("typed", "item"), [("a b@docomo.ne.jp", 4), ("hanako", 4), ("a@docomo", 4), ("", 4), ("9" * 30, 4)]
)
def test_what_cannot_be_an_address(office: Office, typed: str, item: int) -> None:
    assert told(office, typed) == (item, "unusable", "do_type_again")


def test_blanks_around_an_address_are_none_of_it(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    assert told(office, f"\u3000{TARO} ")[1] == "nothing_yet"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("a..b@docomo.co.jp", [(TARO, True)]),
        ("a..b@docomo.jp", [(TARO, True)]),
        ("a..b@docmo.ne.jp", [(TARO, True)]),
        ("a..b@docoom.ne.jp", [(TARO, True)]),
        ("A..B@docomo.ne.jp", [(TARO, True)]),
        ("ａ..ｂ@docomo.ne.jp", [(TARO, True)]),
        ("a..b @docomo.ne.jp", [(TARO, True)]),
        ("<a..b@docomo.ne.jp>", [(TARO, True)]),
        ("滝川花子 <A..B@docomo.ne.jp>", [(TARO, True)]),
        ("mailto:a..b@docomo.ne.jp", [(TARO, True)]),
        ("a..b@docomo.ne.jp.", [(TARO, True)]),
        ("a..b@docmo.ne.jp。", [(TARO, True)]),
        ("x@docomo.ne.jp。", []),
        ("x@some.example.jp。", [("x@some.example.jp", False)]),
        ("x@ezeweb.ne.jp", [("x@ezweb.ne.jp", False)]),
        ("x@gmail.con", [("x@gmail.com", False)]),
        ("x@docomo.ne.jp", []),
        ("x@some.example.jp", []),
        ("hanako", []),
    ],
)
def test_what_looks_like_it_is_asked_and_never_taken(
    office: Office, register: Register, typed: str, asked: list[tuple[str, bool]]
) -> None:
    register("t-daiichi", TARO)
    send(office)
    assert told(office, typed)[1] in ("unregistered", "unusable")
    assert [(one.address, one.registered) for one in explain.meant(CARRIERS, typed)] == asked


def test_a_number_in_full_width_digits_is_asked_and_never_taken(office: Office, register: Register) -> None:
    number = register("t-daiichi", TARO)
    typed = str(number).translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    assert told(office, f"{typed}\u3000")[1] == "unusable"
    assert explain.meant(CARRIERS, f"{typed}\u3000") == [explain.Meant("", True, number)]
    for other in (f"{typed}９", "９" * 30, "²"):
        assert explain.meant(CARRIERS, other) == []


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("ａ..ｂ＠docomo.ne.jp", [TARO]),
        ("A..b@docomo.ne.jp", [TARO]),
        ("<a..b@docomo.co.jp>", [TARO]),
        (TARO, []),
        ("hanako", []),
        ("b@example.jp", []),
    ],
)
def test_which_resting_address_is_meant(
    office: Office, register: Register, clock: FakeClock, typed: str, asked: list[str]
) -> None:
    register("t-daiichi", TARO, "b@example.jp")
    rest(TARO, clock.now, "address_unknown")
    assert explain.at_rest(typed) == asked


def test_whom_there_is_not(office: Office) -> None:
    with pytest.raises(RosterRefused):
        explain.ask(office, CARRIERS, "7")
    for name in ("B9999999", "\udcff"):
        with pytest.raises(NoSuchAnnouncement):
            explain.ask(office, CARRIERS, TARO, name)


def test_nothing_is_changed_by_asking(office: Office, register: Register, store: Any) -> None:
    register("t-daiichi", TARO)
    send(office)
    before = store.connection().changes(), store.connection().total_changes()
    told(office, TARO)
    told(office, 1)
    assert (store.connection().changes(), store.connection().total_changes()) == before


@pytest.fixture
def big_town(office: Office, clock: FakeClock) -> list[str]:
    """20 broadcasts to 5,000 addresses: 100,000 queue items, and a household in slot 3 for each."""
    entries = [
        Entry("t-daiichi", "1", "1", f"c{n}", "", f"l{n}", {1: f"a{n}@docomo.ne.jp", 3: f"b{n}@example.jp"}, True)
        for n in range(5_000)
    ]
    roster.import_entries(office, list(enumerate(entries)), "test")
    sent = []
    for _ in range(20):
        clock.advance(minutes=1)
        sent.append(send(office))
    return sent


@pytest.mark.long
@pytest.mark.parametrize("wanted", ["a4999@docomo.ne.jp", "b4999@example.jp", "4999", "gone@docomo.co.jp"])
@pytest.mark.usefixtures("big_town")
def test_a_hundred_thousand_items_are_no_wait(office: Office, wanted: str) -> None:
    began = perf_counter()
    explain.ask(office, CARRIERS, wanted)
    explain.meant(CARRIERS, wanted)
    assert perf_counter() - began < 1.0
