"""What becomes of an item when one of its attempts has ended?

A known acceptance or refusal is final. Everything else is temporary (RFC 5321 §4.2.1: 4yz) until the item's deadline,
with two exceptions. Where silence came after the mail's last byte, or where we died in the attempt, the receiver may
have a copy already (RFC 1047): after three such attempts the item is held for a person (届いたか不明), lest
a guardian get an endless row of copies. And what an operator wished for an item under way is done now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Outcome, Verdict

MOST_POSSIBLE_COPIES = 3
FINAL: Mapping[Verdict, ItemState] = {Verdict.ACCEPTED: ItemState.ACCEPTED, Verdict.REFUSED: ItemState.REFUSED}
#: The words that stand as an item's reason where no reply gave one.
UNKNOWN_ARRIVAL = "unknown_arrival"
HELD_BY_OPERATOR = "held_by_operator"
REMOVED_BY_OPERATOR = "removed_by_operator"
CANCELLED = "announcement_cancelled"
NEVER_TRIED = "never_tried"
NOT_MADE = "not_made"

REASONS: Mapping[str, str] = {
    UNKNOWN_ARRIVAL: "It is not known whether the mail arrived: several attempts ended without an answer.",
    HELD_BY_OPERATOR: "Held by an operator.",
    REMOVED_BY_OPERATOR: "Removed from the queue by an operator.",
    CANCELLED: "The broadcast or notice was cancelled.",
    NEVER_TRIED: "The time allowed was over before the first attempt.",
    NOT_MADE: "The mail could not be made or signed here, by a fault of ours.",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How an item stands while its attempt runs.

    `intent` is the reason for which a person wants it stopped, or empty: HELD_BY_OPERATOR holds it, any other ends it.
    """

    expires_at: datetime
    possible_copies: int
    intent: str


@dataclass(frozen=True, slots=True)
class Step:
    """What is written to the item: its new state, its count of possible copies, and a reason that beats the reply's."""

    state: ItemState
    possible_copies: int
    reason: str | None = None


def after(outcome: Outcome, standing: Standing) -> Step:
    """Return what an item becomes by the outcome of its attempt."""
    copies = standing.possible_copies + outcome.possible_duplicate
    if final := FINAL.get(outcome.verdict):
        return Step(final, copies)
    return _still_open(standing, copies, outcome.at)


def lost(standing: Standing, now: datetime) -> Step:
    """Return what an item becomes of whose attempt nobody knows the end: the receiver may have a copy."""
    return _still_open(standing, standing.possible_copies + 1, now)


def unused(standing: Standing, now: datetime) -> Step:
    """Return what an item becomes whose attempt never began."""
    return _still_open(standing, standing.possible_copies, now)


def _still_open(standing: Standing, copies: int, now: datetime) -> Step:
    if standing.intent not in ("", HELD_BY_OPERATOR):
        return Step(ItemState.CANCELLED, copies, standing.intent)
    # Before an operator's hold, which may end by itself: this one waits for a person.
    if copies >= MOST_POSSIBLE_COPIES and copies > standing.possible_copies:
        return Step(ItemState.HELD, copies, UNKNOWN_ARRIVAL)
    if standing.intent:
        return Step(ItemState.HELD, copies, HELD_BY_OPERATOR)
    return Step(ItemState.EXPIRED if now >= standing.expires_at else ItemState.WAITING, copies)
