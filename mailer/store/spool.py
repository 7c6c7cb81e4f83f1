"""Which items are taken from the queue, and what is written when an attempt has ended?

The hot path: plain SQL by the hundred rows. The attempt and the time of the next one are committed before the first
packet leaves, so that a crash never makes us forget that we tried, nor hammer the receiver. An attempt that is still
open has no verdict; whatever ends it (settle, give back, recover) asks for that, so that each ends once.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any

from mailer.domain.lane import Lane
from mailer.schedule.claim import Claimed, DueDomain
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Outcome
from mailer.schedule.stop import ASIDE
from mailer.schedule.transition import NEVER_TRIED, Standing, Step
from mailer.store import acceptance, announcements, sessions
from mailer.store.database import change, executemany, rows, select, select_each
from mailer.store.models import instant, moment

#: A loose scan of the index of waiting items: one step per domain and lane, however many items wait.
DUE_DOMAINS = """
WITH RECURSIVE waiting (domain) AS (
    SELECT MIN(domain) FROM queue_item WHERE state = 'waiting'
    UNION ALL
    SELECT (SELECT MIN(domain) FROM queue_item WHERE state = 'waiting' AND domain > waiting.domain)
    FROM waiting WHERE waiting.domain IS NOT NULL
), lanes (lane) AS (VALUES (0), (1), (2))
SELECT domain, lane, (
    SELECT MIN(next_attempt_at) FROM queue_item AS item
    WHERE item.state = 'waiting' AND item.domain = waiting.domain AND item.lane = lanes.lane
) AS first_due
FROM waiting, lanes WHERE waiting.domain IS NOT NULL
"""
DUE_ITEMS = """
SELECT next_attempt_at, id, announcement_id, school, address, domain, lane, attempts + 1, expires_at, possible_duplicate
FROM queue_item
WHERE state = 'waiting' AND domain = ? AND lane = ? AND next_attempt_at <= ? AND expires_at > ?
ORDER BY next_attempt_at LIMIT ?
"""
CLAIM = """
UPDATE queue_item SET state = 'sending', attempts = ?, next_attempt_at = ?, claimed_by = ? WHERE id = ?
"""
BEGIN_ATTEMPT = """
INSERT INTO attempt (item_id, number, started_at, host, stage, code, enhanced, reply, tls, reason)
VALUES (?, ?, ?, '', '', 0, '', '', '', '')
"""
STANDING = """
SELECT id, announcement_id, attempts, expires_at, possible_copies, intent, domain FROM queue_item
WHERE id = ? AND attempts = ? AND state = 'sending'
"""
LOST = """
SELECT id, announcement_id, attempts, expires_at, possible_copies, intent, domain FROM queue_item
WHERE claimed_by IS NOT NULL AND (? OR claimed_by = ?)
"""
UNWANTED = "SELECT id FROM queue_item WHERE claimed_by = ? AND intent <> ''"
SETTLE = """
UPDATE queue_item SET state = ?, possible_copies = ?, settled_at = ?, next_attempt_at = COALESCE(?, next_attempt_at),
    possible_duplicate = possible_duplicate OR ?, host = ?, stage = ?, code = ?, enhanced = ?, reply = ?, tls = ?,
    reason = ?, replied_at = ?, intent = '', claimed_by = NULL
WHERE id = ?
"""
END_ATTEMPT = """
UPDATE attempt SET verdict = ?, host = ?, stage = ?, code = ?, enhanced = ?, reply = ?, tls = ?, reason = ?,
    ended_at = ?, session_id = ?, transcript = ?
WHERE item_id = ? AND number = ?
"""
LOSE = """
UPDATE queue_item SET state = ?, possible_copies = ?, settled_at = ?, next_attempt_at = ?, possible_duplicate = 1,
    reason = COALESCE(?, reason), intent = '', claimed_by = NULL
WHERE id = ?
"""
LOSE_ATTEMPT = "UPDATE attempt SET verdict = 'lost', ended_at = ? WHERE item_id = ? AND number = ?"
GIVE_BACK = """
UPDATE queue_item SET state = ?, settled_at = ?, next_attempt_at = ?, reason = COALESCE(?, reason),
    attempts = attempts - 1, intent = '', claimed_by = NULL
