"""Does a mail to a school lead to what its policy says, once, and to nothing where it must not be answered?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailer.domain.alarm import Kind as AlarmKind
from mailer.domain.answering import MOST_OCTETS, Replies, ReplyPolicy
from mailer.domain.school import Schools
from mailer.mime.correspondence import read_correspondence
from mailer.mime.entity import read_mail
from mailer.service import alarm, replies, singles, watch
from mailer.service.office import Office
from mailer.service.replies import NotForwarded
from mailer.store import bounce_events
from mailer.store import singles as store
from mailer.store.database import select, transaction
from mailer.store.singles import SingleKind, SingleState
from tests.conftest import FakeClock, Register
from tests.service.school_mail import (
    CONTENT,
    MAILBOX,
    OTHER,
    SCHOOL,
    SENDER,
    TRACE,
    arrive,
    begun,
    due,
    ends,
    fact,
    with_policy,
)


def test_what_came_to_a_school_stands_among_the_replies_and_not_with_what_nobody_understood(office: Office) -> None:
    arrive(office, "t-daiichi")
    assert bounce_events.listed(bounce_events.Criteria(unread=True), 9) == []
    assert bounce_events.for_a_person(office.clock() - timedelta(days=1)) == 0


def test_who_answers_is_sent_a_notice(noticing: Office) -> None:
    (made,) = arrive(noticing)
    assert (made.kind, made.state, made.recipient, made.reason) == ("notice", "waiting", SENDER, "")
    assert (made.message_id, made.selectors) == ("<1@docomo.ne.jp>", ("rsa1",))
    assert due(noticing) == [made.id]
    mail = singles.make(noticing, made, require_tls=False)
    assert mail.envelope.reverse_path.address is None
    assert [path.address.text for path in mail.envelope.forward_paths] == [SENDER]
    assert mail.draft is not None
    assert b"Auto-Submitted: auto-replied\r\n" in mail.draft.content
    assert "了解".encode() not in mail.draft.content


def test_a_notice_is_sent_once_a_day_to_each_sender_of_each_school(noticing: Office, clock: FakeClock) -> None:
    assert arrive(noticing)[0].reason == ""
    clock.advance(hours=23)
    assert arrive(noticing, sender=SENDER.upper())[0].reason == "answered_today"
    assert arrive(noticing, "t-daini")[0].reason == ""
    assert arrive(noticing, sender="taro@docomo.ne.jp")[0].reason == ""
    clock.advance(hours=1, seconds=1)
    assert arrive(noticing)[0].reason == ""
    assert arrive(noticing)[0].reason == "answered_today"


def test_nobody_gets_many_notices_from_all_schools_together(noticing: Office) -> None:
    first = next(iter(noticing.schools))
    many = {f"s{number}": replace(first, code=f"s{number}") for number in range(5)}
    office = replace(noticing, schools=Schools(many))
    assert [arrive(office, code)[0].reason for code in many] == ["", "", "", "answered_today", "answered_today"]


def test_a_mail_to_all_schools_is_answered_by_one(noticing: Office) -> None:
    first, second = arrive(noticing, "t-daiichi", "t-daini")
    assert (first.reason, second.reason) == ("", "another_school")


def test_a_storm_of_senders_is_answered_so_often_an_hour(noticing: Office, clock: FakeClock) -> None:
    reasons = [arrive(noticing, sender=f"a{number}@example.jp")[0].reason for number in range(130)]
    assert reasons == [""] * replies.MOST_NOTICES_AN_HOUR + ["too_many_notices"] * 30
    assert {one.state for one in replies.list_("", 30, unsent=False)} == {SingleState.KEPT}
    clock.advance(hours=1, seconds=1)
    assert arrive(noticing, sender="late@example.jp")[0].reason == ""


def test_strangers_use_up_no_guardians_notices(noticing: Office, register: Register) -> None:
    register("t-daini", "Hanako@docomo.ne.jp", SENDER)
    for number in range(replies.MOST_NOTICES_AN_HOUR + 5):
        arrive(noticing, sender=f"a{number}@example.jp")
    assert arrive(noticing, sender="b@example.jp")[0].reason == "too_many_notices"
    assert arrive(noticing, sender=SENDER)[0].reason == ""
    assert arrive(noticing, "t-daini", sender="HANAKO@docomo.ne.jp")[0].reason == ""
    assert arrive(noticing, "t-kyu", sender="Hanako@docomo.ne.jp")[0].reason == "not_addressed"


def test_guardians_have_an_allowance_that_ends_too(
    noticing: Office, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "MOST_REGISTERED_NOTICES_AN_HOUR", 3)
    senders = [f"a{number}@docomo.ne.jp" for number in range(4)]
    register("t-daini", *senders)
    assert [arrive(noticing, sender=one)[0].reason for one in senders] == ["", "", "", "too_many_notices"]
    assert arrive(noticing)[0].reason == ""


def test_strangers_use_up_no_guardians_copies(forwarding: Office, register: Register) -> None:
    register("t-daini", SENDER)
    for _ in range(replies.MOST_FORWARDS_AN_HOUR + 1):
        last = arrive(forwarding, sender="a@example.jp")[0].reason
    assert (last, arrive(forwarding)[0].reason) == ("too_many_forwards", "")


def test_what_was_withheld_is_shown_and_called_out(
    noticing: Office, register: Register, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "MOST_REGISTERED_NOTICES_AN_HOUR", 0)
    monkeypatch.setattr(replies, "MOST_NOTICES_AN_HOUR", 1)
    register("t-daini", SENDER)
    (waiting, known, *strange) = [arrive(noticing, sender=one)[0].id for one in ("x@a.jp", SENDER, "y@a.jp", "z@a.jp")]
    assert [one.id for one in replies.list_("", 10, unsent=True)] == [known, waiting, *reversed(strange)]
    assert [one.id for one in replies.list_("t-daini", 10, unsent=True)] == []
    raised = {one.subject: (one.kind, one.words, one.count) for one in alarm.list_()}
    assert raised == {
        "notice registered": (AlarmKind.REPLIES_WITHHELD, "first at t-daiichi", 1),
        "notice strangers": (AlarmKind.REPLIES_WITHHELD, "first at t-daiichi", 2),
    }
    clock.advance(days=1, minutes=1)
    with transaction():
        watch.look(noticing, {}, (), (), None)
    assert alarm.list_() == []


def test_two_answering_machines_that_face_each_other_fall_silent(noticing: Office) -> None:
    """The other one even lacks Auto-Submitted, answers from a person's address, and to the From of our notice."""
    (made,) = arrive(noticing)
    draft = singles.make(noticing, made, require_tls=False).draft
    assert draft is not None
    assert read_correspondence(read_mail(draft.content)).automatic
    answer = f"From: {SENDER}\r\nTo: {SCHOOL}\r\nSubject: Re: x\r\n\r\nI am away\r\n".encode()
    assert [arrive(noticing, content=answer)[0].reason for _ in range(5)] == ["answered_today"] * 5


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("Auto-Submitted: auto-replied", "automatic"),
        ("Auto-Submitted: auto-generated (x)", "automatic"),
        ("Auto-Submitted: no", ""),
        ("Precedence: bulk", "automatic"),
        ("Precedence: list", "automatic"),
        ("Precedence: junk", "automatic"),
        ("List-Id: <x.example>", "automatic"),
        ("List-Unsubscribe: <mailto:x@example>", "automatic"),
        ("X-Auto-Response-Suppress: All", "automatic"),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=b", "automatic"),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=b", "automatic"),
        ("From: MAILER-DAEMON@example.jp", "automatic"),
        (f"Delivered-To: {SCHOOL}", "been_here"),
        (f"Delivered-To: {OTHER}", ""),
        ("Reply-To: victim@example.com", ""),
    ],
)
def test_by_its_header_a_mail_is_answered_or_not(noticing: Office, forwarding: Office, field: str, reason: str) -> None:
    content = f"{field}\r\n".encode() + CONTENT.partition(TRACE.encode())[2]
    for office in (noticing, forwarding):
        (made,) = arrive(office, content=content)
        assert made.reason == reason
        assert made.recipient == (SENDER if office is noticing else MAILBOX)


