"""Does a household stand on the call list exactly as long as no mail can reach it?"""

from collections.abc import Mapping

from mailer.carrier.wave import Day
from mailer.domain.reach import State
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import broadcast, dispatch, reach, wave
from mailer.service.office import Office
from mailer.store.database import transaction
from mailer.store.models import AddressSlot, QueueItem
from tests.conftest import FakeClock, Register

ONE, TWO, THREE = "one@docomo.ne.jp", "two@docomo.ne.jp", "three@docomo.ne.jp"
OK = Evidence("eod", "mx.docomo.ne.jp", 250, "2.0.0", "ok", "", "")
FULL = Evidence("rcpt", "mx.docomo.ne.jp", 552, "5.2.2", "full", "", "mailbox_full")
BLOCKED = Evidence("connect", "mx.docomo.ne.jp", 554, "5.7.1", "blocked", "", "source_blocked")


def go(office: Office, clock: FakeClock, refused: Mapping[str, Evidence]) -> None:
    """Send a broadcast of which these addresses refuse the mail, softly."""
    broadcast.send(office, broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, False, "tester"))
    domains = {one.domain for one in QueueItem.select(QueueItem.domain)}
    with transaction():
        ends = [
            (one.item_id, one.attempt, _end(refused.get(one.address), clock))
            for one in dispatch.claim(office, domains, 100, "w0")
        ]
        dispatch.settle(office, ends)
    clock.advance(minutes=5)


def _end(said: Evidence | None, clock: FakeClock) -> Outcome:
    return Outcome(Verdict.REFUSED, said, clock()) if said else Outcome(Verdict.ACCEPTED, OK, clock())


def called(office: Office) -> list[int]:
    return [one.household.id for one in reach.call_list(office, ["t-daiichi"], "tester")]


def test_a_household_is_called_while_both_addresses_fail(office: Office, clock: FakeClock, register: Register) -> None:
    family = register("t-daiichi", ONE, TWO, THREE)
    register("t-daiichi", "other@gmail.com")
    assert called(office) == []
    go(office, clock, {ONE: FULL})
    assert called(office) == []
    go(office, clock, {TWO: FULL, ONE: FULL})
    assert called(office) == [family]
    go(office, clock, {ONE: FULL})
    assert called(office) == []


def test_our_own_fault_sends_nobody_to_the_telephone(office: Office, clock: FakeClock, register: Register) -> None:
    register("t-daiichi", ONE)
    go(office, clock, {ONE: BLOCKED})
    assert called(office) == []


def test_a_wave_of_refusals_sends_nobody_to_the_telephone(office: Office, clock: FakeClock, register: Register) -> None:
    family = register("t-daiichi", ONE)
    go(office, clock, {ONE: FULL})
    assert called(office) == [family]
    with transaction():
        wave.note(office, {("docomo.ne.jp", ""): Day(10, 90)})
    assert called(office) == []


def test_who_wants_no_broadcasts_is_not_called_and_who_has_no_address_is(office: Office, register: Register) -> None:
    register("t-daiichi", receives=False)
    family = register("t-daiichi", None, None, THREE)
    assert called(office) == [family]


def test_an_address_that_was_good_once_and_cannot_be_written_to_is_told(office: Office, register: Register) -> None:
    family = register("t-daiichi", ONE)
    AddressSlot.update(address="a b@docomo.ne.jp").execute()
    (one,) = reach.call_list(office, ["t-daiichi"], "tester")
    assert (one.household.id, one.slots[0].state) == (family, State.BAD_ADDRESS)
