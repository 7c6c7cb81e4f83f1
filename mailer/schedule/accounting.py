"""Does the roster accounting of an announcement hold (N1)?

Every address of every household that was addressed stands in exactly one recipient with one named state, or in exactly
one exclusion with its reason; what was accepted or refused has evidence; the sums agree with what was announced. The
facts are read from the store; nothing that was counted at announcing is taken for granted.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mailer.domain.audience import Excluded
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Verdict
from mailer.schedule.queue_id import queue_id
from mailer.schedule.queued import QueuedItem

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """An item, the (household, slot) pairs it stands for, and the verdicts of its attempts in order.

    `stands` tells whether what was said last for good is an acceptance, and the mail has not come back; `reading` is
    what the last reply meant, also where the item's reason is by now that of a person or a deadline.
    """

    item: QueuedItem
    places: tuple[Place, ...]
    verdicts: tuple[Verdict | None, ...]
    stands: bool = False
    reading: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store knows of an announcement.

    `registered` are the households that were registered at the addressed schools from when it was announced until it
    was written, as far as it is; `addresses` those of their (household, slot) pairs that are unchanged since.
    `announced` is what the audit book says was accepted for sending: recipients, households, exclusions. While the
    announcement is not `whole` the book does not say so yet.
    """

    registered: frozenset[int]
    addresses: frozenset[Place]
    items: tuple[ItemFacts, ...]
    exclusions: tuple[tuple[int, int, str], ...]
    confirmed: frozenset[int]
    announced: tuple[int, int, int] | None
    whole: bool = True


def problems(facts: Facts) -> list[str]:
    """Return what does not add up, in plain sentences; an empty list means that the accounting holds."""
    return [sentence for check in CHECKS for sentence in check(facts)]


def _places(facts: Facts) -> Iterator[str]:
    seen = Counter(place for item in facts.items for place in item.places)
    seen.update((household, slot) for household, slot, _ in facts.exclusions)
    for (household, slot), times in seen.items():
        if times > 1:
            yield f"household {household}, address {slot}: accounted for {times} times"
    for household, slot in sorted(facts.addresses - seen.keys()):
        yield f"household {household}, address {slot}: neither among the recipients nor among the exclusions"
    for household in sorted(facts.registered - {household for household, _ in seen}):
        yield f"household {household}: neither among the recipients nor among the exclusions"


def _exclusions(facts: Facts) -> Iterator[str]:
    known = {reason.value for reason in Excluded}
    for household, slot, reason in facts.exclusions:
        if reason not in known:
            yield f"household {household}, address {slot}: left out for an unknown reason ({reason!r})"


def _items(facts: Facts) -> Iterator[str]:
    for one in facts.items:
        for problem in _problems_of(one):
            yield f"{queue_id(one.item.id)}: {problem}"


def _problems_of(one: ItemFacts) -> Iterator[str]:
    if not one.places:
        yield "stands for no household"
    if len(one.verdicts) != one.item.attempts:
        yield f"{one.item.attempts} attempts were begun and {len(one.verdicts)} are written down"
    open_attempts = one.verdicts.count(None)
    if open_attempts != (one.item.state is ItemState.SENDING):
        yield f"is {one.item.state.value} and {open_attempts} attempts are under way"
    verdict = FINAL_VERDICT.get(one.item.state)
    if verdict and verdict not in one.verdicts[-1:] and not _may_differ(one):
        yield f"is {one.item.state.value} and its last attempt was not {verdict.value}"
    if one.item.state in GIVEN_UP and one.stands:
        yield f"is {one.item.state.value} although its mail was accepted and has not come back"
    if one.item.state in FINAL_VERDICT and not _has_evidence(one.item):
        yield f"is {one.item.state.value} without evidence"


def _may_differ(one: ItemFacts) -> bool:
    """Tell whether an attempt before the last may have made the item what it is.

    The mail came back that a server took in an attempt of which we never heard the end, or nothing came of another copy
    of what had been accepted.
    """
    state = one.item.state
    return one.item.possible_duplicate and (state is ItemState.RETURNED or (state is ItemState.ACCEPTED and one.stands))


FINAL_VERDICT = {
    ItemState.ACCEPTED: Verdict.ACCEPTED,
    ItemState.REFUSED: Verdict.REFUSED,
    ItemState.RETURNED: Verdict.ACCEPTED,
}
GIVEN_UP = (ItemState.CANCELLED, ItemState.EXPIRED)


def _has_evidence(item: QueuedItem) -> bool:
    said = item.evidence
    if item.replied_at is None or not said.stage:
        return False
    if item.state is ItemState.REFUSED:
        return bool(said.code or said.reason)
    return item.state is ItemState.RETURNED or (said.stage == "eod" and 200 <= said.code < 300 and bool(said.host))


def _sums(facts: Facts) -> Iterator[str]:
    counted = (len(facts.items), len(_households(facts)), len(facts.exclusions))
    if not facts.whole:
        return
    if facts.announced is None:
        yield "the audit book does not say that this was announced"
    elif counted != facts.announced:
        yield (
            "announced were {} recipients, {} households and {} exclusions".format(*facts.announced)
            + ", found are {}, {} and {}".format(*counted)
        )


def _receipts(facts: Facts) -> Iterator[str]:
    for household in sorted(facts.confirmed - _households(facts)):
        yield f"household {household}: has confirmed what was not sent to it"


def _households(facts: Facts) -> set[int]:
    return {household for one in facts.items for household, _ in one.places}


CHECKS: tuple[Callable[[Facts], Iterator[str]], ...] = (_places, _exclusions, _items, _sums, _receipts)