@pytest.mark.parametrize(
    ("sender", "reason"),
    [("", "no_sender"), ("noreply@example.jp", "machine"), (OTHER, "ourselves"), ("hanako@docomo", "bad_address")],
)
def test_by_its_sender_a_mail_is_answered_or_not(
    noticing: Office, forwarding: Office, sender: str, reason: str
) -> None:
    assert [arrive(office, sender=sender)[0].reason for office in (noticing, forwarding)] == [reason, reason]


def test_who_does_not_name_the_school_is_not_answered_yet_handed_on(noticing: Office, forwarding: Office) -> None:
    content = CONTENT.replace(b"To:", b"X:")
    assert [arrive(office, content=content)[0].reason for office in (noticing, forwarding)] == ["not_addressed", ""]


def test_a_school_that_refuses_sends_nothing_because_of_what_comes_all_the_same(office: Office) -> None:
    (made,) = arrive(with_policy(office, Replies(ReplyPolicy.REFUSE)), sender="")
    assert (made.kind, made.state, made.reason) == ("nothing", "kept", "refusing")


def test_a_closed_school_answers_too(noticing: Office) -> None:
    (made,) = arrive(
        noticing, "t-kyu", content=CONTENT.replace(SCHOOL.encode(), SCHOOL.replace("daiichi", "kyu").encode())
    )
    assert (made.state, made.school) == ("waiting", "t-kyu")


