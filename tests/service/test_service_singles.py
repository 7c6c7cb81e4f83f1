"""Does a mail that leaves alone, a notice or a copy, leave once, when it may, and end as it was answered?"""

from datetime import timedelta

import pytest

from mailer.domain import retention
from mailer.schedule.site import SiteState
from mailer.schedule.stop import Part
from mailer.service import broadcast, replies, singles, stops
from mailer.service.office import Office
from mailer.smtp.envelope import Fact
from mailer.smtp.reply import Stage
from mailer.store import domains, site_memory
from mailer.store import singles as store
from mailer.store.database import transaction
from mailer.store.singles import SingleState
from tests.conftest import FakeClock, Register
from tests.forgetting import forget
from tests.service.school_mail import SENDER, arrive, begun, due, ends, fact, tidied


@pytest.mark.parametrize(
    ("one", "state", "reply"),
    [
        (fact(250), "accepted", "250 2.0.0 ok"),
        (fact(550, "5.1.1\nno such user", Stage.RCPT), "refused", "550 5.1.1 no such user"),
        (fact(554, "5.7.1 spam"), "refused", "554 5.7.1 spam"),
        (fact(450, "4.2.0 later", Stage.RCPT), "waiting", "450 4.2.0 later"),
        (fact(554, "go away", Stage.EHLO), "waiting", "554 go away"),
        (fact(0, failure="timeout", kept=True), "waiting", "timeout"),
        (fact(0, failure="needs_smtputf8", stage=Stage.MAIL), "refused", "needs_smtputf8"),
    ],
)
def test_what_an_attempt_comes_to(forwarding: Office, one: Fact, state: str, reply: str) -> None:
    (made,) = arrive(forwarding)
    single = begun(forwarding, made.id)
    after = ends(forwarding, single, singles.judge(forwarding, single, one, "mx[192.0.2.1]:25"))
    assert (after.state, after.reply, after.host) == (state, reply, "mx[192.0.2.1]:25")
    assert after.possible_copies == (1 if one.kept_unknown else 0)
    assert (after.settled_at is None) == (state == "waiting")


def test_an_attempt_is_written_before_it_is_made_and_found_when_nobody_ends_it(forwarding: Office) -> None:
    (made,) = arrive(forwarding)
    single = begun(forwarding, made.id)
    assert (single.state, single.attempts, due(forwarding)) == ("sending", 1, [])
    with transaction():
        assert singles.begin(made.id) is None
    assert tidied(forwarding, made.id) == 0
    assert tidied(forwarding) == 1
    again = replies.get(made.id)
    assert (again.state, again.attempts, again.possible_copies) == ("waiting", 1, 1)
    assert due(forwarding) == [made.id]


def test_after_three_possible_copies_it_is_held(forwarding: Office) -> None:
    (made,) = arrive(forwarding)
    for _ in range(3):
        begun(forwarding, made.id)
        tidied(forwarding)
    held = replies.get(made.id)
    assert (held.state, held.reason, held.attempts) == ("held", "copies", 3)
    assert due(forwarding) == []


def test_it_is_tried_for_three_days_more_and_more_seldom(forwarding: Office, clock: FakeClock) -> None:
    (made,) = arrive(forwarding)
    pauses = []
    while (single := begun(forwarding, made.id)).state is SingleState.SENDING:
        after = ends(forwarding, single, singles.later(forwarding, single, "451 later"))
        if after.state is not SingleState.WAITING:
            break
        pauses.append(after.next_at - clock.now)
        clock.now = after.next_at
    assert (after.state, after.reply) == ("expired", "451 later")
    assert pauses[0] < timedelta(minutes=7)
    assert pauses == sorted(pauses)
    assert clock.now - made.created_at > timedelta(days=2, hours=20)
    assert len(pauses) < 50


def test_what_was_not_looked_at_in_time_is_over(forwarding: Office, clock: FakeClock) -> None:
    (made,) = arrive(forwarding)
    clock.advance(days=3)
    tidied(forwarding)
    assert replies.get(made.id).state is SingleState.EXPIRED


def test_a_mail_is_not_forgotten_before_it_is_handed_on(forwarding: Office, clock: FakeClock) -> None:
    (made,) = arrive(forwarding)
    clock.advance(days=366)
    assert forget(forwarding, retention.Kind.FOR_A_PERSON) == 0
    single = begun(forwarding, made.id)
    assert forget(forwarding, retention.Kind.FOR_A_PERSON) == 0
    ends(forwarding, single, singles.judge(forwarding, single, fact(250), "mx.example.jp"))
    # Its number stands in a return address: as long as it is the newest it stays, so that no other gets it.
    assert forget(forwarding, retention.Kind.FOR_A_PERSON) == 0
    arrive(forwarding, content=b"Subject: another\r\n\r\nbody")
    assert (forget(forwarding, retention.Kind.FOR_A_PERSON), store.get(made.id)) == (1, None)


