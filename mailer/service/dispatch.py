"""What may the mailer ask of the queue?

Which domains are due, a claim on some of their items, and the writing down of what came of each. These functions do not
open a transaction: they are made for a `Writer`, which lets many share one, and are called inside of it. Those that
only read may be called anywhere.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mailer.carrier.wave import Lot
from mailer.domain.announcement import Announcement
from mailer.domain.lane import Lane
from mailer.message.sign import KeyName
from mailer.schedule.backoff import after_doubt, next_attempt
from mailer.schedule.claim import Claimed, DueDomain, Recovered
from mailer.schedule.fairness import notices_share
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence, Outcome, Verdict, reply_line
from mailer.schedule.stop import Stops
from mailer.schedule.transition import UNKNOWN_ARRIVAL, Step, after, lost, unused
from mailer.service import alarm, suspension, wave
from mailer.service.office import Office
from mailer.store import (
    announcements,
    audience,
    control,
    domains,
    flushes,
    keys,
    leases,
    singles,
    site_memory,
    spool,
    stops,
    suspensions,
)

__all__ = [
    "announcement",
    "bare_domains",
    "claim",
    "clock_shift",
    "due_domains",
    "expected_domains",
    "expire",
    "flushed",
    "give_up",
    "key_names",
    "last_flush",
    "recover",
    "remember_bare_form",
    "remember_site",
    "set_clock",
    "settle",
    "sites",
    "unclaim",
    "under_way",
    "unwanted",
]

EVERY_LANE = tuple(Lane)
#: So many items end in one go: nobody waits for the store for long because a hundred thousand do.
AT_ONCE = 500


def due_domains(now: datetime, lanes: Sequence[Lane] = EVERY_LANE) -> list[DueDomain]:
    """Return the domains with items of these lanes due at `now`, the most urgent lane and longest due first."""
    due = [one for one in spool.waiting_domains() if one.lane in lanes and one.first_due <= now]
    free = set(stops.standing().free({one.domain for one in due}))
    due = [one for one in due if one.domain in free]
    return sorted(due, key=lambda one: (one.lane, one.first_due))


def expected_domains(most: int) -> Mapping[str, int]:
    """Return the domains to which the next broadcast will go, those with most addresses first, with how many."""
    return audience.domains(most)


def claim(
    office: Office,
    names: Collection[str],
    limit: int,
    worker: str,
    lanes: Sequence[Lane] = EVERY_LANE,
    urgent: int = 0,
) -> list[Claimed]:
    """Begin an attempt for up to `limit` due items of the domains of these names, urgent lanes first; inside a Writer.

    Each of the domains should have one, the most urgent first: no more are asked than there is room for.

    Of safety mail up to `urgent` are claimed where that is more: it needs no room that other mail has taken.
    Nothing may be sent before the commit. Each claim ends by `settle` or `unclaim`; a dead worker's by `recover`.
    """
    now = office.clock()
    stopped = stops.standing()
    # Each has an item due: where there are more domains than room, the later ones need not be asked.
    names = list(stopped.free(names))[: max(limit, urgent)]

    def free(lane: Lane, most: int) -> list[Claimed]:
        return _free(stopped, names, lane, now, most) if lane in lanes and most > 0 else []

    claimed = free(Lane.SAFETY, max(limit, urgent))
    room = max(0, limit - len(claimed))
    notices = free(Lane.NOTICE, room)
    ordinary = free(Lane.ORDINARY, room - notices_share(room, len(notices), office.chance()))
    claimed += ordinary + notices[: room - len(ordinary)]
    dated = [(one, next_attempt(one.lane, one.attempt, now, office.chance())) for one in claimed]
    spool.claim(dated, worker, now)
    return claimed


def _free(stopped: Stops, names: Collection[str], lane: Lane, now: datetime, limit: int) -> list[Claimed]:
    """Return what may be claimed; what a stop keeps is put aside, so that it is not met again while that stands."""
    while True:
        found = spool.due(names, lane, now, limit)
        kept = [one.item_id for one in found if stopped.over(one)]
        if not kept:
            return found
        stops.put_aside(kept)


def settle(office: Office, outcomes: Sequence[tuple[int, int, Outcome]], shift: timedelta | None = None) -> int:
    """Write what came of attempts (item, attempt number, outcome); inside a Writer. Return how many were still open.

    An attempt that was given up as lost in the meantime stays lost: the item may be under another attempt by now.
    `shift` is the `clock_shift` by which the outcomes are dated; their times are set if the queue's have been since.
    """
    since = timedelta() if shift is None else spool.clock_shift() - shift
    told = {(item, number): outcome.moved(since) if since else outcome for item, number, outcome in outcomes}
    ends = []
    for one in spool.under_way(told):
        outcome = told[one.item_id, one.number]
        step = after(outcome, one.standing)
        ends.append((one, _spaced(office, outcome, step), step))
    spool.settle(ends)
    not_taken = ((one.item_id, end.evidence) for one, end, _ in ends if end.verdict is not Verdict.ACCEPTED)
    alarm.note_trouble(office, not_taken)
    in_doubt = [(one.item_id, end.evidence) for one, end, step in ends if step.reason == UNKNOWN_ARRIVAL]
    alarm.note_held(office, {item: alarm.said_by(said) for item, said in in_doubt})
    alarm.note_expired(office, _expired((one, step) for one, _, step in ends))
    # Before setbacks are kept: a wave began no later than what was said in it.
    for announcement_id, counts in _counted(ends).items():
        wave.note(office, counts, announcement_id)
    suspension.note(office, *_said_for_good(ends))
    return len(ends)


def _expired(ends: Iterable[tuple[spool.Open, Step]]) -> list[int]:
    return [one.item_id for one, step in ends if step.state is ItemState.EXPIRED]


def _spaced(office: Office, outcome: Outcome, step: Step) -> Outcome:
    """Return it with the time of the next attempt that fits the number of copies that may have arrived."""
    if not outcome.possible_duplicate or outcome.next_attempt_at is None:
        return outcome
    again = after_doubt(step.possible_copies, outcome.next_attempt_at, outcome.at, office.chance())
    return replace(outcome, next_attempt_at=again)


def _said_for_good(ends: Sequence[tuple[spool.Open, Outcome, Step]]) -> list[suspension.Noted]:
    """Return what was said of the addresses of items that are refused, or whose time was over at their last reply."""
    return [
        _noted(one.item_id, one.domain, outcome.kind, outcome.evidence)
        for one, outcome, step in ends
        if step.state in (ItemState.REFUSED, ItemState.EXPIRED)
    ]


def _noted(item_id: int, domain: str, kind: str, said: Evidence) -> suspension.Noted:
    words = reply_line(said.code, said.enhanced, said.text)
    return suspension.Noted(item_id, domain, kind, said.reason, words, said.host_name, suspension.SESSION)


def _counted(ends: Sequence[tuple[spool.Open, Outcome, Step]]) -> dict[str, dict[tuple[str, str], Lot]]:
    """Return how many mails of each announcement each domain's hosts took and refused for good."""
    counts = Counter(
        (one.announcement_id, one.domain, outcome.evidence.host_name, outcome.verdict)
        for one, outcome, _ in ends
        if outcome.verdict in (Verdict.ACCEPTED, Verdict.REFUSED)
    )
    found: dict[str, dict[tuple[str, str], Lot]] = {}
    for announcement, domain, host, _ in counts:
        taken, refused = (counts[announcement, domain, host, one] for one in (Verdict.ACCEPTED, Verdict.REFUSED))
        found.setdefault(announcement, {})[domain, host] = Lot(taken, refused)
    return found


