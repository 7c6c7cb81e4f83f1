"""Does a household stand on the call list exactly as long as no mail can reach it?"""

from collections.abc import Mapping

from mailer.carrier.wave import Lot
from mailer.domain.reach import State
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import broadcast, dispatch, reach, suspension, wave
from mailer.service.office import Office
from mailer.store import registry
from mailer.store.database import transaction
from mailer.store.models import AddressSlot, QueueItem
from tests.conftest import FakeClock, Register

ONE, TWO, THREE = "one@docomo.ne.jp", "two@docomo.ne.jp", "three@docomo.ne.jp"
OK = Evidence("eod", "mx.docomo.ne.jp", code=250, enhanced="2.0.0", text="ok")
FULL = Evidence("rcpt", "mx.docomo.ne.jp", code=552, enhanced="5.2.2", text="full", reason="mailbox_full")
BLOCKED = Evidence("connect", "mx.docomo.ne.jp", code=554, enhanced="5.7.1", text="blocked", reason="source_blocked")


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


def stands(office: Office, family: int) -> list[State]:
    """Return how the addresses of a household stand."""
    household = registry.by_id(family)
    assert household is not None
    return [slot.state for one in reach.of_households([household]) for slot in one.slots]


def judged(office: Office, clock: FakeClock, **later: float) -> None:
    clock.advance(**later)
    with transaction():
        suspension.judge(office)


def test_what_a_wave_refused_is_undecided_and_the_school_is_told(
    office: Office, clock: FakeClock, register: Register
) -> None:
    family, other = register("t-daiichi", ONE), register("t-daiichi", TWO, "other@gmail.com")
    go(office, clock, {ONE: FULL, TWO: FULL})
    with transaction():
        wave.note(office, {("docomo.ne.jp", ""): Lot(10, 90)})
    for _ in range(3):
        assert called(office) == [family]
        assert (stands(office, family), stands(office, other)) == (
            [State.UNDECIDED],
            [State.UNDECIDED, State.WORKS],
        )
        assert reach.by_school(["t-daiichi"]) == {"t-daiichi": reach.Figures(0, 1, 1, 0, 0)}
        judged(office, clock, hours=1)
    clock.advance(days=1)
    with transaction():
        wave.note(office, {("docomo.ne.jp", ""): Lot(1000, 1)})
    judged(office, clock, hours=1)
    assert (called(office), stands(office, family)) == ([], [State.WORKS])


def test_what_was_accepted_since_is_undecided_no_longer(office: Office, clock: FakeClock, register: Register) -> None:
    register("t-daiichi", ONE)
    go(office, clock, {ONE: FULL})
    with transaction():
        wave.note(office, {("docomo.ne.jp", ""): Lot(10, 90)})
    judged(office, clock, hours=1)
    go(office, clock, {})
    assert called(office) == []


def test_what_failed_before_a_wave_fails(office: Office, clock: FakeClock, register: Register) -> None:
    family = register("t-daiichi", ONE)
    go(office, clock, {ONE: FULL})
    judged(office, clock, days=1)
    go(office, clock, {ONE: FULL})
    with transaction():
        wave.note(office, {("docomo.ne.jp", ""): Lot(10, 90)})
    assert stands(office, family) == [State.FAILS]


def test_what_an_operator_thaws_is_judged_at_once(office: Office, clock: FakeClock, register: Register) -> None:
    family = register("t-daiichi", ONE)
    go(office, clock, {ONE: FULL})
    with transaction():
        wave.note(office, {("docomo.ne.jp", ""): Lot(10, 90)})
    judged(office, clock, hours=1)
    wave.thaw(office, "docomo.ne.jp", "tester")
    judged(office, clock, seconds=1)
    assert stands(office, family) == [State.FAILS]


def test_who_wants_no_broadcasts_is_not_called_and_who_has_no_address_is(office: Office, register: Register) -> None:
    register("t-daiichi", receives=False)
    family = register("t-daiichi", None, None, THREE)
    assert called(office) == [family]


def test_an_address_that_was_good_once_and_cannot_be_written_to_is_told(office: Office, register: Register) -> None:
    family = register("t-daiichi", ONE)
    AddressSlot.update(address="a b@docomo.ne.jp").execute()
    (one,) = reach.call_list(office, ["t-daiichi"], "tester")
    assert (one.household.id, one.slots[0].state) == (family, State.BAD_ADDRESS)
