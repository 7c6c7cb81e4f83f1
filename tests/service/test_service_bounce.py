"""Is a mail that came back marked on the evidence, and does no forged or repeated report change anything?"""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from config import Settings
from config.bounces import load_bounces
from mailer.bounce.parse import read
from mailer.carrier.wave import Lot
from mailer.domain.announcement import Kind
from mailer.domain.household import Entry
from mailer.domain.lane import Lane
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.schedule.queue_id import queue_id
from mailer.service import bounce, broadcast, dispatch, roster, suspension
from mailer.service.announce import NewAnnouncement, announce, audience
from mailer.service.office import Office
from mailer.store import bounce_events, inbound, waves
from mailer.store.bounce_events import Criteria
from mailer.store.database import change, select, transaction
from mailer.store.models import Attempt, InboundMail, QueueItem

if TYPE_CHECKING:
    from tests.conftest import FakeClock

BOOK = load_bounces(Settings.model_validate({}))
ADDRESS = "a..b@docomo.ne.jp"
DOMAIN = "docomo.ne.jp"


@pytest.fixture
def sent(office: Office) -> str:
    entry = Entry("t-daiichi", "3", "1組", "山田 太郎", "", "y1", {1: ADDRESS, 2: "other@gmail.com"}, True)
    roster.import_entries(office, [(2, entry)], "test")
    new = NewAnnouncement(Kind.BROADCAST, Lane.SAFETY, ("t-daiichi",), "件名", "本文", False, "test", ())
    return announce(office, new, audience(office, ("t-daiichi",))).id


def claim(office: Office) -> tuple[int, int]:
    with transaction():
        (claimed,) = dispatch.claim(office, [DOMAIN], 10, "w1")
    return claimed.item_id, claimed.attempt


def settle(office: Office, item_id: int, number: int, verdict: Verdict = Verdict.ACCEPTED) -> int:
    evidence = Evidence(
        "eod", "mx.example.jp", code=250 if verdict is Verdict.ACCEPTED else 451, enhanced="2.0.0", text="ok"
    )
    with transaction():
        return dispatch.settle(office, [(item_id, number, Outcome(verdict, evidence, office.clock()))])


def accepted(office: Office) -> int:
    item_id, number = claim(office)
    assert settle(office, item_id, number) == 1
    return item_id


def report(recipient: str = ADDRESS, action: str = "failed", status: str = "5.1.1", trace: str = "one") -> bytes:
    text = f"""\
Received: from {trace}
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.docomo.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 Unknown user

--b--
"""
    return text.replace("\n", "\r\n").encode()


def take(office: Office, item_id: int | None, content: bytes) -> int:
    forward_path = office.verp.make(item_id) if item_id else "postmaster@mail.mimamori-iwamizawa.jp"
    packed = bounce.pack(bounce.InboundFacts("", (forward_path,), "192.0.2.1", content, item_id))
    with transaction():
        number, is_new = bounce.keep(office, packed)
        if is_new:
            bounce.learn(office, number, read(content, BOOK))
    return number


def meanings() -> list[str]:
    return [row.meaning for row in InboundMail.select().order_by(InboundMail.id)]


def test_a_failed_mail_is_returned_with_evidence(office: Office, sent: str, clock: "FakeClock") -> None:
    item_id = accepted(office)
    now = clock.advance(minutes=5)
    take(office, item_id, report('"a..b"@DOCOMO.ne.jp'))
    item = QueueItem.get_by_id(item_id)
    assert (item.state, item.stage, item.host) == ("returned", "dsn", "mx.docomo.example")
    assert (item.code, item.enhanced, item.reply, item.reason) == (0, "5.1.1", "Unknown user", "address_unknown")
    assert (item.settled_at, item.replied_at) == (now, now)
    assert [(one.verdict, one.code) for one in Attempt.select()] == [("accepted", 250)]
    figures = broadcast.show(office, sent)
    assert (figures["refused"], figures["returned"], figures["waiting"]) == (1, 1, 1)
    assert broadcast.verify(office, sent) == []


def test_what_is_returned_counts_among_the_receivers_refusals(office: Office, sent: str) -> None:
    item_id = accepted(office)
    take(office, item_id, report(trace="one"))
    take(office, item_id, report(trace="two"))
    assert [day.refused for _, day in waves.days("docomo.ne.jp")] == [1]


