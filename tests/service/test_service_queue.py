"""Do operators move exactly the items they name, and is nothing ever forgotten by it?"""

from datetime import timedelta

import pytest

from mailer.schedule.claim import Claimed
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Outcome, SmtpSession, Verdict
from mailer.service import audit, broadcast, dispatch, queue
from mailer.service.office import Office
from mailer.service.queue import NoSuchItems, NothingNamed, QueuedItem, Selection
from mailer.store import control
from mailer.store.database import transaction
from tests.conftest import FakeClock, Register

BUSY = Evidence("connect", "mx.docomo.ne.jp", code=421, enhanced="4.7.0", text="too many", reason="rate_limited")
ALL = Selection()
DOCOMO = Selection(domains=frozenset({"docomo.ne.jp"}))


@pytest.fixture
def sent(office: Office, register: Register) -> str:
    """A broadcast to two addresses at docomo and one elsewhere: items 1, 2 and 3."""
    register("t-daiichi", "a@docomo.ne.jp", "b@docomo.ne.jp")
    register("t-daiichi", "c@gmail.com")
    return broadcast.send(office, request()).id


def request(**more: timedelta) -> broadcast.BroadcastRequest:
    """Return an ordinary broadcast."""
    return broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, False, "tester", **more)  # type: ignore[arg-type]  # tests give `expires` alone


def states() -> dict[int, ItemState]:
    """Return the state of every item."""
    return {one.id: one.state for one in queue.list_(Selection(states=frozenset(ItemState)))}


def claim(office: Office, *domains: str) -> list[Claimed]:
    """Claim what is due for these domains."""
    with transaction():
        return dispatch.claim(office, domains, 100, "w0")


def defer(office: Office, claims: list[Claimed]) -> None:
    """Have these attempts end with a 421."""
    now = office.clock()
    outcome = Outcome(Verdict.DEFERRED, BUSY, now, now + timedelta(minutes=20))
    with transaction():
        dispatch.settle(office, [(one.item_id, one.attempt, outcome) for one in claims])


def ids(items: list[QueuedItem]) -> list[int]:
    """Return the numbers of items."""
    return [one.id for one in items]


def test_a_broadcast_is_tried_as_long_as_what_was_requeued(office: Office, sent: str, clock: FakeClock) -> None:
    first_end = broadcast.show(office, sent)["expires_at"]
    clock.advance(days=5)
    with transaction():
        dispatch.expire(office, clock.now)
    queue.requeue(office, Selection(announcement_id=sent), "test", expires=timedelta(hours=2))
    assert first_end < clock.now
    assert broadcast.show(office, sent)["expires_at"] == clock.now + timedelta(hours=2)


def test_listing_finds_what_fits_every_criterion(office: Office, sent: str) -> None:
    other = broadcast.send(office, request()).id

    def found(selection: Selection, limit: int | None = None) -> list[int]:
        return ids(list(queue.list_(selection, limit)))

    assert found(ALL) == [1, 2, 3, 4, 5, 6]
    assert found(ALL, 2) == [1, 2]
    assert found(DOCOMO) == [1, 2, 4, 5]
    assert found(Selection(announcement_id=other, domains=frozenset({"docomo.ne.jp"}))) == [4, 5]
    assert found(Selection(address_key="c@gmail.com")) == [3, 6]
    assert found(Selection(numbers=(6, 2, 99))) == [2, 6]


def test_listing_leaves_out_what_is_over_unless_it_is_named(office: Office, sent: str) -> None:
    broadcast.cancel(office, sent, "tester")
    assert list(queue.list_(ALL)) == []
    assert len(list(queue.list_(Selection(states=frozenset({ItemState.CANCELLED}))))) == 3
    assert ids(list(queue.list_(Selection(numbers=(1,))))) == [1]


def test_showing_an_item_tells_every_attempt(office: Office, clock: FakeClock, sent: str) -> None:
    for _ in range(2):
        defer(office, claim(office, "docomo.ne.jp"))
        clock.advance(minutes=20)
    shown = queue.show(office, "q1")
    assert shown is not None
    assert shown.item.evidence == BUSY
    assert [(one.number, one.verdict, one.evidence) for one in shown.attempts] == [
        (1, Verdict.DEFERRED, BUSY),
        (2, Verdict.DEFERRED, BUSY),
    ]
    assert queue.show(office, "QFF") is None
    with pytest.raises(ValueError, match="queue id"):
        queue.show(office, "17")


