"""Has the check-list an answer for everything that can become of a mail?"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest

from mailer.carrier.reason import Reason
from mailer.domain import explain as rules
from mailer.domain import explain_mail
from mailer.domain.audience import Excluded
from mailer.domain.explain import Answer, explain
from mailer.domain.explain_case import (
    Broadcast,
    Case,
    Confirmed,
    Later,
    Mail,
    Meant,
    Place,
    Receiver,
    Registration,
    Rest,
    Stopped,
)
from mailer.domain.explain_mail import ITEMS, Finding
from mailer.domain.explain_words import WHY
from mailer.domain.maintenance import Window
from mailer.schedule.item import ItemState
from mailer.service.alarm import OUR_FAULTS
from tests.architecture.source import ROOT, Module

NOW = datetime(2026, 4, 10, 6, 0, tzinfo=UTC)
BEFORE, LONG_AGO = NOW - timedelta(minutes=10), NOW - timedelta(days=300)
HOME = Registration(1, "t-daiichi", "滝川第一小学校", LONG_AGO, None, True)
SENT = Broadcast("B1", "不審者", {"t-daiichi": "滝川第一小学校"}, BEFORE, BEFORE, False, False)
MAIL = Mail(
    queue_id="Q1",
    address="a@docomo.ne.jp",
    sender="t-daiichi@mail.example.jp",
    receiver=Receiver("NTTドコモ", "filter", "ask"),
    state="accepted",
    urgent=False,
    attempts=1,
    host="mx.docomo.ne.jp",
    reply="250 Ok",
    at=NOW,
    settled_at=NOW,
    reason="",
    read=None,
    next_try=None,
    deadline=NOW + timedelta(days=2),
)
PLACE = Place((1,), "a@docomo.ne.jp", LONG_AGO, mail=MAIL)
CASE = Case(NOW, "mail.example.jp", "a@docomo.ne.jp", household=HOME, broadcast=SENT, places=(PLACE,))
WINDOW = Window("M1", BEFORE, NOW + timedelta(hours=1), (), LONG_AGO)


def with_mail(**changes: object) -> Case:
    """Return the case with another fate of its mail."""
    return replace(CASE, places=(replace(PLACE, mail=replace(MAIL, **changes)),))  # type: ignore[arg-type]  # by name


def with_place(**changes: object) -> Case:
    """Return the case with another place, which has no mail."""
    return replace(CASE, places=(replace(PLACE, mail=None, **changes),))  # type: ignore[arg-type]  # by name


def findings(answer: Answer) -> list[Finding]:
    """Return all that was found."""
    return [answer.first, *answer.others]


def meant(reason: Reason) -> Meant:
    """Return the meaning of a reason, as a service hands it over."""
    return Meant(reason.value, reason.meaning.faq_item, reason.meaning.acts, reason.value in OUR_FAULTS)


def check(answer: Answer) -> None:
    """Assert that an answer is whole: an item, a sentence and advice that can be filled, seven lines."""
    assert answer.first.item in ITEMS
    assert [line.item for line in answer.items] == list(ITEMS)
    assert answer.items[answer.first.item - 1].applies in (True, None)
    for said in [
        *(text for one in findings(answer) for text in (one.text, one.advice)),
        *(text for line in answer.items for text in line.evidence),
    ]:
        places = {name for _, name, _, _ in Formatter().parse(WHY[said.word]) if name}
        assert places <= said.fields.keys(), said.word


@pytest.mark.parametrize("state", list(ItemState))
@pytest.mark.parametrize("reason", [None, *Reason])
def test_every_state_and_reason_has_an_item_and_advice(state: ItemState, reason: Reason | None) -> None:
    read = None if reason is None else meant(reason)
    check(explain(with_mail(state=state.value, read=read, reason=read.word if read else "")))
    check(explain(with_mail(state=state.value, read=read, wave="2026-04-10")))
    for kind in ("delayed", "complaint"):
        check(explain(with_mail(state=state.value, later=Later(kind, NOW, read, "4.4.1 later"))))


@pytest.mark.parametrize("reason", list(Excluded))
@pytest.mark.parametrize("resting", [None, Rest(BEFORE, Meant("moved", 4, "guardian"))])
@pytest.mark.parametrize("slot", [1, 3])
def test_every_exclusion_has_an_item_and_advice(reason: Excluded, resting: Rest | None, slot: int) -> None:
    for case in (
        with_place(excluded=reason.value, rest=resting, slots=(slot,)),
        with_place(excluded=reason.value, rest=resting, slots=(slot,), changed=True),
        replace(with_place(next=reason.value, rest=resting, slots=(slot,)), broadcast=None),
        with_place(next=reason.value, rest=resting, slots=(slot,)),
    ):
        check(explain(case))


@pytest.mark.parametrize(
    ("reason", "item"),
    [
        ("unknown_arrival", 7),
        ("held_by_operator", 7),
        ("never_tried", 7),
        ("deregistered", 7),
        ("removed_by_operator", 7),
    ],
)
def test_what_a_person_or_a_deadline_did_is_no_reply(reason: str, item: int) -> None:
    for state in ItemState:
        answer = explain(with_mail(state=state.value, reason=reason))
        check(answer)
        assert state in (ItemState.ACCEPTED, ItemState.CANCELLED) or answer.first.item == item


def test_the_order_is_that_of_need() -> None:
    refused = replace(PLACE, slots=(2,), mail=replace(MAIL, state="refused", read=meant(Reason.ADDRESS_UNKNOWN)))
    household = replace(CASE, address="", places=(PLACE, refused))
    assert [one.text.word for one in findings(explain(household))] == ["refused", "accepted"]
    confirmed = replace(household, confirmed=Confirmed(NOW, 1))
    assert [one.text.word for one in findings(explain(confirmed))] == ["confirmed", "refused"]


def test_a_remark_on_the_next_broadcast_is_never_the_answer_about_a_past_one() -> None:
    case = replace(CASE, places=(replace(PLACE, next=Excluded.OPTION_OFF),))
    case = replace(case, household=replace(HOME, receives_broadcasts=False))
    answer = explain(case)
    assert [(one.text.word, one.item) for one in findings(answer)] == [("accepted", 1), ("option_off", 0)]
    assert answer.items[4].applies is False
    assert [
        one.item
        for one in findings(explain(replace(case, broadcast=None, places=(replace(case.places[0], mail=None),))))
    ] == [5]


@pytest.mark.parametrize(
    ("begins", "ends", "off", "applies"),
    [
        (-20, -15, None, False),  # over before it left
        (-20, -5, None, True),
        (-5, 5, None, True),
        (5, 10, None, False),  # after it was settled
        (-20, 20, -30, False),  # called off beforehand
        (-20, 20, -15, False),  # ended early
        (-20, 20, -5, True),
    ],
)
def test_maintenance_counts_if_it_was_while_the_mail_was_on_its_way(
    begins: int, ends: int, off: int | None, applies: bool
) -> None:
    times = [None if by is None else NOW + timedelta(minutes=by) for by in (begins, ends, off)]
    assert times[0] is not None
    assert times[1] is not None
    window = Window("M1", times[0], times[1], (), LONG_AGO, times[2])
    assert explain(replace(CASE, windows=(window,))).items[1].applies is applies


@pytest.mark.parametrize(
    ("begins", "ends", "off", "word"),
    [
        (-20, -5, None, "window_then"),
        (-20, 20, None, "window_now"),
        (-20, 20, -5, "window_then"),
        (10, 40, None, "window_ahead"),
    ],
)
def test_maintenance_is_told_as_past_present_or_to_come(begins: int, ends: int, off: int | None, word: str) -> None:
    times = [None if by is None else NOW + timedelta(minutes=by) for by in (begins, ends, off)]
    assert times[0] is not None
    assert times[1] is not None
    window = Window("M1", times[0], times[1], (), LONG_AGO, times[2])
    sent = replace(SENT, not_before=NOW + timedelta(minutes=30)) if begins > 0 else SENT
    answer = explain(replace(with_mail(settled_at=None, state="waiting"), broadcast=sent, windows=(window,)))
    check(answer)
    assert word in [said.word for said in answer.items[1].evidence]


def test_what_has_not_left_yet_is_not_told_as_past() -> None:
    planned = replace(SENT, not_before=NOW + timedelta(hours=1))
    off = replace(HOME, receives_broadcasts=False)
    waits = replace(with_mail(state="waiting", settled_at=None), broadcast=planned)
    rests = with_place(excluded=Excluded.RESTING)
    gone = with_place(excluded=Excluded.RESTING, changed=True)
    changed = replace(CASE, places=(replace(PLACE, changed=True),), address="")
    for case, found in [
        (replace(with_place(), household=replace(HOME, registered_at=NOW)), "planned_before_registration"),
        (with_place(set_at=NOW), "planned_before_entry"),
        (with_place(excluded=Excluded.OPTION_OFF), "planned_with_option_off"),
        (replace(with_place(excluded=Excluded.OPTION_OFF), household=off), "planned_with_option_still_off"),
        (rests, "planned_when_resting"),
        (replace(gone, address=""), "planned_without"),
        (changed, "planned_before_change"),
        (replace(changed, places=(replace(PLACE, changed=True, set_at=None),)), "planned_before_emptying"),
    ]:
        answer = explain(replace(case, broadcast=planned))
        check(answer)
        assert answer.first.text.word == found
    moved = replace(PLACE, address="", changed=True), replace(PLACE, slots=(3,), mail=None)
    case = replace(CASE, places=moved, broadcast=planned)
    assert explain(case).items[5].evidence[0].word == "planned_before_move"
    for case, item, word in [
        (waits, 2, "no_window_ahead"),
        (waits, 5, "option_is_on"),
        (replace(waits, household=off), 5, "option_off_since_planned"),
    ]:
        assert explain(case).items[item - 1].evidence[0].word == word


def test_what_waits_for_what() -> None:
    waits = with_mail(state="waiting", settled_at=None, attempts=0)
    assert explain(waits).first.text.word == "queued"
    for before in (None, meant(Reason.MAILBOX_FULL)):
        answer = explain(with_mail(state="waiting", settled_at=None, reason="not_made", read=before, next_try=NOW))
        check(answer)
        assert (answer.first.text.word, answer.first.advice.word) == ("not_made", "do_our_turn")
    for next_try, word in [(None, "blocked"), (BEFORE, "blocked"), (NOW + timedelta(minutes=9), "blocked_until")]:
        answer = explain(with_mail(state="waiting", settled_at=None, blocked=True, next_try=next_try))
        check(answer)
        assert (answer.first.text.word, answer.first.advice.word) == (word, "do_our_turn")
    for reason, word in [
        (Reason.RATE_LIMITED, "blocked"),
        (Reason.NETWORK_TROUBLE, "blocked"),
        (Reason.AUTH_FAILED, "put_off_by_our_fault"),
        (Reason.MAILBOX_FULL, "put_off"),
    ]:
        answer = explain(with_mail(state="waiting", settled_at=None, blocked=True, read=meant(reason)))
        assert answer.first.text.word == word
    assert explain(replace(waits, windows=(WINDOW,))).first.item == 2
    urgent = with_mail(state="waiting", settled_at=None, urgent=True)
    assert explain(replace(urgent, windows=(WINDOW,))).first.item == 7
    later = replace(SENT, not_before=NOW + timedelta(hours=1))
    assert explain(replace(waits, broadcast=later)).first.text.word == "scheduled"
    stopped = with_mail(state="waiting", settled_at=None, stop=Stopped(BEFORE, None, "点検"))
    assert explain(replace(stopped, windows=(WINDOW,))).first.text.word == "suspended"


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("waiting", "", ["tried_again"]),
        ("sending", "", ["sending", "perhaps_taken"]),
        ("expired", "", ["expired_unsaid"]),
        ("cancelled", "announcement_cancelled", ["cancelled_since", "perhaps_taken"]),
        ("cancelled", "removed_by_operator", ["removed_by_operator", "perhaps_taken"]),
        ("held", "held_by_operator", ["held_by_operator", "perhaps_taken"]),
        ("held", "unknown_arrival", ["unknown_arrival"]),
        ("expired", "unknown_arrival", ["unknown_arrival"]),
        ("refused", "", ["refused", "perhaps_taken"]),
    ],
)
@pytest.mark.parametrize("read", [None, meant(Reason.NETWORK_TROUBLE), meant(Reason.MAILBOX_FULL)])
def test_what_may_have_been_taken_is_never_said_not_to_have_been(
    state: str, reason: str, words: list[str], read: Meant | None
) -> None:
    answer = explain(with_mail(state=state, settled_at=None, reason=reason, read=read, possible_duplicate=True))
    check(answer)
    assert [one.text.word for one in findings(answer)] == words
    for line in (answer.items[0], answer.items[2]):
        told = [said.word for said in line.evidence]
        assert (line.applies, told) == (None, ["taken_unknown"]) or (line.item, told) == (3, words[:1])


def test_what_may_have_been_taken_is_looked_for_unless_something_can_be_mended() -> None:
    for read, item, advice in [
        (None, 1, "do_look"),
        (meant(Reason.NETWORK_TROUBLE), 1, "do_look"),
        (meant(Reason.MAILBOX_FULL), 3, "do_mailbox_full"),
    ]:
        for state in ("waiting", "expired"):
            first = explain(with_mail(state=state, settled_at=None, read=read, possible_duplicate=True)).first
            assert (first.item, first.advice.word) == (item, advice)


def test_what_may_have_been_taken_was_if_somebody_opened_it() -> None:
    for state, words in [("expired", ["confirmed"]), ("held", ["confirmed"]), ("refused", ["confirmed", "refused"])]:
        opened = with_mail(state=state, possible_duplicate=True, opened_at=NOW)
        assert [one.text.word for one in findings(explain(opened))] == words
    came_back = with_mail(state="returned", read=meant(Reason.MAILBOX_FULL), possible_duplicate=True)
    assert [one.text.word for one in findings(explain(came_back))] == ["returned"]


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.meaning.acts != "nobody"])
@pytest.mark.parametrize("state", ["waiting", "refused", "returned", "expired"])
def test_a_fault_of_ours_is_told_as_ours_without_what_was_answered(state: str, reason: Reason) -> None:
    ours = reason.value in OUR_FAULTS
    first = explain(with_mail(state=state, settled_at=None, read=meant(reason), next_try=NOW)).first
    assert first.text.word.endswith("_by_our_fault") is ours
    if ours:
        assert first.advice.word == "do_our_turn"
        assert "{reply}" not in WHY[first.text.word]
        assert "nothing is wrong with the address" in WHY[first.text.word]


def test_that_we_were_too_fast_is_no_fault() -> None:
    answer = explain(with_mail(state="waiting", settled_at=None, read=meant(Reason.RATE_LIMITED), next_try=NOW))
    assert (answer.first.text.word, answer.first.advice.word) == ("put_off", "do_wait")


def test_what_may_be_there_twice_says_why() -> None:
    for again, word in [(False, "perhaps_twice"), (True, "sent_again")]:
        for opened, first in [(None, "accepted"), (NOW, "confirmed")]:
            answer = explain(with_mail(possible_duplicate=True, sent_again=again, opened_at=opened))
            assert [one.text.word for one in findings(answer)] == [first, word]
        check(explain(with_mail(possible_duplicate=True, sent_again=again)))
    for state in ("refused", "waiting"):
        told = findings(explain(with_mail(state=state, settled_at=None, possible_duplicate=True)))
        assert "perhaps_twice" not in [one.text.word for one in told]


def test_what_cannot_be_told_of_nobody() -> None:
    answer = explain(Case(NOW, "mail.example.jp", "x@docomo.ne.jp"))
    check(answer)
    assert [line.applies for line in answer.items] == [False, False, False, True, None, None, False]
    answer = explain(replace(CASE, household=None))
    check(answer)
    assert [one.text.word for one in findings(answer)] == ["unregistered", "accepted"]


def test_who_has_left_is_told_so_even_if_the_last_mail_was_opened() -> None:
    left = replace(HOME, deregistered_at=NOW)
    case = replace(with_mail(opened_at=NOW), household=left, confirmed=Confirmed(NOW, 1), met=True)
    assert [one.text.word for one in findings(explain(case))] == ["deregistered", "confirmed"]
    named = replace(case, broadcast=replace(SENT, named=True))
    assert [one.text.word for one in findings(explain(named))] == ["confirmed"]


def test_a_notice_whose_turn_came_after_the_household_had_left_or_registered() -> None:
    named = replace(SENT, named=True)
    gone = replace(with_place(), broadcast=named, household=replace(HOME, deregistered_at=NOW))
    assert explain(gone).first.text.word == "deregistered"
    new = replace(with_mail(), household=replace(HOME, registered_at=NOW), met=True)
    assert "registered_later" not in [one.text.word for one in findings(explain(new))]


def test_a_notice_that_is_still_being_written() -> None:
    coming = replace(with_place(), awaited=True)
    assert explain(coming).first.text.word == "being_written"
    off = replace(coming, broadcast=replace(SENT, cancelled_at=NOW))
    assert explain(off).first.text.word == "called_off"


def test_what_nobody_wrote_down_is_ours() -> None:
    answer = explain(with_place())
    check(answer)
    assert (answer.first.text.word, answer.first.item) == ("unaccounted", 7)


def test_every_sentence_is_said_and_every_said_sentence_stands() -> None:
    sources = "".join(Module(ROOT / "mailer" / "domain" / f"{name}.py").text for name in ("explain", "explain_mail"))
    said = set(re.findall(r'"([a-z_0-9]+)"', sources))
    reasons = {f"do_{reason.value}" for reason in Reason if reason.meaning.acts == "guardian"}
    assert WHY.keys() - said - reasons == {"complaint", "delayed"}
    assert reasons <= WHY.keys()
    assert {*explain_mail.TURNS.values()} <= WHY.keys()
    assert {reason.meaning.acts for reason in Reason} <= {"guardian", *explain_mail.TURNS}
    assert list(rules.LEFT_OUT) == list(Excluded)
    assert set(explain_mail.FATES) == {state.value for state in ItemState}


def test_no_sentence_calls_a_mail_delivered() -> None:
    assert [text for text in WHY.values() if re.search(r"deliver|arrived|reached", text)] == []