def test_a_mail_counts_once_and_as_one_of_the_day_on_which_it_was_taken(
    office: Office, sent: str, clock: "FakeClock"
) -> None:
    item_id = accepted(office)
    before = waves.days("docomo.ne.jp")
    clock.advance(days=1)
    take(office, item_id, report())
    assert waves.days("docomo.ne.jp") == [(before[0][0], Lot(0, 1))]
    assert before[0][1] == Lot(1, 0)


def test_what_came_back_of_mails_that_nobody_counted_counts_only_where_none_was_taken(
    office: Office, sent: str
) -> None:
    item_id = accepted(office)
    change("DELETE FROM receiver_lot")
    take(office, item_id, report())
    assert waves.days("docomo.ne.jp") == []
    QueueItem.update(state="expired", possible_copies=1).execute()
    take(office, item_id, report(status="5.1.10"))
    assert [day for _, day in waves.days("docomo.ne.jp")] == [Lot(0, 1)]


def test_the_mail_is_kept_as_it_came(office: Office, sent: str, clock: "FakeClock") -> None:
    item_id = accepted(office)
    number = take(office, item_id, report())
    (row,) = InboundMail.select()
    assert inbound.raw(number) == report()
    assert inbound.raw(number + 1) is None
    assert (row.peer, row.forward_path, row.received_at) == ("192.0.2.1", office.verp.make(item_id), clock.now)
    assert len(row.content) < len(report())


def test_a_second_copy_counts_once(office: Office, sent: str) -> None:
    item_id = accepted(office)
    first = take(office, item_id, report(trace="one at 15:00:01"))
    assert take(office, item_id, report(trace="two at 15:00:09")) == first
    assert take(office, item_id, report(status="5.2.2")) != first
    assert meanings() == ["returned", "report"]
    assert QueueItem.get_by_id(item_id).enhanced == "5.1.1"


def test_the_same_mail_to_a_school_too_is_no_second_copy(office: Office, sent: str) -> None:
    item_id = accepted(office)
    first = take(office, item_id, report())
    paths = (office.verp.make(item_id), SCHOOL)
    packed = bounce.pack(bounce.InboundFacts("", paths, "192.0.2.1", report(), item_id))
    with transaction():
        number, is_new = bounce.keep(office, packed)
    assert is_new
    assert number != first


@pytest.mark.parametrize(
    "content",
    [
        report("other@gmail.com"),
        report("ab@docomo.ne.jp"),
        report(action="delayed"),
        report(action="delivered", status="2.0.0"),
        report(status="2.1.5"),
        b"Subject: Out of office\r\n\r\nUser unknown 550 5.1.1\r\n",
        b"",
        b"\xff" * 1000,
    ],
)
def test_what_says_nothing_of_this_address_changes_nothing(office: Office, sent: str, content: bytes) -> None:
    item_id = accepted(office)
    take(office, item_id, content)
    assert QueueItem.get_by_id(item_id).state == "accepted"
    assert meanings()[0] in ("mail", "report")


def test_mail_to_other_addresses_is_kept_each_time(office: Office, sent: str) -> None:
    item_id = accepted(office)
    assert take(office, None, report()) != take(office, None, report())
    assert QueueItem.get_by_id(item_id).state == "accepted"
    assert meanings() == ["report", "report"]


def test_an_item_that_is_gone_does_not_stop_the_mail(office: Office) -> None:
    take(office, 4711, report())
    assert [(row.meaning, row.item) for row in InboundMail.select()] == [("report", None)]


@pytest.mark.parametrize(
    "state", [ItemState.WAITING, ItemState.REFUSED, ItemState.EXPIRED, ItemState.CANCELLED, ItemState.HELD]
)
def test_what_was_not_handed_over_cannot_come_back(office: Office, sent: str, state: ItemState) -> None:
    QueueItem.update(state=state.value).execute()
    item_id = QueueItem.get(QueueItem.address == ADDRESS).id
    take(office, item_id, report())
    assert QueueItem.get_by_id(item_id).state == state.value
    assert meanings() == ["report"]


