"""Are items claimed once, settled once, and never lost?"""

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from mailer.domain.lane import Lane
from mailer.schedule.claim import Claimed, Recovered
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.schedule.queued import QueuedItem
from mailer.service import broadcast, dispatch, queue
from mailer.service.office import Office
from mailer.store.database import transaction
from tests.conftest import FakeClock, Register

OK = Evidence("eod", "mx.docomo.ne.jp", code=250, enhanced="2.0.0", text="Ok", tls="TLSv1.3")
BUSY = Evidence("connect", "mx.docomo.ne.jp", code=421, enhanced="4.7.0", text="too many", reason="rate_limited")
GONE = Evidence(
    "rcpt", "mx.docomo.ne.jp", code=550, enhanced="5.1.1", text="unknown user", tls="TLSv1.3", reason="unknown_user"
)
SILENCE = Evidence("eod", "mx.docomo.ne.jp", text="timeout", reason="network_trouble")

Send = Callable[..., str]


@pytest.fixture
def send(office: Office, register: Register) -> Send:
    """Sends a broadcast to a household of three domains; the keywords are those of the request."""
    register("t-daiichi", "a@docomo.ne.jp", "b@gmail.com")
    register("t-daiichi", "c@docomo.ne.jp", "d@ezweb.ne.jp")

    def one(urgent: bool = True, at: datetime | None = None, expires: timedelta | None = None) -> str:
        asked = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, urgent, "tester", at, expires)
        return broadcast.send(office, asked).id

    return one


def claim(office: Office, *domains: str, limit: int = 100, worker: str = "w0") -> list[Claimed]:
    """Claim in a transaction, as the writer does."""
    with transaction():
        return dispatch.claim(office, domains or ("docomo.ne.jp", "gmail.com", "ezweb.ne.jp"), limit, worker)


def settle(office: Office, claims: Sequence[Claimed], verdict: Verdict, evidence: Evidence = OK, **more: object) -> int:
    """Settle all claims alike."""
    now = office.clock()
    again = now + timedelta(seconds=10) if verdict is Verdict.DEFERRED else None
    outcome = Outcome(verdict, evidence, now, again, possible_duplicate=bool(more.get("doubt")))
    with transaction():
        return dispatch.settle(office, [(one.item_id, one.attempt, outcome) for one in claims])


def item(number: int) -> QueuedItem:
    """Return an item as it stands."""
    return next(queue.list_(queue.Selection(numbers=(number,))))


def verdicts(office: Office, number: int) -> list[Verdict | None]:
    """Return how the item's attempts ended."""
    shown = queue.show(office, f"Q{number:X}")
    assert shown is not None
    return [one.verdict for one in shown.attempts]


def test_due_domains_name_the_first_due_item_of_each_lane(office: Office, clock: FakeClock, send: Send) -> None:
    assert dispatch.due_domains(clock()) == []
    send(urgent=False)
    send(urgent=True)
    first = clock()
    send(urgent=True, at=clock() + timedelta(hours=1))
    due = dispatch.due_domains(clock())
    assert [(one.domain, one.lane) for one in due] == [
        (domain, lane)
        for lane in (Lane.SAFETY, Lane.ORDINARY)
        for domain in ("docomo.ne.jp", "ezweb.ne.jp", "gmail.com")
    ]
    assert {one.first_due for one in due} == {first}
    assert {one.lane for one in dispatch.due_domains(clock(), [Lane.SAFETY])} == {Lane.SAFETY}
    assert dispatch.due_domains(clock(), [Lane.NOTICE]) == []


def test_a_claim_writes_the_attempt_and_the_next_time_before_anything_is_sent(
    office: Office, clock: FakeClock, send: Send
) -> None:
    name = send()
    claims = claim(office, "docomo.ne.jp")
    assert [(one.address, one.announcement_id, one.school, one.attempt, one.lane) for one in claims] == [
        ("a@docomo.ne.jp", name, "t-daiichi", 1, Lane.SAFETY),
        ("c@docomo.ne.jp", name, "t-daiichi", 1, Lane.SAFETY),
    ]
    assert claims[0].queue_id == f"Q{claims[0].item_id:X}"
    held = item(claims[0].item_id)
    assert (held.state, held.attempts) == (ItemState.SENDING, 1)
    assert held.next_attempt_at == clock() + timedelta(seconds=10)
    assert verdicts(office, held.id) == [None]
    assert claim(office, "docomo.ne.jp") == []