def unclaim(office: Office, attempts: Sequence[tuple[int, int]]) -> int:
    """Give back claims (item, attempt number) of which nothing was sent; inside a Writer. Return how many were open."""
    now = office.clock()
    ends = [(one, unused(one.standing, now)) for one in spool.under_way(attempts)]
    spool.give_back(ends, now)
    alarm.note_expired(office, _expired(ends))
    return len(ends)


def recover(office: Office, worker: str | None) -> Recovered:
    """Find the claims that a dead `worker` left (None: all that stand) and end its leases; inside a Writer.

    Nobody knows what came of them: each counts as a possible copy. The items are due at once, or held after the third.
    """
    leases.forget(worker)
    return _lose(office, spool.lost(worker))


def under_way() -> list[tuple[int, int]]:
    """Return the attempts under way (item, attempt number)."""
    return [(one.item_id, one.number) for one in spool.lost(None)]


def unwanted(worker: str) -> frozenset[int]:
    """Return the items that a worker has claimed and somebody wants stopped."""
    return frozenset(spool.unwanted(worker))


def give_up(office: Office, attempts: Sequence[tuple[int, int]]) -> Recovered:
    """End attempts (item, attempt number) of which nobody knows anything any more, as lost; inside a Writer."""
    return _lose(office, spool.under_way(attempts))


