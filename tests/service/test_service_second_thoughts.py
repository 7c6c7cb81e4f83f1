"""Does what an operator takes back, or does for a moment, leave every item as a person would expect?"""

from datetime import timedelta

import pytest

from mailer.domain.alarm import Kind
from mailer.schedule.claim import Claimed
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import bounce, broadcast, dispatch, queue, stops
from mailer.service.office import Office
from mailer.service.queue import Selection
from mailer.store import alarms
from mailer.store.bounce_events import Criteria
from mailer.store.database import transaction
from mailer.store.models import QueueItem
from tests.conftest import FakeClock, Register
from tests.service.test_service_bounce import report, take

TAKEN = Evidence("eod", "mx.docomo.ne.jp[192.0.2.1]:25", code=250, enhanced="2.0.0", text="ok")
LATER = Evidence("rcpt", "mx.docomo.ne.jp[192.0.2.1]:25", code=450, enhanced="4.2.0", text="later")
SILENT = Evidence("eod", "mx.docomo.ne.jp[192.0.2.1]:25", text="timeout")


@pytest.fixture
def sent(office: Office, register: Register) -> Selection:
    """A safety broadcast to two guardians."""
    register("t-daiichi", "a@docomo.ne.jp", "b@docomo.ne.jp")
    asked = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, urgent=True, actor="t")
    return Selection(announcement_id=broadcast.send(office, asked).id)


def claim(office: Office) -> list[Claimed]:
    """Claim what is due."""
    with transaction():
        return dispatch.claim(office, ["docomo.ne.jp"], 100, "w0")


def end(office: Office, claims: list[Claimed], said: Evidence, *, doubt: bool = False) -> None:
    """Have these attempts end as their replies say."""
    with transaction():
        verdict = Verdict.ACCEPTED if said is TAKEN else Verdict.DEFERRED
        outcome = Outcome(verdict, said, office.clock(), office.clock() + timedelta(seconds=20), doubt)
        dispatch.settle(office, [(one.item_id, one.attempt, outcome) for one in claims])


def in_doubt(office: Office, clock: FakeClock, times: int) -> None:
    """Have so many attempts of every item end in silence."""
    for _ in range(times):
        end(office, claim(office), SILENT, doubt=True)
        clock.advance(minutes=7)


def standing() -> set[tuple[str, str]]:
    """Return in which states, and for what reasons, the items stand."""
    return {(one.state, one.reason) for one in QueueItem.select()}


@pytest.mark.parametrize("is_held", [True, False])
def test_what_was_stopped_under_way_goes_on_when_it_is_requeued(office: Office, sent: Selection, is_held: bool) -> None:
    claims = claim(office)
    if is_held:
        queue.hold(office, sent, "t")
    else:
        queue.remove(office, sent, "t")
    assert queue.requeue(office, sent, "t") == queue.Requeued(2, {})
    end(office, claims, LATER)
    assert standing() == {("waiting", "")}


def test_what_a_cancelled_broadcast_has_under_way_is_not_requeued(office: Office, sent: Selection) -> None:
    claims = claim(office)
    broadcast.cancel(office, sent.announcement_id, "t")
    assert queue.requeue(office, sent, "t").items == 0
    end(office, claims, LATER)
    assert standing() == {("cancelled", "announcement_cancelled")}


def test_a_pause_of_a_broadcast_sends_nothing_again_whose_arrival_is_unknown(
    office: Office, sent: Selection, clock: FakeClock
) -> None:
    in_doubt(office, clock, 3)
    queue.hold(office, sent, "t")
    assert queue.release(office, sent, "t") == 0
    assert standing() == {("held", "unknown_arrival")}
    assert queue.release(office, Selection(numbers=(1, 2)), "t") == 2
    assert standing() == {("waiting", "")}


def test_a_hold_that_ends_by_itself_does_not_let_go_what_is_in_doubt(
    office: Office, sent: Selection, clock: FakeClock
) -> None:
    in_doubt(office, clock, 2)
    claims = claim(office)
    queue.hold(office, sent, "t", lasting=timedelta(minutes=5))
    end(office, claims, SILENT, doubt=True)
    assert standing() == {("held", "unknown_arrival")}
    assert alarms.standing(Kind.HELD) == {sent.announcement_id}
    clock.advance(minutes=6)
    with transaction():
        stops.end_over(office)
    assert standing() == {("held", "unknown_arrival")}


def test_a_return_of_the_first_copy_does_not_end_the_second_that_was_wanted(office: Office, sent: Selection) -> None:
    first = claim(office)
    end(office, first, TAKEN)
    item = first[0].item_id
    queue.requeue(office, sent, "t", again=True)
    take(office, item, report("a@docomo.ne.jp", trace="before it is begun"))
    assert standing() == {("waiting", "")}
    second = claim(office)
    take(office, item, report("a@docomo.ne.jp", status="5.2.2", trace="while it is under way"))
    assert standing() == {("sending", "")}
    end(office, second, TAKEN)
    assert broadcast.verify(office, sent.announcement_id) == []
    assert [one.item_id for one in bounce.listed(Criteria(), 10) if one.item_id] == [item, item]
    take(office, item, report("a@docomo.ne.jp", status="5.1.6", trace="of the second"))
    assert {one.state for one in QueueItem.select()} == {"returned", "accepted"}