def test_a_school_that_is_no_more_leads_to_nothing(noticing: Office) -> None:
    assert arrive(noticing, "t-gone") == []


def test_a_copy_is_as_it_came_under_a_reverse_path_of_its_own(forwarding: Office) -> None:
    (made,) = arrive(forwarding)
    mail = singles.make(forwarding, made, require_tls=True)
    assert mail.draft is None
    assert mail.content == f"Delivered-To: {SCHOOL}\r\n".encode() + CONTENT.partition(b"\r\n")[2]
    assert mail.envelope.require_tls
    assert [path.address.text for path in mail.envelope.forward_paths] == [MAILBOX]
    back = mail.envelope.reverse_path.address
    assert back is not None
    assert forwarding.verp.of_singles().read(back.local) == made.id
    assert forwarding.verp.read(back.local) is None


def test_a_copy_that_comes_back_round_is_kept(forwarding: Office) -> None:
    (made,) = arrive(forwarding)
    content = singles.make(forwarding, made, require_tls=False).content
    assert arrive(forwarding, content=content)[0].reason == "been_here"


def test_a_flood_is_handed_on_so_often_an_hour_to_each_school(forwarding: Office) -> None:
    reasons = [arrive(forwarding)[0].reason for _ in range(70)]
    assert reasons == [""] * replies.MOST_FORWARDS_AN_HOUR + ["too_many_forwards"] * 10
    assert arrive(forwarding, "t-daini")[0].reason == ""


def test_what_is_too_big_is_kept(forwarding: Office) -> None:
    (made,) = arrive(forwarding, content=CONTENT + b"x" * MOST_OCTETS)
    assert (made.state, made.reason) == ("kept", "too_big")
    assert [one.id for one in replies.list_("t-daiichi", 10, unsent=True)] == [made.id]


def test_a_person_may_hand_a_kept_mail_on(noticing: Office, forwarding: Office) -> None:
    (kept,) = arrive(forwarding, sender="")
    made = replies.forward(forwarding, kept.id, "tester")
    assert (made.kind, made.state, made.mail_id, made.recipient) == (
        SingleKind.FORWARD,
        "waiting",
        kept.mail_id,
        MAILBOX,
    )
    assert replies.content(made) == CONTENT
    for office, number, reason in (
        (forwarding, kept.id, "on_its_way"),
        (forwarding, 4711, "no_mail"),
        (noticing, kept.id, "no_mailbox"),
    ):
        with pytest.raises(NotForwarded) as refused:
            replies.forward(office, number, "tester")
        assert refused.value.reason == reason


def test_what_needs_a_person_is_listed(noticing: Office, forwarding: Office) -> None:
    (copy,), (automatic,), (notice,) = arrive(forwarding), arrive(forwarding, sender=""), arrive(noticing, "t-daini")
    arrive(noticing, "t-daini", sender="")
    assert [one.id for one in replies.list_("", 10, unsent=True)] == [notice.id, automatic.id, copy.id]
    assert [one.id for one in replies.list_("t-daiichi", 10, unsent=True)] == [automatic.id, copy.id]
    single = begun(forwarding, copy.id)
    ends(forwarding, single, singles.judge(forwarding, single, fact(250), "mx"))
    assert [one.id for one in replies.list_("", 10, unsent=True)] == [notice.id, automatic.id]
    assert len(replies.list_("", 10, unsent=False)) == 4


def test_the_limits_are_looked_up_by_what_was_sent_alone(noticing: Office) -> None:
    for sql, words in ((store.SENT_SINCE, (0, "notice", "", False)), (store.NOTICED, (SENDER, 0))):
        plan = " ".join(str(row[-1]) for row in select(f"EXPLAIN QUERY PLAN {sql}", words))
        assert "USING INDEX single_mail_" in plan
    plans = [row[-1] for row in select(f"EXPLAIN QUERY PLAN {store.IS_REGISTERED}", (SENDER,))]
    assert any("INDEX address_slot" in str(plan) for plan in plans)