def test_flushing_makes_deferred_items_due_now(office: Office, clock: FakeClock, sent: str) -> None:
    defer(office, claim(office, "docomo.ne.jp", "gmail.com"))
    assert claim(office, "docomo.ne.jp", "gmail.com") == []
    assert queue.flush(office, DOCOMO, "tester") == 2
    assert [one.item_id for one in claim(office, "docomo.ne.jp", "gmail.com")] == [1, 2]


def test_a_flush_names_receivers_by_what_was_chosen(office: Office, sent: str) -> None:
    everyone = {item.domain for item in queue.list_(ALL)}
    for chosen, named in (
        (DOCOMO, DOCOMO.domains),
        (Selection(announcement_id=sent), everyone),
        (Selection(numbers=(1,)), {next(queue.list_(Selection(numbers=(1,)))).domain}),
        (ALL, everyone),
    ):
        before = dispatch.last_flush()
        queue.flush(office, chosen, "tester")
        assert dispatch.flushed(before) == named
        assert dispatch.last_flush() == before + 1


def test_flushing_does_not_let_a_scheduled_broadcast_out_early(office: Office, clock: FakeClock, sent: str) -> None:
    at = clock() + timedelta(hours=1)
    later = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, True, "tester", at)
    broadcast.send(office, later)
    assert queue.flush(office, ALL, "tester") == 3
    assert len(claim(office, "docomo.ne.jp", "gmail.com")) == 3


def test_holding_and_releasing(office: Office, clock: FakeClock, sent: str) -> None:
    defer(office, claim(office, "docomo.ne.jp"))
    assert queue.hold(office, DOCOMO, "tester") == 2
    assert queue.hold(office, DOCOMO, "tester") == 0
    assert states() == {1: ItemState.HELD, 2: ItemState.HELD, 3: ItemState.WAITING}
    clock.advance(hours=1)
    assert claim(office, "docomo.ne.jp") == []
    assert queue.release(office, Selection(numbers=(1,)), "tester") == 1
    assert [one.item_id for one in claim(office, "docomo.ne.jp")] == [1]
    assert broadcast.show(office, sent)["held"] == 1


def test_releasing_does_not_let_a_scheduled_broadcast_out_early(office: Office, clock: FakeClock, sent: str) -> None:
    at = clock() + timedelta(hours=1)
    later = broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, True, "tester", at)
    scheduled = Selection(announcement_id=broadcast.send(office, later).id)
    queue.hold(office, scheduled, "tester")
    assert queue.release(office, scheduled, "tester") == 3
    assert {one.next_attempt_at for one in queue.list_(scheduled)} == {at}


def test_an_item_under_way_is_held_when_its_attempt_does_not_settle_it(office: Office, sent: str) -> None:
    claims = claim(office, "docomo.ne.jp")
    assert queue.hold(office, DOCOMO, "tester") == 2
    assert queue.release(office, Selection(numbers=(1,)), "tester") == 1
    defer(office, claims)
    assert states() == {1: ItemState.WAITING, 2: ItemState.HELD, 3: ItemState.WAITING}
    held = next(queue.list_(Selection(numbers=(2,))))
    assert (held.evidence.reason, held.evidence.code) == ("held_by_operator", 421)


def test_removed_items_end_as_cancelled_and_stay_accounted_for(office: Office, sent: str) -> None:
    claims = claim(office, "gmail.com")
    queue.hold(office, Selection(numbers=(2,)), "tester")
    assert queue.remove(office, Selection(announcement_id=sent), "tester") == 3
    with transaction():
        dispatch.unclaim(office, [(one.item_id, one.attempt) for one in claims])
    assert set(states().values()) == {ItemState.CANCELLED}
    reasons = {line["evidence"]["reason"] for line in broadcast.recipients(sent)}
    assert reasons == {"removed_by_operator"}
    assert broadcast.show(office, sent)["state"] == "finished"
    assert broadcast.verify(office, sent) == []