def test_urgent_lanes_are_claimed_first_and_within_the_limit(office: Office, send: Send) -> None:
    send(urgent=False)
    urgent = send(urgent=True)
    claims = claim(office, "docomo.ne.jp", "gmail.com", limit=4)
    assert [one.announcement_id for one in claims[:3]] == [urgent] * 3
    assert claims[3].lane is Lane.ORDINARY
    with transaction():
        assert dispatch.claim(office, ["ezweb.ne.jp"], 9, "w0", [Lane.NOTICE]) == []


def test_the_longest_due_of_several_domains_goes_first(office: Office, clock: FakeClock, send: Send) -> None:
    send()
    settle(office, claim(office, "docomo.ne.jp"), Verdict.DEFERRED, BUSY)
    clock.advance(minutes=1)
    assert [one.domain for one in claim(office, limit=3)] == ["ezweb.ne.jp", "gmail.com", "docomo.ne.jp"]
    assert [one.domain for one in claim(office)] == ["docomo.ne.jp"]


def test_nothing_is_claimed_before_its_time_or_after_its_deadline(office: Office, clock: FakeClock, send: Send) -> None:
    send(at=clock() + timedelta(hours=1), expires=timedelta(hours=1))
    assert claim(office) == []
    clock.advance(hours=2)
    assert claim(office) == []


def test_acceptance_is_written_with_its_evidence(office: Office, clock: FakeClock, send: Send) -> None:
    send()
    claims = claim(office)
    clock.advance(seconds=3)
    assert settle(office, claims, Verdict.ACCEPTED) == 4
    done = item(claims[0].item_id)
    assert (done.state, done.evidence, done.replied_at, done.settled_at) == (
        ItemState.ACCEPTED,
        OK,
        clock(),
        clock(),
    )
    shown = queue.show(office, claims[0].queue_id)
    assert shown is not None
    assert (shown.attempts[0].verdict, shown.attempts[0].evidence) == (Verdict.ACCEPTED, OK)
    assert shown.attempts[0].ended_at == clock()


def test_a_deferred_item_comes_again_at_the_time_named(office: Office, clock: FakeClock, send: Send) -> None:
    send()
    claims = claim(office, "docomo.ne.jp")
    settle(office, claims, Verdict.DEFERRED, BUSY)
    waiting = item(claims[0].item_id)
    assert (waiting.state, waiting.word, waiting.settled_at) == (ItemState.WAITING, "deferred", None)
    assert waiting.next_attempt_at == clock() + timedelta(seconds=10)
    assert waiting.evidence == BUSY
    clock.advance(seconds=10)
    assert [one.attempt for one in claim(office, "docomo.ne.jp")] == [2, 2]


def test_a_deferral_past_the_deadline_expires_the_item(office: Office, clock: FakeClock, send: Send) -> None:
    send(expires=timedelta(seconds=30))
    claims = claim(office, "docomo.ne.jp")
    clock.advance(seconds=30)
    settle(office, claims, Verdict.DEFERRED, BUSY)
    over = item(claims[0].item_id)
    assert (over.state, over.evidence, over.settled_at) == (ItemState.EXPIRED, BUSY, clock())


def test_expire_ends_waiting_and_held_items_with_the_last_reply_kept(
    office: Office, clock: FakeClock, send: Send
) -> None:
    name = send(expires=timedelta(minutes=1))
    send()
    settle(office, claim(office, "docomo.ne.jp", limit=2), Verdict.DEFERRED, BUSY)
    queue.hold(office, queue.Selection(announcement_id=name, domains=frozenset({"gmail.com"})), "tester")
    running = claim(office, "ezweb.ne.jp", limit=1)
    clock.advance(minutes=1)
    with transaction():
        assert dispatch.expire(office, clock()) == 3
        assert dispatch.expire(office, clock()) == 0
    words = {line["address"]: (line["state"], line["evidence"]["reason"]) for line in broadcast.recipients(name)}
    assert words == {
        "a@docomo.ne.jp": ("expired", "rate_limited"),
        "c@docomo.ne.jp": ("expired", "rate_limited"),
        "b@gmail.com": ("expired", "held_by_operator"),
        "d@ezweb.ne.jp": ("waiting", ""),
    }
    settle(office, running, Verdict.ACCEPTED)
    assert broadcast.verify(office, name) == []


