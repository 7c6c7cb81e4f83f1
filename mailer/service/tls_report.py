"""What became of TLS day by day, and which reports of it are owed to whom?

Results are counted under the UTC day on which they were seen. Once a day is over, a report about it is planned for each
domain at a moment of its own within some hours, so that not everybody's reports reach a domain at midnight
(RFC 8460 §4.1). What cannot be delivered is tried again, more and more seldom, for a day (RFC 8460 §5.5).

Those that write do not open a transaction: they are made for a `Writer`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from mailer.domain.retention import TLS_COUNTS_KEPT
from mailer.report.tls import Counted, Report, Reporter, span, sums
from mailer.service import keys
from mailer.service.audit import record
from mailer.service.office import Office
from mailer.standing.key import KeyState
from mailer.store import tls_report
from mailer.store.tls_report import Begun, ReportState, TlsReport

__all__ = ["Begun", "ReportState", "TlsReport", "count", "key_algorithms"]

#: A day that ended longer ago is not reported any more, as after a long rest of the mailer.
LATE = timedelta(days=2)
FIRST, SPREAD = timedelta(minutes=30), timedelta(hours=4)
#: An attempt ends before, with all destinations mute.
BUSY = timedelta(minutes=30)
AGAIN, LONGEST_AGAIN, TRIED = timedelta(minutes=15), timedelta(hours=4), timedelta(hours=24)
MOST_AT_ONCE = 8

count = tls_report.count


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted of a domain on a day, and its report if there is one yet."""

    domain: str
    counted: tuple[Counted, ...]
    report: TlsReport | None

    @property
    def sums(self) -> tuple[int, int]:
        """Return how many sessions succeeded and how many failed."""
        return sums(self.counted)


def today(office: Office) -> date:
    """Return the day (UTC) that is under way."""
    return office.clock().astimezone(UTC).date()


def keep(office: Office, *, sends: bool) -> None:
    """Plan the reports of days that are over, where reports are sent, and forget what is old."""
    now, day = office.clock(), today(office)
    tls_report.purge(day - TLS_COUNTS_KEPT)
    for owed, domain in tls_report.owed(day - LATE, day) if sends else ():
        # A day that ended while the mailer rested is no reason to hurry.
        over = span(owed)[1]
        tls_report.plan(owed, domain, max(over, now - FIRST) + FIRST + SPREAD * office.chance())


def due(office: Office) -> list[tuple[date, str]]:
    """Return some reports whose time has come, each as its day and domain."""
    return tls_report.due(office.clock(), MOST_AT_ONCE)


def ask_for(office: Office, day: date, actor: str) -> list[str]:
    """Plan the reports of a day for now, as a person wants it; return the domains whose reports are not sent yet."""
    for owed, domain in tls_report.owed(day, day + timedelta(days=1)):
        tls_report.plan(owed, domain, office.clock())
    domains = [report.domain for report in tls_report.reports(day) if report.state is not ReportState.SENT]
    record(office, actor, "reports.send-tls", day.isoformat(), domains=domains)
    return domains


def begin(office: Office, day: date, domain: str) -> Begun | None:
    """Claim a report for one attempt; None where it is sent, or somebody else is at it."""
    now = office.clock()
    return tls_report.begin(day, domain, now, now + BUSY, now + TRIED)


def sent(office: Office, begun: Begun, destination: str) -> None:
    """Write that a report was taken there."""
    _settle(office, begun, ReportState.SENT, destination=destination)


def unwanted(office: Office, begun: Begun) -> None:
    """Write that a domain publishes nowhere to send its report."""
    _settle(office, begun, ReportState.UNWANTED)


def failed(office: Office, begun: Begun, trouble: str) -> bool:
    """Write that nobody took a report; return whether it is tried again."""
    again = office.clock() + min(AGAIN * 2 ** (begun.attempts - 1), LONGEST_AGAIN)
    if again > begun.give_up_at:
        _settle(office, begun, ReportState.FAILED, trouble=trouble)
        return False
    _settle(office, begun, ReportState.PENDING, trouble=trouble, next_at=again)
    return True


def report(office: Office, contact: str, day: date, domain: str) -> Report:
    """Return the report about a domain and a day, as far as was counted."""
    return Report(Reporter(office.domain, contact), domain, day, tuple(tls_report.counted(day, domain)))


def figures(day: date) -> list[Figures]:
    """Return what was counted of a day, domain by domain."""
    made = {one.domain: one for one in tls_report.reports(day)}
    found: dict[str, list[Counted]] = {}
    for one in tls_report.counted(day):
        found.setdefault(one.result.policy.reported, []).append(one)
    return [Figures(domain, tuple(counted), made.get(domain)) for domain, counted in found.items()]


def key_algorithms() -> Sequence[tuple[str, str]]:
    """Return the selectors that sign now, each with the algorithm of its key."""
    active = {key.selector: key.algorithm for key in keys.list_() if key.state is KeyState.ACTIVE}
    return [(selector, active[selector]) for selector in keys.active_selectors()]


def _settle(
    office: Office,
    begun: Begun,
    state: ReportState,
    *,
    destination: str = "",
    trouble: str = "",
    next_at: datetime | None = None,
) -> None:
    at = None if state is ReportState.PENDING else office.clock()
    tls_report.settle(
        TlsReport(begun.day, begun.domain, state, begun.attempts, next_at, destination, trouble, settled_at=at)
    )