@pytest.mark.parametrize("state", [ItemState.WAITING, ItemState.EXPIRED, ItemState.HELD])
def test_what_may_have_been_handed_over_when_an_answer_was_lost_can_come_back(
    office: Office, sent: str, state: ItemState
) -> None:
    QueueItem.update(state=state.value, possible_copies=1, possible_duplicate=True).execute()
    item_id = QueueItem.get(QueueItem.address == ADDRESS).id
    take(office, item_id, report())
    assert QueueItem.get_by_id(item_id).state == "returned"
    assert meanings() == ["returned"]
    assert select("SELECT kind, reason FROM setback") == [("hard", "address_unknown")]
    assert broadcast.verify(office, sent) == []


def test_where_a_mailbox_sends_our_mail_on_to_is_somebody_else(office: Office, sent: str) -> None:
    item_id = accepted(office)
    original = f"Original-Recipient: rfc822; {ADDRESS}\r\nFinal-Recipient: rfc822; old@phone.example\r\n".encode()
    content = report().replace(f"Final-Recipient: rfc822; {ADDRESS}\r\n".encode(), original)
    take(office, item_id, content)
    item = QueueItem.get_by_id(item_id)
    assert (item.state, item.enhanced, item.reason) == ("returned", "5.1.1", "unclear")
    assert select("SELECT kind FROM setback") == []
    assert [day.refused for _, day in waves.days("docomo.ne.jp")] == [0]
    assert broadcast.verify(office, sent) == []


@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.DEFERRED])
def test_a_report_may_overtake_the_end_of_the_attempt(office: Office, sent: str, verdict: Verdict) -> None:
    item_id, number = claim(office)
    take(office, item_id, report())
    assert settle(office, item_id, number, verdict) == 0
    item = QueueItem.get_by_id(item_id)
    assert (item.state, item.stage, item.claimed_by) == ("returned", "dsn", None)
    assert [(one.verdict, one.stage) for one in Attempt.select()] == [("accepted", "dsn")]
    assert broadcast.verify(office, sent) == []
    with transaction():
        assert dispatch.recover(office, "w1").again == 0


SCHOOL = "t-daiichi@mail.mimamori-iwamizawa.jp"


def returned_to_from(quoted: str) -> bytes:
    """A server that ignores the reverse-path: it writes to From, and quotes the mail's header."""
    text = f"""\
From: MAILER-DAEMON@mx.docomo.example
Subject: Undelivered Mail Returned to Sender

<{ADDRESS}>:
550 5.1.1 User unknown

--- Below this line is a copy of the message.

{quoted}
To: {ADDRESS}
Subject: x
"""
    return text.replace("\n", "\r\n").encode()


def arrive(office: Office, content: bytes) -> int:
    packed = bounce.pack(bounce.InboundFacts("", (SCHOOL,), "192.0.2.1", content, None))
    with transaction():
        number, _ = bounce.keep(office, packed)
        bounce.learn(office, number, read(content, BOOK))
    return number


def test_a_quoted_reverse_path_proves_what_came_to_the_school(office: Office, sent: str) -> None:
    item_id = accepted(office)
    arrive(office, returned_to_from(f"Return-Path: <{office.verp.make(item_id)}>"))
    item = QueueItem.get_by_id(item_id)
    assert (item.state, item.reason) == ("returned", "address_unknown")
    assert meanings() == ["returned"]


def test_an_invented_reverse_path_proves_nothing(office: Office, sent: str) -> None:
    item_id = accepted(office)
    invented = office.verp.make(item_id)[:-30] + "0" * 8 + office.verp.make(item_id)[-22:]
    arrive(office, returned_to_from(f"Return-Path: <{invented}>"))
    assert QueueItem.get_by_id(item_id).state == "accepted"
    (one,) = bounce.listed(Criteria(), 10)
    assert (one.item_id, one.proved) == (None, False)


def test_a_message_id_shows_the_mail_beside_the_item_and_changes_nothing(office: Office, sent: str) -> None:
    item_id = accepted(office)
    message_id = f"<{queue_id(item_id)}.{sent}@{office.domain}>".lower()
    arrive(office, returned_to_from(f"Message-ID: {message_id}"))
    assert QueueItem.get_by_id(item_id).state == "accepted"
    (one,) = bounce.listed(Criteria(announcement=sent), 10)
    assert (one.item_id, one.announcement_id, one.proved, one.meaning) == (item_id, sent, False, "report")