def test_many_items_expire_by_handfuls_the_first_first(office: Office, clock: FakeClock, send: Send) -> None:
    first, second = send(expires=timedelta(minutes=1)), send(expires=timedelta(minutes=2))
    clock.advance(minutes=2)
    with transaction():
        assert dispatch.expire(office, clock(), 5) == 5
        assert broadcast.show(office, first)["expired"] == 4
        assert broadcast.show(office, second)["expired"] == 1
        assert [dispatch.expire(office, clock(), 5) for _ in range(2)] == [3, 0]


def test_an_item_that_was_never_tried_says_so_when_it_expires(office: Office, clock: FakeClock, send: Send) -> None:
    name = send(expires=timedelta(minutes=1))
    clock.advance(minutes=1)
    with transaction():
        dispatch.expire(office, clock())
    assert {line["evidence"]["reason"] for line in broadcast.recipients(name)} == {"never_tried"}


def test_a_lost_claim_is_tried_again_at_once_and_marked(office: Office, clock: FakeClock, send: Send) -> None:
    send()
    claims = claim(office, "docomo.ne.jp", worker="w1")
    with transaction():
        assert dispatch.recover(office, "w2") == Recovered(0, 0, 0)
        assert dispatch.recover(office, "w1") == Recovered(2, 0, 0)
    again = claim(office, "docomo.ne.jp", worker="w1")
    assert [(one.item_id, one.attempt, one.possible_duplicate) for one in again] == [
        (one.item_id, 2, True) for one in claims
    ]
    assert verdicts(office, claims[0].item_id) == [Verdict.LOST, None]


def test_an_attempt_of_which_nobody_knows_anything_ends_as_lost(office: Office, send: Send) -> None:
    send()
    claims = claim(office, "docomo.ne.jp")
    open_ = [(one.item_id, one.attempt) for one in claims]
    assert dispatch.under_way() == open_
    with transaction():
        assert dispatch.give_up(office, open_[:1]) == Recovered(1, 0, 0)
        assert dispatch.give_up(office, open_[:1]) == Recovered(0, 0, 0)
    assert dispatch.under_way() == open_[1:]
    assert verdicts(office, open_[0][0]) == [Verdict.LOST]


def test_recovery_keeps_what_an_earlier_attempt_was_told(office: Office, clock: FakeClock, send: Send) -> None:
    send()
    settle(office, claim(office, "docomo.ne.jp"), Verdict.DEFERRED, BUSY)
    clock.advance(minutes=1)
    number = claim(office, "docomo.ne.jp")[0].item_id
    with transaction():
        dispatch.recover(office, None)
    assert item(number).evidence == BUSY


def test_a_late_settlement_does_not_overwrite_the_attempt_after_it(
    office: Office, clock: FakeClock, send: Send
) -> None:
    send()
    late = claim(office, "docomo.ne.jp")
    with transaction():
        dispatch.recover(office, None)
    assert settle(office, late, Verdict.REFUSED, GONE) == 0
    again = claim(office, "docomo.ne.jp")
    assert settle(office, late, Verdict.REFUSED, GONE) == 0
    assert settle(office, again, Verdict.ACCEPTED) == 2
    assert settle(office, again, Verdict.REFUSED, GONE) == 0
    assert item(late[0].item_id).state is ItemState.ACCEPTED
    assert verdicts(office, late[0].item_id) == [Verdict.LOST, Verdict.ACCEPTED]


