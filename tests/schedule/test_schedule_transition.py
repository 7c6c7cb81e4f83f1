"""What becomes of an item when an attempt has ended?"""

from datetime import UTC, datetime, timedelta

import pytest

from mailer.schedule.item import ItemState, told
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.schedule.transition import Standing, Step, after, lost, unused

NOW = datetime(2026, 4, 10, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
EVIDENCE = Evidence("eod", "mx.example.jp", code=451, text="try later", reason="greylisted")


def standing(copies: int = 0, intent: str = "", expires_at: datetime = LATER) -> Standing:
    """Return an item under way."""
    return Standing(expires_at, copies, intent)


def outcome(verdict: Verdict, *, doubt: bool = False) -> Outcome:
    """Return the end of an attempt."""
    return Outcome(verdict, EVIDENCE, NOW, possible_duplicate=doubt)


@pytest.mark.parametrize("intent", ["", "held_by_operator", "removed_by_operator"])
@pytest.mark.parametrize("copies", [0, 2, 5])
def test_acceptance_and_refusal_are_final_whatever_was_wished(intent: str, copies: int) -> None:
    at = standing(copies, intent, NOW - timedelta(days=1))
    assert after(outcome(Verdict.ACCEPTED), at) == Step(ItemState.ACCEPTED, copies)
    assert after(outcome(Verdict.REFUSED), at) == Step(ItemState.REFUSED, copies)


def test_a_deferred_item_waits_until_its_deadline() -> None:
    assert after(outcome(Verdict.DEFERRED), standing()).state is ItemState.WAITING
    assert after(outcome(Verdict.DEFERRED), standing(expires_at=NOW)).state is ItemState.EXPIRED


def test_the_third_possible_copy_holds_the_item_for_a_person() -> None:
    doubtful = outcome(Verdict.DEFERRED, doubt=True)
    assert after(doubtful, standing(1)) == Step(ItemState.WAITING, 2)
    assert after(doubtful, standing(2)) == Step(ItemState.HELD, 3, "unknown_arrival")
    assert lost(standing(2), NOW) == Step(ItemState.HELD, 3, "unknown_arrival")


def test_a_released_item_is_not_held_again_for_old_doubts() -> None:
    assert after(outcome(Verdict.DEFERRED), standing(3)) == Step(ItemState.WAITING, 3)
    assert unused(standing(3), NOW) == Step(ItemState.WAITING, 3)


def test_what_an_operator_wished_is_done_when_the_attempt_did_not_settle() -> None:
    held = Step(ItemState.HELD, 0, "held_by_operator")
    assert after(outcome(Verdict.DEFERRED), standing(intent="held_by_operator")) == held
    ended = Step(ItemState.CANCELLED, 0, "announcement_cancelled")
    assert unused(standing(intent="announcement_cancelled"), NOW) == ended
    assert lost(standing(intent="announcement_cancelled"), NOW).state is ItemState.CANCELLED


def test_an_unused_claim_past_the_deadline_is_over() -> None:
    assert unused(standing(expires_at=NOW), NOW).state is ItemState.EXPIRED


@pytest.mark.parametrize(
    ("state", "attempts", "word"),
    [
        (ItemState.WAITING, 0, "waiting"),
        (ItemState.SENDING, 1, "waiting"),
        (ItemState.WAITING, 1, "deferred"),
        (ItemState.SENDING, 2, "deferred"),
        (ItemState.RETURNED, 1, "refused"),
        (ItemState.HELD, 3, "held"),
    ],
)
def test_people_are_told_the_words_of_the_surface(state: ItemState, attempts: int, word: str) -> None:
    assert told(state, attempts) == word