def test_holding_does_not_undo_a_removal_of_an_item_under_way(office: Office, sent: str) -> None:
    claims = claim(office, "gmail.com")
    assert queue.remove(office, Selection(numbers=(3,)), "tester") == 1
    assert queue.hold(office, Selection(numbers=(3,)), "tester") == 0
    defer(office, claims)
    assert states()[3] is ItemState.CANCELLED


def test_the_whole_queue_is_never_removed_by_leaving_everything_out(office: Office, sent: str) -> None:
    for selection in (ALL, Selection(states=frozenset({ItemState.WAITING}))):
        with pytest.raises(NothingNamed):
            queue.remove(office, selection, "tester")
    assert set(states().values()) == {ItemState.WAITING}


def test_nobody_cancels_the_whole_queue(office: Office, sent: str) -> None:
    with pytest.raises(ValueError, match="the whole queue"):
        control.cancel(Selection(), "any", office.clock())
    assert broadcast.show(office, sent)["cancelled"] == 0


def test_what_operators_do_stands_in_the_book_without_addresses(office: Office, sent: str) -> None:
    queue.hold(office, Selection(address_key="c@gmail.com"), "窓口")
    queue.release(office, Selection(numbers=(3,), announcement_id=sent), "窓口")
    released, held = list(audit.list_())[:2]
    assert (held.actor, held.action, held.object, held.detail) == (
        "窓口",
        "queue.hold",
        "",
        {"items": 1, "address": True},
    )
    assert (released.action, released.object, released.detail) == (
        "queue.release",
        sent,
        {"items": 1, "queue_ids": ["Q3"]},
    )


def test_a_deed_that_cannot_be_written_into_the_book_is_not_done(
    office: Office, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("mailer.store.audit.append", fail)
    chosen = Selection(announcement_id=sent)
    for deed in (queue.hold, queue.remove, queue.flush, queue.release):
        with pytest.raises(ZeroDivisionError):
            deed(office, chosen, "tester")
    with pytest.raises(ZeroDivisionError):
        broadcast.cancel(office, sent, "tester")
    assert set(states().values()) == {ItemState.WAITING}
    assert broadcast.show(office, sent)["state"] == "sending"


def test_who_names_an_item_that_there_is_not_does_nothing(office: Office, sent: str) -> None:
    queue.hold(office, Selection(numbers=(2,)), "tester")
    before, book = states(), list(audit.list_())
    for deed in (queue.hold, queue.remove, queue.flush, queue.release):
        with pytest.raises(NoSuchItems, match=r"^Q9, QFF$"):
            deed(office, Selection(numbers=(1, 9, 2, 255, 9)), "tester")
    assert (states(), list(audit.list_())) == (before, book)


def test_an_attempt_says_what_was_said_or_that_nobody_knows(office: Office, sent: str) -> None:
    now = office.clock()
    session = SmtpSession(7, "mx[192.0.2.1]:25", now, 12, "ours", "", "c 20 220 mx\nh 30 250 mx\\nPIPELINING")
    claims = claim(office, "docomo.ne.jp", "gmail.com")
    accepted = Outcome(Verdict.ACCEPTED, Evidence("eod", "mx", code=250, text="queued"), now)
    with transaction():
        told = accepted.told(session, "5\nm 40 250 ok\nr 40 250 ok\nd 41 354 go\ne 50")
        dispatch.settle(office, [(claims[0].item_id, 1, told)])
        dispatch.settle(office, [(claims[1].item_id, 1, told)])
    shown = queue.show(office, "Q1")
    assert shown is not None
    (lines,) = shown.transcripts
    assert [(line.by, line.text) for line in lines if line.by in ("connect", "server")] == [
        ("connect", "mx[192.0.2.1]:25"),
        ("server", "220 mx"),
        ("server", "250-mx"),
        ("server", "250 PIPELINING"),
        ("server", "250 ok"),
        ("server", "250 ok"),
        ("server", "354 go"),
        ("server", "250 queued"),
    ]
    assert (lines[0].at, lines[-1].at) == (now + timedelta(milliseconds=12), now + timedelta(milliseconds=50))
    assert any(line.text.startswith(f"MAIL FROM:<{office.verp.local_part(1)}@") for line in lines)
    with transaction():
        dispatch.recover(office, "w0")
    lost = queue.show(office, "Q3")
    assert lost is not None
    assert (lost.attempts[0].verdict, lost.transcripts[0]) == (Verdict.LOST, [])
