"""Does a safety broadcast that does not go on, as a whole or at one carrier, call somebody within minutes?"""

from datetime import timedelta

import pytest

from mailer.domain.alarm import Kind
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import broadcast, dispatch, standstill, stops
from mailer.service.office import Office
from mailer.store import alarms
from mailer.store.database import transaction
from mailer.store.models import QueueItem
from tests.conftest import FakeClock, Register

TAKEN = Evidence("eod", "mx.google.com[192.0.2.1]:25", code=250, enhanced="2.0.0", text="ok")
NOBODY = Evidence("connect", "mx.docomo.ne.jp[192.0.2.9]:25", text="no_network", reason="network_trouble")
SHARE, MANY = standstill.STALLED_SHARE, standstill.MANY


def register_many(register: Register, domain: str, number: int) -> None:
    """Register a guardian for each of so many addresses."""
    for one in range(number):
        register("t-daiichi", f"g{one}@{domain}")


def send(office: Office) -> str:
    """Send a safety broadcast to the school."""
    asked = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, urgent=True, actor="tester")
    return broadcast.send(office, asked).id


def end(office: Office, domain: str, evidence: Evidence, most: int = 1000) -> int:
    """Have due items of a domain taken, or put off, with these words; return how many."""
    verdict = Verdict.ACCEPTED if evidence.code == 250 else Verdict.DEFERRED
    with transaction():
        claims = dispatch.claim(office, [domain], most, "w0")
        outcome = Outcome(verdict, evidence, office.clock(), office.clock() + timedelta(minutes=4))
        return dispatch.settle(office, [(one.item_id, one.attempt, outcome) for one in claims])


def told(office: Office) -> dict[str, str]:
    """Look as the keeper does; return the words of what stands still, by subject."""
    with transaction():
        standstill.follow(office)
    return {one.subject: one.words for one in alarms.find(ended=False) if one.kind is Kind.STALLED}


def test_one_that_nobody_accepts_calls_somebody_in_minutes(
    office: Office, register: Register, clock: FakeClock
) -> None:
    register("t-daiichi", "a@gmail.com", "b@docomo.ne.jp")
    sent = send(office)
    end(office, "docomo.ne.jp", NOBODY)
    clock.advance(minutes=2)
    assert told(office) == {}
    clock.advance(minutes=1)
    assert told(office) == {sent: "2/2: docomo.ne.jp 1 mx.docomo.ne.jp[192.0.2.9]:25: connect: no_network; gmail.com 1"}
    QueueItem.update(state=ItemState.ACCEPTED.value, settled_at=clock.now).execute()
    assert told(office) == {}


def test_the_domain_at_which_most_wait_is_named_first_though_none_was_tried_there(
    office: Office, register: Register, clock: FakeClock
) -> None:
    register_many(register, "docomo.ne.jp", 3)
    register("t-daiichi", "a@ezweb.ne.jp")
    sent = send(office)
    end(office, "ezweb.ne.jp", NOBODY)
    clock.advance(minutes=3, seconds=1)
    assert told(office)[sent].startswith("4/4: docomo.ne.jp 3; ezweb.ne.jp 1 mx.docomo.ne.jp[192.0.2.9]:25: connect")


def test_what_was_never_tried_is_not_said_to_stand_still(office: Office, register: Register, clock: FakeClock) -> None:
    register("t-daiichi", "a@gmail.com")
    send(office)
    clock.advance(minutes=10)
    assert told(office) == {}


def test_what_a_stop_keeps_and_a_few_dead_hosts_do_not_stand_still(
    office: Office, register: Register, clock: FakeClock
) -> None:
    register("t-daiichi", "a@gmail.com", "b@docomo.ne.jp")
    register("t-daiichi", "c@docomo.ne.jp", "d@docomo.ne.jp")
    send(office)
    end(office, "gmail.com", NOBODY)
    stops.suspend(office, stops.Part(domain="docomo.ne.jp"), "tester")
    clock.advance(minutes=4)
    assert told(office) == {}


@pytest.mark.parametrize("number", [MANY - 1, MANY])
def test_a_carrier_at_which_many_wait_is_told_though_the_broadcast_went_on(
    office: Office, register: Register, clock: FakeClock, number: int
) -> None:
    register_many(register, "gmail.com", SHARE * MANY)
    register_many(register, "docomo.ne.jp", number)
    sent = send(office)
    assert end(office, "gmail.com", TAKEN) == SHARE * MANY
    assert end(office, "docomo.ne.jp", NOBODY) == number
    clock.advance(minutes=3, seconds=1)
    words = f"{number}/{number}: docomo.ne.jp {number} mx.docomo.ne.jp[192.0.2.9]:25: connect: no_network"
    assert told(office) == ({f"{sent} docomo.ne.jp": words} if number == MANY else {})
    clock.advance(minutes=1)
    assert end(office, "docomo.ne.jp", TAKEN) == number
    assert told(office) == {}


def test_full_mailboxes_at_a_carrier_that_takes_the_others_do_not_stand_still(
    office: Office, register: Register, clock: FakeClock
) -> None:
    register_many(register, "docomo.ne.jp", SHARE * MANY)
    send(office)
    assert end(office, "docomo.ne.jp", NOBODY, most=MANY) == MANY
    assert end(office, "docomo.ne.jp", TAKEN) == (SHARE - 1) * MANY
    clock.advance(minutes=3, seconds=1)
    assert told(office) == {}


def test_where_all_stand_still_no_carrier_is_told_beside_it(
    office: Office, register: Register, clock: FakeClock
) -> None:
    for domain in ("gmail.com", "docomo.ne.jp"):
        register_many(register, domain, MANY)
    sent = send(office)
    for domain in ("gmail.com", "docomo.ne.jp"):
        assert end(office, domain, NOBODY) == MANY
    clock.advance(minutes=3, seconds=1)
    assert list(told(office)) == [sent]
    assert list(told(office)) == [sent]