def test_a_message_id_with_a_number_that_no_store_holds_is_none_of_ours(office: Office, sent: str) -> None:
    arrive(office, returned_to_from(f"Message-ID: <qffffffffffffffff.{sent}@{office.domain}>".lower()))
    (one,) = bounce.listed(Criteria(), 10)
    assert (one.item_id, one.meaning) == (None, "report")


def test_a_complaint_whose_reader_is_hidden_is_the_items(office: Office, sent: str) -> None:
    item_id = accepted(office)
    text = f"""\
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
Original-Mail-From: <{office.verp.make(item_id)}>

--b--
"""
    arrive(office, text.replace("\n", "\r\n").encode())
    (one,) = bounce.listed(Criteria(), 10)
    assert one.event is not None
    assert (one.event.recipient, one.event.kind, one.proved) == (ADDRESS, "complaint", True)
    assert QueueItem.get_by_id(item_id).state == "accepted"


def test_mails_are_found_by_address_household_and_by_saying_nothing(office: Office, sent: str) -> None:
    item_id = accepted(office)
    about = arrive(office, returned_to_from(f"Return-Path: <{office.verp.make(item_id)}>"))
    question = arrive(office, b"From: taro@docomo.ne.jp\r\nSubject: ?\r\n\r\nhello\r\n")
    assert [one.mail_id for one in bounce.listed(Criteria(), 10)] == [question, about]
    assert [one.mail_id for one in bounce.listed(Criteria(address=ADDRESS), 10)] == [about]
    assert [one.mail_id for one in bounce.listed(Criteria(household=1), 10)] == [about]
    assert [one.mail_id for one in bounce.listed(Criteria(household=2), 10)] == []
    assert [one.mail_id for one in bounce.listed(Criteria(unread=True), 10)] == [question]
    assert bounce_events.for_a_person(office.clock() - timedelta(days=1)) == 1
    assert bounce_events.for_a_person(office.clock() + timedelta(days=1)) == 0
    content, events = bounce.show(question)
    assert content is not None
    assert content.endswith(b"hello\r\n")
    assert [one.event for one in events] == [None]


@pytest.mark.parametrize(
    ("status", "words", "kept"),
    [("5.1.1", "550 Unknown user", [("hard", "address_unknown")]), ("5.7.26", "550 5.7.26 DMARC policy", [])],
)
def test_what_a_return_says_against_an_address_is_kept_unless_it_is_our_fault(
    office: Office, sent: str, status: str, words: str, kept: list[tuple[str, str]]
) -> None:
    item_id = accepted(office)
    content = report(status=status).replace(b"550 Unknown user", words.encode())
    take(office, item_id, content)
    take(office, item_id, content.replace(b"one", b"two"))
    assert select("SELECT kind, reason FROM setback") == kept


def complaint() -> bytes:
    text = f"""\
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
Original-Rcpt-To: {ADDRESS}

--b--
"""
    return text.replace("\n", "\r\n").encode()


def test_a_complaint_turns_the_address_off(office: Office, sent: str, clock: "FakeClock") -> None:
    item_id = accepted(office)
    clock.advance(days=30)
    take(office, item_id, complaint())
    clock.advance(minutes=1)
    with transaction():
        suspension.judge(office)
    assert select("SELECT address_key, reason FROM suspension") == [(ADDRESS, "complaint")]


def test_a_complaint_about_a_mail_of_long_ago_is_shown_and_changes_nothing(
    office: Office, sent: str, clock: "FakeClock"
) -> None:
    item_id = accepted(office)
    clock.advance(days=31)
    take(office, item_id, complaint())
    clock.advance(minutes=1)
    with transaction():
        suspension.judge(office)
    assert select("SELECT address_key FROM suspension") == select("SELECT kind FROM setback") == []
    (one,) = bounce.listed(Criteria(address=ADDRESS), 10)
    assert (one.event and one.event.kind, one.item_id) == ("complaint", item_id)