def test_a_stop_keeps_what_it_names(forwarding: Office, noticing: Office) -> None:
    (copy,), (notice,) = arrive(forwarding), arrive(noticing, "t-daini")
    stops.suspend(noticing, Part(domain="docomo.ne.jp"), "test")
    assert due(forwarding) == [copy.id]
    stops.suspend(noticing, Part(school="t-daiichi"), "test")
    assert due(forwarding) == []
    stops.resume(noticing, None, "test")
    assert due(forwarding) == [copy.id, notice.id]


def test_nothing_leaves_to_a_receiver_that_blocks_us(noticing: Office, clock: FakeClock) -> None:
    (blocked,), (other,) = arrive(noticing), arrive(noticing, sender="c@ezweb.ne.jp")
    with transaction():
        domains.remember_site("docomo.ne.jp", "docomo")
        site_memory.remember(SiteState("docomo", 4, 100, clock.now + timedelta(minutes=30), "421 blocked", clock.now))
    assert due(noticing) == [other.id]
    clock.advance(minutes=31)
    assert due(noticing) == [blocked.id, other.id]


def test_many_that_wait_for_a_stopped_domain_keep_nobody_else(
    noticing: Office, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(singles, "LOOKED_AT_ONCE", 3)
    for number in range(7):
        arrive(noticing, sender=f"s{number}@docomo.ne.jp")
        clock.advance(seconds=number % 2)
    (other,) = arrive(noticing, sender="c@ezweb.ne.jp")
    assert len(list(store.due(clock(), 3))) == 8
    stops.suspend(noticing, Part(domain="docomo.ne.jp"), "test")
    assert due(noticing) == [other.id]


def test_one_leaves_to_each_domain_that_is_not_busy(noticing: Office) -> None:
    senders = ("a@docomo.ne.jp", "b@docomo.ne.jp", "c@ezweb.ne.jp", "d@ezweb.ne.jp", "e@DOCOMO.ne.jp")
    numbers = [arrive(noticing, sender=sender)[0].id for sender in senders]
    assert due(noticing) == [numbers[0], numbers[2]]
    assert [one.id for one in singles.due(noticing, 1)] == [numbers[0]]
    assert [one.id for one in singles.due(noticing, 2, {"docomo.ne.jp"})] == [numbers[2]]
    assert singles.due(noticing, 0) == []


def test_nothing_leaves_in_a_safety_broadcasts_first_minute(
    forwarding: Office, register: Register, clock: FakeClock
) -> None:
    register("t-daiichi", SENDER)
    (made,) = arrive(forwarding)
    for urgent, found in ((False, [made.id]), (True, [])):
        broadcast.send(
            forwarding,
            broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", receipt=False, urgent=urgent, actor="t"),
        )
        assert due(forwarding) == found
    clock.advance(seconds=61)
    assert due(forwarding) == [made.id]


def test_times_follow_a_clock_that_was_set(forwarding: Office) -> None:
    (made,) = arrive(forwarding)
    with transaction():
        assert singles.set_clock(timedelta(days=400)) == 1
    after = replies.get(made.id)
    assert (after.next_at, after.expires_at) == (
        made.next_at + timedelta(days=400),
        made.expires_at + timedelta(days=400),
    )


def test_a_copy_that_was_taken_may_come_back(forwarding: Office) -> None:
    (made,) = arrive(forwarding)
    with transaction():
        assert not singles.returned(forwarding, made.id, "550 no")
    single = begun(forwarding, made.id)
    ends(forwarding, single, singles.judge(forwarding, single, fact(250), "mx"))
    with transaction():
        assert singles.returned(forwarding, made.id, "550 no such user")
        assert not singles.returned(forwarding, made.id, "again")
        assert not singles.returned(forwarding, 4711, "550 no")
    back = replies.get(made.id)
    assert (back.state, back.reply) == ("returned", "550 no such user")


# --- a person


def test_the_same_bytes_at_every_attempt(noticing: Office, clock: FakeClock) -> None:
    (made,) = arrive(noticing)
    first = singles.make(noticing, made, require_tls=False).draft
    clock.advance(days=1)
    second = singles.make(noticing, replies.get(made.id), require_tls=False).draft
    assert first is not None
    assert second is not None
    assert (first.content, first.digests) == (second.content, second.digests)
