"""What do others report about our mail, and who must hear of it?

A report is kept once for its reporter, its name and what it says, whatever mails bring it, and summed by receiver and
day. What it counts of other domains is kept and not summed. Anybody can write a report, and take the name of one that
is still to come: reports inform people and never change how mail is sent, and of those that contradict each other all
are kept, summed, and marked. An alarm is raised where one says that mail from us failed both SPF and DKIM, or that TLS
with us failed a policy of ours.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.domain.alarm import Kind as AlarmKind
from mailer.domain.moment import JAPAN
from mailer.report import who
from mailer.report.dmarc import DmarcReport
from mailer.report.received import Received
from mailer.report.sums import DaySums, Sessions, is_against_policy
from mailer.report.value import Span, name
from mailer.report.who import Kind, Sender
from mailer.service import alarm, bounce, received_rows
from mailer.service.office import Office
from mailer.store import alarms, bounce_events, received_reports
from mailer.store.received_reports import Kept, KeptMail, KeptTls

__all__ = ["DaySums", "Kept", "KeptMail", "KeptTls", "Kind", "NoSuchReport", "Sender", "Shown"]

#: A report about a day longer ago alarms nobody any more, nor one about a day that is far from over.
STILL_NEWS = timedelta(days=7)
#: Reports come once a day, and some a day late.
QUIET, BY_QUIET = timedelta(days=3), "no_report"
ALARMS = (AlarmKind.REPORTED_MAIL, AlarmKind.REPORTED_TLS)


class NoSuchReport(LookupError):
    """There is no report with this number."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One report with all that it counts; `contradicts` are those of its name that say something else."""

    report: Kept
    contradicts: Sequence[int]
    mails: Sequence[KeptMail]
    sessions: Sequence[KeptTls]


def learn(office: Office, mail_id: int, meaning: str, report: Received | None) -> None:
    """Keep the report that a mail brings, and the complaints that `bounce.learn`, which gave its meaning, found in it.

    A mail that says nothing else waits for no person. Inside a Writer.
    """
    for domain, proved in received_reports.complained_of(mail_id).items():
        complained(office, mail_id, domain, proved=proved)
    if report is not None:
        keep(office, mail_id, report)
        if meaning == bounce.MAIL:
            bounce_events.interpret(mail_id, bounce.REPORT, None)


def keep(office: Office, mail_id: int | None, received: Received) -> int:
    """Keep a report that came in a mail; return its number, which a second copy has too. Inside a Writer."""
    kept = _kept(office, mail_id, received)
    mails, sessions = received_rows.mails(office, received), received_rows.sessions(office, received)
    if (known := received_reports.number(kept)) is not None:
        return known
    number = received_reports.add(kept, mails, sessions)
    if abs(office.clock() - kept.span.ends_at) < STILL_NEWS:
        _alarm_of_mails(office, kept, mails)
        _alarm_of_sessions(office, kept, sessions)
    return number


def complained(office: Office, mail_id: int, domain: str, *, proved: bool) -> int:
    """Keep that a reader whose mail `domain` takes called mail of ours spam; return its number. Inside a Writer.

    It is `proved` if only who got a mail of ours can have written it. What is not counts for nothing.
    """
    now, reporter = office.clock(), name(domain)
    kept = Kept(
        id=0,
        kind=Kind.COMPLAINT,
        span=_today(now),
        received_at=now,
        mail_id=mail_id,
        reporter=reporter,
        report_id=f"mail {mail_id}",
        domain=office.domain,
        digest=b"",
        receiver=office.receiver(reporter, ""),
        organisation=reporter,
        contact="",
        policy="",
        proved=proved,
    )
    known = received_reports.number(kept)
    return received_reports.add(kept, (), ()) if known is None else known


def sums(office: Office, days: int, kind: Kind | None = None, receiver: str | None = None) -> list[DaySums]:
    """Return what was reported about so many days until today (Japan), by day, receiver and kind, the newest first."""
    today = office.clock().astimezone(JAPAN).date()
    return received_reports.days(today - timedelta(days=days - 1), today, kind, receiver)


def show(number: int) -> Shown:
    """Return one report. Raises NoSuchReport."""
    report = received_reports.get(number)
    if report is None:
        raise NoSuchReport(number)
    counted = received_reports.mails(number), received_reports.sessions(number)
    return Shown(report, received_reports.others(number), *counted)


def end_quiet(office: Office) -> None:
    """End the alarms that no report has repeated for days. Inside a Writer."""
    now = office.clock()
    for kind in ALARMS:
        alarms.clear_quiet(kind, now - QUIET, now, BY_QUIET)


def _kept(office: Office, mail_id: int | None, received: Received) -> Kept:
    names = [office.receiver(domain, domain) for domain in who.domains(received)]
    known = [one for one, domain in zip(names, who.domains(received), strict=True) if one != domain]
    reporter = who.reporter(received)
    return Kept(
        id=0,
        kind=who.kind(received),
        span=received.span,
        received_at=office.clock(),
        mail_id=mail_id,
        reporter=reporter,
        report_id=received.report_id,
        domain=received.domain,
        digest=hashlib.sha256(repr(received).encode("utf-8", "backslashreplace")).digest(),
        receiver=known[0] if known else reporter,
        organisation=received.organisation,
        contact=received.contact,
        policy=received.policy if isinstance(received, DmarcReport) else "",
    )


def _alarm_of_mails(office: Office, kept: Kept, mails: Sequence[KeptMail]) -> None:
    ours = [one.row for one in mails if one.about_us and one.sender is Sender.OURS]
    failed = [row for row in ours if not row.dkim and not row.spf]
    if failed:
        first = failed[0]
        sent = f"{sum(row.messages for row in failed)} mails, from {first.source or 'several'}"
        found = f"DKIM {first.dkim_said or 'none'}; SPF {first.spf_said or 'none'}"
        _alarm(office, AlarmKind.REPORTED_MAIL, kept, f"{sent}: {found}")


def _alarm_of_sessions(office: Office, kept: Kept, sessions: Sequence[KeptTls]) -> None:
    rows = [one.row for one in sessions if one.about_us]
    failed = [row for row in rows if is_against_policy(Sessions(row.policy, row.failure, row.sessions))]
    if failed:
        first = failed[0]
        said = f"{sum(row.sessions for row in failed)} sessions: {first.failure} {first.host} {first.reason}"
        _alarm(office, AlarmKind.REPORTED_TLS, kept, said)


def _alarm(office: Office, kind: AlarmKind, kept: Kept, said: str) -> None:
    """Raise an alarm for the receiver; where strangers write many reports, one for all others."""
    standing = alarms.standing(kind)
    fits = kept.receiver in standing or len(standing) < alarm.MOST_OF_A_KIND
    words = f"{kept.organisation}, {kept.span.day} ({kept.span.zone}): {said}"
    alarm.raise_(office, kind, kept.receiver if fits else alarm.OTHERS, words)


def _today(now: datetime) -> Span:
    """Return the day of Japan that is under way."""
    begin = now.astimezone(JAPAN).replace(hour=0, minute=0, second=0, microsecond=0)
    return Span(begin, begin + timedelta(days=1, seconds=-1))
