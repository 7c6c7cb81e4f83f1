"""Does a second copy that comes to nothing leave what is known of the first?"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from mailer.domain.alarm import Kind
from mailer.schedule.claim import Claimed
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import broadcast, dispatch, queue, roster
from mailer.service.office import Office
from mailer.service.queue import Selection
from mailer.store import alarms
from mailer.store.database import change, transaction
from mailer.store.models import Attempt, QueueItem
from tests.conftest import FakeClock, Register
from tests.service.test_service_bounce import report, take

TAKEN = Evidence("eod", "mx.docomo.ne.jp[192.0.2.1]:25", code=250, enhanced="2.0.0", text="ok")
LATER = Evidence("rcpt", "mx.docomo.ne.jp[192.0.2.2]:25", code=450, enhanced="4.2.0", text="later")
NOBODY = Evidence("rcpt", "mx.docomo.ne.jp[192.0.2.2]:25", code=550, text="unknown", reason="address_unknown")
VERDICTS = {TAKEN: Verdict.ACCEPTED, LATER: Verdict.DEFERRED, NOBODY: Verdict.REFUSED}

Ending = Callable[[Office, FakeClock, Selection], None]


@pytest.fixture
def sent(office: Office, register: Register, clock: FakeClock) -> Selection:
    """A safety broadcast to two guardians, accepted a while ago."""
    register("t-daiichi", "a@docomo.ne.jp", "b@docomo.ne.jp")
    asked = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, urgent=True, actor="t")
    sent = Selection(announcement_id=broadcast.send(office, asked).id)
    end(office, claim(office), TAKEN)
    clock.advance(minutes=30)
    return sent


def claim(office: Office) -> list[Claimed]:
    """Claim what is due."""
    with transaction():
        return dispatch.claim(office, ["docomo.ne.jp"], 100, "w0")


def end(office: Office, claims: list[Claimed], said: Evidence) -> None:
    """Have these attempts end as their replies say."""
    with transaction():
        outcome = Outcome(VERDICTS[said], said, office.clock(), office.clock() + timedelta(seconds=20))
        dispatch.settle(office, [(one.item_id, one.attempt, outcome) for one in claims])


def rows() -> list[dict[str, object]]:
    """Return all that is written of each item."""
    return [dict(one.__data__) for one in QueueItem.select().order_by(QueueItem.id)]


def again(office: Office, sent: Selection) -> None:
    """Have a second copy wait of what was accepted."""
    assert queue.requeue(office, sent, "t", again=True).items == 2


def cancel(office: Office, clock: FakeClock, sent: Selection) -> None:
    """Cancel the broadcast."""
    assert broadcast.cancel(office, sent.announcement_id, "t").items == 2


def remove(office: Office, clock: FakeClock, sent: Selection) -> None:
    """Remove what waits."""
    assert queue.remove(office, sent, "t") == 2


def deregister(office: Office, clock: FakeClock, sent: Selection) -> None:
    """Take the household off the roster."""
    assert roster.deregister(office, 1, "t") == 2


def run_out(office: Office, clock: FakeClock, sent: Selection) -> None:
    """Let the deadline pass."""
    clock.advance(days=3)
    with transaction():
        assert dispatch.expire(office, clock()) == 2


def run_out_when_held(office: Office, clock: FakeClock, sent: Selection) -> None:
    """Let the deadline pass while an operator holds it."""
    queue.hold(office, sent, "t")
    run_out(office, clock, sent)


def remove_on_its_way(office: Office, clock: FakeClock, sent: Selection) -> None:
    """Remove what is under way, and have it put off."""
    claims = claim(office)
    assert queue.remove(office, sent, "t") == 2
    end(office, claims, LATER)


def deregister_on_its_way(office: Office, clock: FakeClock, sent: Selection) -> None:
    """Take the household off the roster while it is under way, and have the worker die."""
    claim(office)
    roster.deregister(office, 1, "t")
    with transaction():
        dispatch.recover(office, "w0")


def cancel_unused(office: Office, clock: FakeClock, sent: Selection) -> None:
    """Cancel what is claimed before it leaves."""
    claims = claim(office)
    cancel(office, clock, sent)
    with transaction():
        dispatch.unclaim(office, [(one.item_id, one.attempt) for one in claims])


def run_out_on_its_way(office: Office, clock: FakeClock, sent: Selection) -> None:
    """Have it put off when the deadline is over."""
    claims = claim(office)
    clock.advance(days=3)
    end(office, claims, LATER)


NOT_BEGUN: list[Ending] = [cancel, remove, deregister, run_out, run_out_when_held, cancel_unused]
BEGUN: list[Ending] = [remove_on_its_way, deregister_on_its_way, run_out_on_its_way]


@pytest.mark.parametrize("ending", NOT_BEGUN + BEGUN)
def test_what_was_accepted_stays_so_when_a_second_copy_comes_to_nothing(
    office: Office, sent: Selection, clock: FakeClock, ending: Ending
) -> None:
    before = rows()
    again(office, sent)
    ending(office, clock, sent)
    figures = broadcast.show(office, sent.announcement_id)
    assert (figures["accepted"], figures["cancelled"], figures["expired"]) == (2, 0, 0)
    assert broadcast.verify(office, sent.announcement_id) == []
    assert alarms.standing(Kind.UNREACHED) == set()
    differs = {"attempts", "next_attempt_at", "expires_at"}
    if ending in BEGUN:
        differs |= {"possible_copies", "possible_duplicate"}
    for old, new in zip(before, rows(), strict=True):
        assert {name for name in old if old[name] != new[name]} <= differs
    assert {one.possible_duplicate for one in QueueItem.select()} == {ending in BEGUN}


def test_what_came_back_later_is_returned_although_a_second_copy_was_given_up(office: Office, sent: Selection) -> None:
    again(office, sent)
    queue.remove(office, sent, "t")
    take(office, 1, report("a@docomo.ne.jp"))
    assert [one.state for one in QueueItem.select().order_by(QueueItem.id)] == ["returned", "accepted"]
    assert broadcast.verify(office, sent.announcement_id) == []


@pytest.mark.parametrize("is_second_wanted_first", [True, False])
def test_what_came_back_is_not_accepted_when_a_second_copy_comes_to_nothing(
    office: Office, sent: Selection, clock: FakeClock, is_second_wanted_first: bool
) -> None:
    if is_second_wanted_first:
        again(office, sent)
        take(office, 1, report("a@docomo.ne.jp"))
    else:
        take(office, 1, report("a@docomo.ne.jp"))
        again(office, sent)
    assert [one.reason for one in Attempt.select().order_by(Attempt.item)] == ["address_unknown", ""]
    change("DELETE FROM inbound_mail")  # it is forgotten long before the recipients are
    run_out(office, clock, sent)
    assert [one.state for one in QueueItem.select().order_by(QueueItem.id)] == ["expired", "accepted"]
    assert broadcast.verify(office, sent.announcement_id) == []
    (told,) = alarms.find(ended=False)
    assert (told.kind, told.words) == (Kind.UNREACHED, "1/2")


def test_a_second_copy_that_was_accepted_stands_for_the_first_that_came_back(
    office: Office, sent: Selection, clock: FakeClock
) -> None:
    again(office, sent)
    take(office, 1, report("a@docomo.ne.jp"))
    end(office, claim(office), TAKEN)
    again(office, sent)
    run_out(office, clock, sent)
    assert {one.state for one in QueueItem.select()} == {"accepted"}
    assert broadcast.verify(office, sent.announcement_id) == []


def test_the_last_word_of_the_receiver_counts_when_it_refuses_a_second_copy(office: Office, sent: Selection) -> None:
    again(office, sent)
    end(office, claim(office), NOBODY)
    assert {(one.state, one.reason) for one in QueueItem.select()} == {("refused", "address_unknown")}
    queue.requeue(office, sent, "t")
    queue.remove(office, sent, "t")
    assert {one.state for one in QueueItem.select()} == {"cancelled"}
    assert broadcast.verify(office, sent.announcement_id) == []


def test_only_who_got_no_copy_at_all_is_told_as_not_reached(
    office: Office, sent: Selection, register: Register, clock: FakeClock
) -> None:
    asked = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, urgent=True, actor="t")
    other = Selection(announcement_id=broadcast.send(office, asked).id)
    first, _ = claims = claim(office)
    end(office, [first], TAKEN)
    end(office, claims[1:], LATER)
    queue.requeue(office, other, "t", expires=timedelta(hours=1), again=True)
    change("UPDATE queue_item SET expires_at = ? WHERE announcement_id = ?", (0, other.announcement_id))
    with transaction():
        assert dispatch.expire(office, clock(), most=1) == 1
        dispatch.expire(office, clock())
    (told,) = alarms.find(ended=False)
    assert (told.subject, told.words) == (other.announcement_id, "1/2")
