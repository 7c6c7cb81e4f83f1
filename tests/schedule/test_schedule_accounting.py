"""Does the accounting notice an acceptance that is hidden, and one that is claimed?"""

from datetime import UTC, datetime

import pytest

from mailer.domain.lane import Lane
from mailer.schedule.accounting import Facts, ItemFacts, problems
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Verdict
from mailer.schedule.queued import QueuedItem

AT = datetime(2026, 4, 10, 6, 0, tzinfo=UTC)
TAKEN = Evidence("eod", "mx[192.0.2.1]:25", code=250)
ACCEPTED, DEFERRED, REFUSED = Verdict.ACCEPTED, Verdict.DEFERRED, Verdict.REFUSED


@pytest.mark.parametrize(
    ("state", "verdicts", "stands", "problem"),
    [
        (ItemState.ACCEPTED, (ACCEPTED, DEFERRED), True, ""),
        (ItemState.ACCEPTED, (ACCEPTED, Verdict.LOST), True, ""),
        (ItemState.ACCEPTED, (ACCEPTED, DEFERRED), False, "is accepted and its last attempt was not accepted"),
        (ItemState.ACCEPTED, (ACCEPTED, REFUSED), False, "is accepted and its last attempt was not accepted"),
        (ItemState.REFUSED, (ACCEPTED, REFUSED), False, ""),
        (ItemState.CANCELLED, (ACCEPTED, DEFERRED), False, ""),
        (ItemState.CANCELLED, (ACCEPTED,), True, "is cancelled although its mail was accepted and has not come back"),
        (ItemState.EXPIRED, (ACCEPTED,), True, "is expired although its mail was accepted and has not come back"),
        (ItemState.WAITING, (ACCEPTED,), True, ""),
        (ItemState.HELD, (ACCEPTED, DEFERRED), True, ""),
    ],
)
def test_an_acceptance_that_stands_is_neither_hidden_nor_made_up(
    state: ItemState, verdicts: tuple[Verdict, ...], stands: bool, problem: str
) -> None:
    item = QueuedItem(
        id=1,
        announcement_id="B1",
        school="t-daiichi",
        address="a@docomo.ne.jp",
        domain="docomo.ne.jp",
        lane=Lane.SAFETY,
        state=state,
        attempts=len(verdicts),
        possible_duplicate=True,
        next_attempt_at=AT,
        expires_at=AT,
        settled_at=AT,
        evidence=TAKEN,
        replied_at=AT,
    )
    one = ItemFacts(item, ((1, 1),), verdicts, stands)
    facts = Facts(frozenset({1}), frozenset({(1, 1)}), (one,), (), frozenset(), (1, 1, 0))
    assert problems(facts) == ([f"Q1: {problem}"] if problem else [])
