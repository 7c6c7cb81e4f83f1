"""What became of an announcement, counted and whole? Canaries are nobody's mailbox and are left out everywhere."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from mailer.domain.announcement import Announcement
from mailer.schedule.accounting import Facts, ItemFacts
from mailer.schedule.item import TOLD, ItemState, told
from mailer.schedule.outcome import Verdict
from mailer.schedule.queued import QueuedItem, Selection
from mailer.schedule.transition import FINAL
from mailer.schedule.transition import REASONS as NOT_OF_REPLIES
from mailer.store.database import select
from mailer.store.items import find
from mailer.store.models import EVER, instant, moment

SUMS = "SELECT sums FROM announcement_sums WHERE announcement_id = ?"
FORGOTTEN_AT = "SELECT forgotten_at FROM announcement_sums WHERE announcement_id = ?"
STATES = """
SELECT state, attempts, COUNT(*), SUM(possible_duplicate) FROM queue_item
WHERE announcement_id = ? AND NOT canary GROUP BY state, attempts
"""
EXCLUDED = "SELECT reason, COUNT(*) FROM exclusion WHERE announcement_id = ? GROUP BY reason ORDER BY reason"
HOUSEHOLDS = """
SELECT COUNT(DISTINCT slot.household_id), COUNT(DISTINCT receipt.household_id)
FROM queue_item AS item JOIN item_slot AS slot ON slot.item_id = item.id
LEFT JOIN receipt ON receipt.announcement_id = item.announcement_id AND receipt.household_id = slot.household_id
WHERE item.announcement_id = ?
"""
PLACES = """
SELECT slot.item_id, slot.household_id, slot.slot
FROM queue_item AS item JOIN item_slot AS slot ON slot.item_id = item.id
WHERE item.announcement_id = ? ORDER BY slot.item_id, slot.household_id, slot.slot
"""
VERDICTS = """
SELECT attempt.item_id, attempt.verdict, attempt.reason
FROM queue_item AS item JOIN attempt ON attempt.item_id = item.id
WHERE item.announcement_id = ? ORDER BY attempt.item_id, attempt.number
"""
CONFIRMED = "SELECT household_id FROM receipt WHERE announcement_id = ?"
LAST_END = "SELECT MAX(expires_at) FROM queue_item WHERE announcement_id = ? AND NOT canary"
EXCLUSIONS = "SELECT household_id, slot, reason FROM exclusion WHERE announcement_id = ?"
#: Who was registered from before it was announced until it was written. A roster that changed in the same millisecond
#: is left out of the check.
REGISTERED = """
SELECT household.id FROM household JOIN announcement_school AS addressed ON addressed.school = household.school
WHERE addressed.announcement_id = :id AND household.registered_at < :announced
    AND (household.deregistered_at IS NULL OR household.deregistered_at > :written)
    AND (addressed.unwritten_after IS NULL OR household.id <= addressed.unwritten_after)
"""
ADDRESSES = """
SELECT slot.household_id, slot.slot
FROM household JOIN announcement_school AS addressed ON addressed.school = household.school
JOIN address_slot AS slot ON slot.household_id = household.id
WHERE addressed.announcement_id = :id AND slot.set_at < :announced AND household.registered_at < :announced
    AND (household.deregistered_at IS NULL OR household.deregistered_at > :written)
    AND (addressed.unwritten_after IS NULL OR household.id <= addressed.unwritten_after)
"""


#: When the recipients, households and exclusions of an announcement were counted, and how many they were.
Counted = tuple[datetime, tuple[int, int, int]]


class Forgotten(LookupError):
    """The recipients of this announcement were forgotten; only its sums are kept."""

    def __init__(self, announcement_id: str, at: datetime) -> None:
        super().__init__(announcement_id)
        self.at = at


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of an announcement. `told` has every word of the Surface; `returned` are some of its `refused`.

    `possible_duplicates` are recipients in any state; None: not counted when the recipients were forgotten.
    """

    told: dict[str, int]
    returned: int
    under_way: int
    tried: int
    excluded: dict[str, int]
    households: int
    confirmed: int
    possible_duplicates: int | None = None

    @property
    def recipients(self) -> int:
        """How many mails the announcement is."""
        return sum(self.told.values())

    def packed(self) -> str:
        """Return it as it is kept when the recipients are forgotten."""
        return json.dumps(asdict(self))