def test_after_three_lost_claims_the_item_is_held_for_a_person(office: Office, send: Send) -> None:
    name = send()
    for _ in range(3):
        claim(office, "docomo.ne.jp")
        with transaction():
            found = dispatch.recover(office, "w0")
    assert found == Recovered(0, 2, 0)
    held = [line for line in broadcast.recipients(name) if line["state"] == "held"]
    assert [(line["evidence"]["reason"], line["possible_duplicate"]) for line in held] == [
        ("unknown_arrival", True)
    ] * 2
    assert claim(office, "docomo.ne.jp") == []


def test_at_most_three_possible_copies_leave_whether_silence_or_death_caused_them(
    office: Office, clock: FakeClock, send: Send
) -> None:
    send()
    for _ in range(2):
        settle(office, claim(office, "gmail.com"), Verdict.DEFERRED, SILENCE, doubt=True)
        clock.advance(minutes=5)
    number = claim(office, "gmail.com")[0].item_id
    with transaction():
        assert dispatch.recover(office, "w0").held == 1
    assert item(number).state is ItemState.HELD
    queue.release(office, queue.Selection(numbers=(number,)), "tester")
    settle(office, claim(office, "gmail.com"), Verdict.DEFERRED, BUSY)
    assert item(number).state is ItemState.WAITING
    clock.advance(minutes=1)
    settle(office, claim(office, "gmail.com"), Verdict.DEFERRED, SILENCE, doubt=True)
    assert item(number).state is ItemState.HELD


def test_claims_of_which_nothing_was_sent_leave_no_trace(office: Office, clock: FakeClock, send: Send) -> None:
    send()
    claims = claim(office, "docomo.ne.jp")
    pairs = [(one.item_id, one.attempt) for one in claims]
    with transaction():
        assert dispatch.unclaim(office, pairs) == 2
        assert dispatch.unclaim(office, pairs) == 0
    back = item(claims[0].item_id)
    assert (back.state, back.attempts, back.word, back.possible_duplicate) == (ItemState.WAITING, 0, "waiting", False)
    assert verdicts(office, back.id) == []
    assert [one.attempt for one in claim(office, "docomo.ne.jp")] == [1, 1]


def test_a_claim_that_comes_back_after_its_deadline_was_never_tried(
    office: Office, clock: FakeClock, send: Send
) -> None:
    name = send(expires=timedelta(minutes=1))
    claims = claim(office, "docomo.ne.jp")
    clock.advance(minutes=1)
    with transaction():
        dispatch.unclaim(office, [(one.item_id, one.attempt) for one in claims])
    lines = [line for line in broadcast.recipients(name) if line["address"].endswith("@docomo.ne.jp")]
    assert {(line["state"], line["evidence"]["reason"]) for line in lines} == {("expired", "never_tried")}


def test_a_failure_inside_leaves_every_step_undone(office: Office, send: Send) -> None:
    send()

    def fails(step: Callable[[], object]) -> None:
        with contextlib.suppress(ZeroDivisionError), transaction():
            step()
            raise ZeroDivisionError

    fails(lambda: dispatch.claim(office, ["docomo.ne.jp"], 9, "w0"))
    claims = claim(office, "docomo.ne.jp")
    assert [one.attempt for one in claims] == [1, 1]
    number = claims[0].item_id
    done = [(one.item_id, one.attempt, Outcome(Verdict.ACCEPTED, OK, office.clock())) for one in claims]
    fails(lambda: dispatch.settle(office, done))
    fails(lambda: dispatch.unclaim(office, [(number, 1)]))
    fails(lambda: dispatch.recover(office, "w0"))
    assert item(number).state is ItemState.SENDING
    assert verdicts(office, number) == [None]


def test_the_frozen_announcement_is_handed_out(office: Office, send: Send) -> None:
    name = send()
    found = dispatch.announcement(name)
    assert (found.id, found.subject, found.text, found.schools) == (name, "件名", "本文", ("t-daiichi",))
    with pytest.raises(LookupError):
        dispatch.announcement("B9999999")


def test_the_bare_form_of_a_domain_is_remembered(office: Office) -> None:
    for _ in range(2):
        with transaction():
            dispatch.remember_bare_form("docomo.ne.jp")
    assert dispatch.bare_domains() == {"docomo.ne.jp"}
