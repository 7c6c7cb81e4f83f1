"""How many sessions of a day spoke TLS with whom, and which reports of it were sent?

Those that write do not open a transaction.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from mailer.report.tls import Counted
from mailer.smtp.tls_result import TlsPolicy, TlsResult
from mailer.store.database import change, executemany, select
from mailer.store.models import instant, moment

POLICY = """
INSERT INTO tls_policy (digest, reported, kind, domain, strings, patterns) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
COUNT = """
INSERT INTO tls_count (day, policy_id, mx_host, address, source, failure, reason, sessions)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (day, policy_id, mx_host, address, source, failure) DO UPDATE SET sessions = sessions + excluded.sessions
"""
COUNTED = """
SELECT reported, kind, domain, strings, patterns, mx_host, address, source, failure, reason, sessions
FROM tls_count JOIN tls_policy ON tls_policy.digest = tls_count.policy_id
WHERE day = ? AND (? IS NULL OR reported = ?)
ORDER BY reported, kind, digest, failure, mx_host, address, source
"""
OWED = """
SELECT DISTINCT day, reported FROM tls_count JOIN tls_policy ON tls_policy.digest = tls_count.policy_id
WHERE day >= ? AND day < ?
AND NOT EXISTS (SELECT 1 FROM tls_report AS made WHERE made.day = tls_count.day AND made.domain = tls_policy.reported)
ORDER BY 1, 2
"""
PLAN = """
INSERT INTO tls_report (day, domain, state, attempts, next_at, destination, trouble)
VALUES (?, ?, 'pending', 0, ?, '', '')
ON CONFLICT DO NOTHING
"""
DUE = """
SELECT day, domain FROM tls_report
WHERE state = 'pending' AND next_at <= ? AND COALESCE(busy_until, 0) <= ? ORDER BY next_at LIMIT ?
"""
BEGIN = """
UPDATE tls_report SET attempts = attempts + 1, busy_until = ?, give_up_at = COALESCE(give_up_at, ?)
WHERE day = ? AND domain = ? AND state IN ('pending', 'failed', 'unwanted') AND COALESCE(busy_until, 0) <= ?
RETURNING attempts, give_up_at
"""
SETTLE = """
UPDATE tls_report SET state = ?, next_at = ?, busy_until = NULL, destination = ?, trouble = ?, settled_at = ?
WHERE day = ? AND domain = ?
"""
REPORTS = """
SELECT day, domain, state, attempts, next_at, destination, trouble, settled_at
FROM tls_report WHERE day = ? ORDER BY domain
"""


class ReportState(StrEnum):
    """Where a report stands."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    UNWANTED = "unwanted"  # the domain publishes nowhere to send it


@dataclass(frozen=True, slots=True)
class TlsReport:
    """A report about a domain and a day, as it stands; `next_at` is None when it is not tried again."""

    day: date
    domain: str
    state: ReportState
    attempts: int
    next_at: datetime | None
    destination: str
    trouble: str
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt at a report that nobody else makes now: the how-manieth it is, and when they end."""

    day: date
    domain: str
    attempts: int
    give_up_at: datetime


def count(day: date, counted: Sequence[Counted]) -> None:
    """Add to what was counted of a day."""
    policies = {one.result.policy: _digest(one.result.policy) for one in counted}
    executemany(POLICY, [(digest, *_written(policy)) for policy, digest in policies.items()])
    executemany(COUNT, [(day.isoformat(), policies[one.result.policy], *_ended(one)) for one in counted])


def counted(day: date, domain: str | None = None) -> list[Counted]:
    """Return what was counted of a day, of all domains or of one."""
    rows = select(COUNTED, (day.isoformat(), domain, domain))
    return [Counted(TlsResult(_policy(*row[:5]), *row[5:10]), row[10]) for row in rows]


def owed(since: date, until: date) -> list[tuple[date, str]]:
    """Return of which domains nothing is planned for days from `since` on and before `until`."""
    found = select(OWED, (since.isoformat(), until.isoformat()))
    return [(date.fromisoformat(day), domain) for day, domain in found]


def plan(day: date, domain: str, at: datetime) -> None:
    """Write that a report is to be sent at a time, unless there is one."""
    change(PLAN, (day.isoformat(), domain, instant(at)))


def due(now: datetime, limit: int) -> list[tuple[date, str]]:
    """Return the reports whose time has come."""
    rows = select(DUE, (instant(now), instant(now), limit))
    return [(date.fromisoformat(day), domain) for day, domain in rows]


def begin(day: date, domain: str, now: datetime, busy_until: datetime, give_up_at: datetime) -> Begun | None:
    """Claim a report that is not sent yet for one attempt; None where somebody else is at it, or it is sent."""
    which = (day.isoformat(), domain, instant(now))
    for attempts, until in select(BEGIN, (instant(busy_until), instant(give_up_at), *which)):
        return Begun(day, domain, attempts, moment(until))
    return None


def settle(report: TlsReport) -> None:
    """Write how an attempt ended."""
    at = None if report.settled_at is None else instant(report.settled_at)
    next_at = 0 if report.next_at is None else instant(report.next_at)
    ended = (report.state, next_at, report.destination, report.trouble, at)
    change(SETTLE, (*ended, report.day.isoformat(), report.domain))


def reports(day: date) -> list[TlsReport]:
    """Return the reports about a day."""
    return [_report(row) for row in select(REPORTS, (day.isoformat(),))]


def sources() -> frozenset[str]:
    """Return the addresses of ours that sessions were held from."""
    return frozenset(source for (source,) in select("SELECT DISTINCT source FROM tls_count"))


def purge(before: date) -> None:
    """Forget the days before one."""
    change("DELETE FROM tls_count WHERE day < ?", (before.isoformat(),))
    change("DELETE FROM tls_report WHERE day < ?", (before.isoformat(),))
    change("DELETE FROM tls_policy WHERE NOT EXISTS (SELECT 1 FROM tls_count WHERE policy_id = digest)")


def _report(row: tuple[Any, ...]) -> TlsReport:
    day, domain, state, attempts, next_at, destination, trouble, settled_at = row
    return TlsReport(
        date.fromisoformat(day),
        domain,
        ReportState(state),
        attempts,
        moment(next_at) if state == ReportState.PENDING else None,
        destination,
        trouble,
        None if settled_at is None else moment(settled_at),
    )


def _written(policy: TlsPolicy) -> tuple[str, ...]:
    return policy.reported, policy.kind, policy.domain, json.dumps(policy.strings), json.dumps(policy.mx_patterns)


def _policy(reported: str, kind: str, domain: str, strings: str, patterns: str) -> TlsPolicy:
    mail_domain = "" if reported == domain else reported
    return TlsPolicy(kind, domain, tuple(json.loads(strings)), tuple(json.loads(patterns)), mail_domain)


def _digest(policy: TlsPolicy) -> str:
    return blake2b(json.dumps(_written(policy)).encode(), digest_size=16).hexdigest()


def _ended(one: Counted) -> tuple[str, str, str, str, str, int]:
    result = one.result
    return result.mx_host, result.address, result.source, result.failure, result.reason, one.sessions