def _lose(office: Office, claims: Sequence[spool.Open]) -> Recovered:
    now = office.clock()
    ends = [(one, lost(one.standing, now)) for one in claims]
    spool.lose(ends, now)
    alarm.note_expired(office, _expired(ends))
    in_doubt = [one for one, step in ends if step.reason == UNKNOWN_ARRIVAL]
    alarm.note_held(office, {one.item_id: office.receiver(one.domain, "") for one in in_doubt})
    states = [step.state for _, step in ends]
    again, held = states.count(ItemState.WAITING), states.count(ItemState.HELD)
    return Recovered(again, held, len(states) - again - held)


def expire(office: Office, now: datetime, most: int = AT_ONCE) -> int:
    """End so many of the waiting and held items whose deadline is over at `now`; inside a Writer. Return how many."""
    over = spool.over(now, most)
    last_words = [_noted(item, domain, "soft", said) for item, domain, said in spool.last_replies(over)]
    suspension.note(office, *last_words)
    spool.expire(over, now)
    alarm.note_expired(office, over)
    return len(over)


def set_clock(office: Office, by: timedelta) -> int:
    """Set the times of open items with the machine's clock, which was set by so much; inside a Writer. Return how many.

    `office.clock` still has the time from before.
    """
    control.set_clock(by)
    stops.set_clock(by)
    site_memory.set_clock(by)
    singles.set_clock(by)
    suspensions.set_clock(by)
    return spool.set_clock(office.clock(), by)


def clock_shift() -> timedelta:
    """Return how far the queue's times were set with the machine's clock in all."""
    return spool.clock_shift()


def announcement(announcement_id: str) -> Announcement:
    """Return the frozen text and terms of an announcement that a claim names."""
    found = announcements.get(announcement_id)
    if found is None:
        raise LookupError(f"a queue item names the announcement {announcement_id}, and there is none")
    return found


def key_names(selectors: Sequence[str]) -> list[KeyName]:
    """Return the keys of these selectors as signatures name them; RSA-SHA256 is rsa-sha256 in a= (RFC 6376 §3.3.2)."""
    found = [keys.get(selector) for selector in selectors]
    return [KeyName(key.selector, f"{key.algorithm}-sha256") for key in found if key is not None]


def remember_bare_form(domain: str) -> None:
    """Keep in mind that a domain takes irregular local parts as typed only; inside a Writer."""
    domains.remember_bare_form(domain)


def remember_site(domain: str, site: str) -> None:
    """Keep in mind where a domain's mail goes: a carrier, or its MX hosts in order, by spaces; inside a Writer."""
    domains.remember_site(domain, site)


def sites() -> Mapping[str, str]:
    """Return where the mail of domains was found to go."""
    return domains.sites()


def bare_domains() -> frozenset[str]:
    """Return the domains that take irregular local parts as typed only."""
    return domains.bare_form_domains()


def last_flush() -> int:
    """Return the number of the last flush by an operator."""
    return flushes.last()


def flushed(since: int) -> frozenset[str]:
    """Return the domains that operators have flushed after this flush; their receivers rest no longer."""
    return flushes.since(since)