WHERE id = ?
"""
UNDO_ATTEMPT = "DELETE FROM attempt WHERE item_id = ? AND number = ?"
OVER = "SELECT id FROM queue_item WHERE state IN ('waiting', 'held') AND expires_at <= ? ORDER BY expires_at LIMIT ?"
LAST_REPLY = """
SELECT id, domain, stage, host, code, enhanced, reply, tls, reason FROM queue_item WHERE id = ? AND code > 0
"""
EXPIRE = """
UPDATE queue_item SET state = 'expired', settled_at = ?,
    reason = CASE WHEN attempts = 0 AND reason = '' THEN ? ELSE reason END
WHERE id = ?
"""
#: What waits for an hour of the day keeps it, what a stop put aside stays there, and what was announced by the new
#: clock has the right times already.
SET_CLOCK = """
UPDATE queue_item SET expires_at = expires_at + ?,
    next_attempt_at = CASE WHEN next_attempt_at < ? THEN next_attempt_at + ? ELSE next_attempt_at END
WHERE state IN ('waiting', 'sending', 'held') AND announcement_id IN (
    SELECT id FROM announcement WHERE not_before <= ? AND announced_at NOT BETWEEN ? AND ?
)
"""
#: How far the clock was set in all, so that a worker that still goes by the old time can tell.
COUNT_SHIFT = """
INSERT INTO counter (name, last) VALUES ('clock', ?) ON CONFLICT (name) DO UPDATE SET last = last + excluded.last
"""
#: The mailer looks at the clock every second; whoever announced since then did it by the new time.
NEWLY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Open:
    """An attempt under way: the item, the number of the attempt, and how the item stands."""

    item_id: int
    announcement_id: str
    number: int
    domain: str
    standing: Standing


def waiting_domains() -> list[DueDomain]:
    """Return each domain and lane for which items wait, with the time at which the first of them is due."""
    return [
        DueDomain(domain, Lane(lane), moment(first)) for domain, lane, first in select(DUE_DOMAINS) if first is not None
    ]


def due(domains: Iterable[str], lane: Lane, now: datetime, limit: int) -> list[Claimed]:
    """Return the claims that could be made for these domains and this lane now, the longest due first."""
    at = instant(now)
    ordered = [rows(DUE_ITEMS, (domain, int(lane), at, at, limit)) for domain in domains]
    return [
        Claimed(item, announcement, school, address, domain, lane, attempt, moment(expires), bool(duplicate))
        for _, item, announcement, school, address, domain, _, attempt, expires, duplicate in islice(
            merge(*ordered), limit
        )
    ]


def claim(claims: Sequence[tuple[Claimed, datetime]], worker: str, now: datetime) -> None:
    """Write that `worker` begins these attempts now; each stands with the time of the next attempt."""
    began = instant(now)
    executemany(CLAIM, [(one.attempt, instant(again), worker, one.item_id) for one, again in claims])
    executemany(BEGIN_ATTEMPT, [(one.item_id, one.attempt, began) for one, _ in claims])


def under_way(attempts: Iterable[tuple[int, int]]) -> list[Open]:
    """Return those of these (item, attempt number) pairs that are still under way, in their order."""
    return [_open(row) for row in select_each(STANDING, list(attempts))]


def lost(worker: str | None) -> list[Open]:
    """Return the attempts that a dead worker left (any worker for None)."""
    return [_open(row) for row in select(LOST, (worker is None, worker))]


def unwanted(worker: str) -> list[int]:
    """Return the items that a worker has claimed and a person wants stopped."""
    return [item for (item,) in select(UNWANTED, (worker,))]


def settle(ends: Sequence[tuple[Open, Outcome, Step]]) -> None:
    """Write how attempts ended, and what their items have become."""
    sessions.add({outcome.session for _, outcome, _ in ends if outcome.session is not None})
    sessions.add({session for _, outcome, _ in ends for session in outcome.earlier})
    executemany(SETTLE, [_settled(one, outcome, step) for one, outcome, step in ends])
    executemany(END_ATTEMPT, [_ended(one, outcome) for one, outcome, _ in ends])
    _let_stand((one, step) for one, _, step in ends)


def lose(ends: Sequence[tuple[Open, Step]], now: datetime) -> None:
    """Write that nobody knows how these attempts ended; the item keeps what an earlier attempt was told."""
    at = instant(now)
    executemany(
        LOSE,
        [
            (step.state.value, step.possible_copies, _final(step.state, at), at, step.reason, one.item_id)
            for one, step in ends
        ],
    )
    executemany(LOSE_ATTEMPT, [(at, one.item_id, one.number) for one, _ in ends])
    _let_stand(ends)


def give_back(ends: Sequence[tuple[Open, Step]], now: datetime) -> None:
    """Write that these attempts never began: nothing was sent, they do not count, the items are due at once."""
    at = instant(now)
    executemany(
        GIVE_BACK,
        [(step.state.value, _final(step.state, at), at, _why_unused(one, step), one.item_id) for one, step in ends],
    )
    executemany(UNDO_ATTEMPT, [(one.item_id, one.number) for one, _ in ends])
    _let_stand(ends)


def over(now: datetime, most: int) -> list[int]:
    """Return so many of the waiting and held items whose deadline is over, the first to be so first."""
    return [item for (item,) in select(OVER, (instant(now), most))]


def last_replies(items: Iterable[int]) -> list[tuple[int, str, Evidence]]:
    """Return those of these items that a server has answered, with their domains and what it said last."""
    found = select_each(LAST_REPLY, [(item,) for item in items])
    return [(item, domain, Evidence(*said)) for item, domain, *said in found]


def expire(items: Collection[int], now: datetime) -> None:
    """Write that the time of these items is over; what was said last is kept, and an acceptance that stands."""
    executemany(EXPIRE, [(instant(now), NEVER_TRIED, item) for item in items])
    acceptance.stand(items)


def set_clock(now: datetime, by: timedelta) -> int:
    """Set the times of open items with a clock that goes from `now` to `now + by`; return how many.

    Set forward, it makes nobody wait: a retry that comes early does no harm, one that never comes does.
    """
    shift, new = round(by.total_seconds() * 1000), now + by
    change(COUNT_SHIFT, (shift,))
    announcements.set_clock(now, by, NEWLY)
    return change(SET_CLOCK, (shift, instant(ASIDE), min(shift, 0), instant(now), instant(new - NEWLY), instant(new)))


def clock_shift() -> timedelta:
    """Return how far `set_clock` has set the times of open items in all."""
    return timedelta(milliseconds=sum(last for (last,) in select("SELECT last FROM counter WHERE name = 'clock'")))


def _open(row: tuple[Any, ...]) -> Open:
    item, announcement, number, expires, copies, intent, domain = row
    return Open(item, announcement, number, domain, Standing(moment(expires), copies, intent))


def _let_stand(ends: Iterable[tuple[Open, Step]]) -> None:
    """Have those of these items be accepted that nobody tries any more although an acceptance stands."""
    acceptance.stand([one.item_id for one, step in ends if step.state in (ItemState.CANCELLED, ItemState.EXPIRED)])


def _final(state: ItemState, at: int) -> int | None:
    return None if state is ItemState.WAITING else at


def _why_unused(one: Open, step: Step) -> str | None:
    """Return why an item is over whose first attempt never began, or what the step says."""
    return NEVER_TRIED if step.state is ItemState.EXPIRED and one.number == 1 else step.reason


def _settled(one: Open, outcome: Outcome, step: Step) -> tuple[object, ...]:
    at, said = instant(outcome.at), outcome.evidence
    again = None if outcome.next_attempt_at is None else instant(outcome.next_attempt_at)
    known = (said.host, said.stage, said.code, said.enhanced, said.text, said.tls, step.reason or said.reason, at)
    standing = (step.state.value, step.possible_copies, _final(step.state, at), again, outcome.possible_duplicate)
    return (*standing, *known, one.item_id)


def _ended(one: Open, outcome: Outcome) -> tuple[object, ...]:
    said = outcome.evidence
    known = (said.host, said.stage, said.code, said.enhanced, said.text, said.tls, said.reason)
    session = None if outcome.session is None else outcome.session.id
    return (outcome.verdict.value, *known, instant(outcome.at), session, outcome.transcript, one.item_id, one.number)