def tally(announcement_id: str) -> Tally:
    """Count the recipients by state, the exclusions by reason, and the households that confirmed.

    Where the recipients are forgotten, these are the sums as they stood then.
    """
    for (sums,) in select(SUMS, (announcement_id,)):
        return Tally(**json.loads(sums))
    words = dict.fromkeys(TOLD, 0)
    states: dict[ItemState, int] = defaultdict(int)
    tried = doubtful = 0
    for state, attempts, number, twice in select(STATES, (announcement_id,)):
        words[told(ItemState(state), attempts)] += number
        states[ItemState(state)] += number
        tried += number if attempts else 0
        doubtful += twice
    households, confirmed = select(HOUSEHOLDS, (announcement_id,))[0]
    excluded = dict(select(EXCLUDED, (announcement_id,)))
    under_way = states[ItemState.WAITING] + states[ItemState.SENDING]
    return Tally(words, states[ItemState.RETURNED], under_way, tried, excluded, households, confirmed, doubtful)


def must_be_kept(announcement_id: str) -> None:
    """Raise Forgotten where the recipients of an announcement are not kept any longer."""
    if (at := forgotten_at(announcement_id)) is not None:
        raise Forgotten(announcement_id, at)


def forgotten_at(announcement_id: str) -> datetime | None:
    """Return when the recipients of an announcement were forgotten; None: they are kept."""
    found = select(FORGOTTEN_AT, (announcement_id,))
    return moment(found[0][0]) if found else None


def tried_until(announcement: Announcement) -> datetime:
    """Return when the time of the last recipient is over: what an operator requeued has a time of its own."""
    ((last,),) = select(LAST_END, (announcement.id,))
    return announcement.expires_at if last is None else max(announcement.expires_at, moment(last))


def confirmed_households(announcement_id: str) -> frozenset[int]:
    """Return the households that confirmed the announcement. Raises Forgotten."""
    must_be_kept(announcement_id)
    return frozenset(household for (household,) in select(CONFIRMED, (announcement_id,)))


def items(announcement_id: str) -> Iterator[ItemFacts]:
    """Return every recipient's item of an announcement with its places and what came of its attempts."""
    places = _grouped(select(PLACES, (announcement_id,)))
    verdicts = _grouped(select(VERDICTS, (announcement_id,)))
    for item in find(Selection(announcement_id=announcement_id, canaries=False)):
        pairs = tuple((household, slot) for household, slot in places.get(item.id, ()))
        ends = [(Verdict(word) if word else None, reason) for word, reason in verdicts.get(item.id, ())]
        yield ItemFacts(item, pairs, tuple(verdict for verdict, _ in ends), _stands(ends), _reading(item, ends))


def facts(announcement: Announcement, announced: Counted | None, now: datetime) -> Facts:
    """Return all that the accounting check wants to know; `announced` comes from the audit book. Raises Forgotten."""
    must_be_kept(announcement.id)
    at, counts = announced or (now, None)
    # Where the clock was set back meanwhile, nobody can tell who had left by then: those are not looked for.
    written = instant(at) if at >= announcement.announced_at else EVER
    when = {"id": announcement.id, "announced": instant(announcement.announced_at), "written": written}
    return Facts(
        registered=frozenset(household for (household,) in select(REGISTERED, when)),
        addresses=frozenset((row[0], row[1]) for row in select(ADDRESSES, when)),
        items=tuple(items(announcement.id)),
        exclusions=tuple((row[0], row[1], row[2]) for row in select(EXCLUSIONS, (announcement.id,))),
        confirmed=confirmed_households(announcement.id),
        announced=counts,
        whole=announcement.whole,
    )


def _stands(ends: Sequence[tuple[Verdict | None, str]]) -> bool:
    """Tell whether an acceptance stands: one that has a reason is that of a mail that came back."""
    final = [end for end in ends if end[0] in FINAL]
    return final[-1:] == [(Verdict.ACCEPTED, "")]


def _reading(item: QueuedItem, ends: Sequence[tuple[Verdict | None, str]]) -> str:
    """Return what the last reply meant: what lies over it by now, such as an operator's hold, says nothing of it."""
    present = item.evidence.reason
    if present and present not in NOT_OF_REPLIES:
        return present
    replied = [reason for verdict, reason in ends if verdict not in (None, Verdict.LOST)]
    return replied[-1] if replied else ""


def _grouped(rows: list[tuple[Any, ...]]) -> dict[int, list[tuple[Any, ...]]]:
    return {item: [row[1:] for row in group] for item, group in groupby(rows, key=lambda row: row[0])}
