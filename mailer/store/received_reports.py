"""Which reports about our mail came in, and what do they add up to?

Those that write do not open a transaction.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from mailer.report.dmarc import DmarcRow
from mailer.report.sums import DaySums, Mails, Sessions, mail_sums, tls_sums
from mailer.report.tls_received import TlsRow
from mailer.report.value import Span
from mailer.report.who import Kind, Sender
from mailer.store.database import executemany, select
from mailer.store.models import instant, moment

ADD = """
INSERT INTO received_report (kind, reporter, report_id, domain, digest, receiver, organisation, contact, policy, day,
    zone, begins_at, ends_at, received_at, mail_id, proved)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
RETURNING id
"""
#: An earlier release kept no digest, and one report of a name alone.
KNOWN = """
SELECT id FROM received_report
WHERE kind = ? AND reporter = ? AND report_id = ? AND domain = ? AND digest IN (?, x'')
"""
OTHERS = """
SELECT other.id FROM received_report AS report JOIN received_report AS other USING (kind, reporter, report_id, domain)
WHERE report.id = ? AND other.id <> report.id ORDER BY other.id
"""
ADD_MAIL = """
INSERT INTO reported_mail (report_id, about_us, sender, source, messages, disposition, dkim, spf, header_from,
    envelope_from, dkim_said, spf_said, reasons)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_TLS = """
INSERT INTO reported_tls (report_id, about_us, policy, domain, sessions, failure, host, source, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
GET = """
SELECT id, kind, proved, begins_at, ends_at, received_at, mail_id, reporter, report_id, domain, digest, receiver,
    organisation, contact, policy
FROM received_report WHERE id = ?
"""
MAIL_ROWS = """
SELECT about_us, sender, source, messages, disposition, dkim, spf, header_from, envelope_from, dkim_said, spf_said,
    reasons
FROM reported_mail WHERE report_id = ? ORDER BY id
"""
TLS_ROWS = """
SELECT about_us, policy, domain, sessions, failure, host, source, reason FROM reported_tls WHERE report_id = ?
ORDER BY id
"""
DAYS = """
SELECT day, zone, receiver, kind, id, kind = 'complaint' AND NOT proved, EXISTS (
    SELECT 1 FROM received_report AS other
    WHERE other.kind = report.kind AND other.reporter = report.reporter AND other.report_id = report.report_id
        AND other.domain = report.domain AND other.id <> report.id
)
FROM received_report AS report WHERE day BETWEEN ? AND ? AND (? IS NULL OR kind = ?) AND (? IS NULL OR receiver = ?)
ORDER BY day DESC, receiver, kind, zone, id
"""
MAILS = """
SELECT day, zone, receiver, sender, dkim, spf, disposition, SUM(messages)
FROM received_report AS report JOIN reported_mail AS line ON line.report_id = report.id
WHERE day BETWEEN ? AND ? AND about_us AND (? IS NULL OR receiver = ?) GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
SESSIONS = """
SELECT day, zone, receiver, line.policy, failure, SUM(sessions)
FROM received_report AS report JOIN reported_tls AS line ON line.report_id = report.id
WHERE day BETWEEN ? AND ? AND about_us AND (? IS NULL OR receiver = ?) GROUP BY 1, 2, 3, 4, 5
"""
COMPLAINED = "SELECT recipient, proved FROM bounce_event WHERE mail_id = ? AND kind = 'complaint' ORDER BY proved"
#: The day, its zone and the receiver.
_Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """A report as it is kept; `id` is 0 before it is, `mail_id` the number of the mail it came in, if that is kept.

    `digest` is that of all that it says, which a second copy says, too; `proved` is a complaint that only who got a
    mail of ours can have written.
    """

    id: int
    kind: Kind
    span: Span
    received_at: datetime
    mail_id: int | None
    reporter: str
    report_id: str
    domain: str
    digest: bytes
    receiver: str
    organisation: str
    contact: str
    policy: str
    proved: bool = False


@dataclass(frozen=True, slots=True)
class KeptMail:
    """Mails that a report counts: whose they were, and whether they bore our domain."""

    about_us: bool
    sender: Sender
    row: DmarcRow


@dataclass(frozen=True, slots=True)
class KeptTls:
    """Sessions that a report counts, and whether they were with us."""

    about_us: bool
    row: TlsRow


def add(report: Kept, mails: Sequence[KeptMail], sessions: Sequence[KeptTls]) -> int:
    """Write a report that is not known and return its number."""
    span = report.span
    times = (instant(span.begins_at), instant(span.ends_at), instant(report.received_at))
    said = (report.receiver, report.organisation, report.contact, report.policy, span.day.isoformat(), span.zone)
    ((new,),) = select(ADD, (*_key(report), *said, *times, report.mail_id, report.proved))
    executemany(ADD_MAIL, [(new, one.about_us, one.sender.value, *_mail(one.row)) for one in mails])
    executemany(ADD_TLS, [(new, one.about_us, *_tls(one.row)) for one in sessions])
    return int(new)


def number(report: Kept) -> int | None:
    """Return the number of a report that is known and says the same, or None."""
    return next((int(known) for (known,) in select(KNOWN, _key(report))), None)


def others(number: int) -> list[int]:
    """Return the reports that bear the same name and say something else."""
    return [other for (other,) in select(OTHERS, (number,))]


def get(number: int) -> Kept | None:
    """Return a report, or None if there is none with this number."""
    for id_, kind, proved, begins_at, ends_at, received_at, mail_id, *said in select(GET, (number,)):
        span = Span(moment(begins_at), moment(ends_at))
        kept = Kept(id_, Kind(kind), span, moment(received_at), mail_id, *said)
        return replace(kept, proved=bool(proved))
    return None


def mails(number: int) -> list[KeptMail]:
    """Return the mails that a report counts, in its order."""
    return [
        KeptMail(bool(about_us), Sender(sender), DmarcRow(source, messages, how, bool(dkim), bool(spf), *said))
        for about_us, sender, source, messages, how, dkim, spf, *said in select(MAIL_ROWS, (number,))
    ]


def sessions(number: int) -> list[KeptTls]:
    """Return the sessions that a report counts, in its order."""
    return [KeptTls(bool(about_us), TlsRow(*said)) for about_us, *said in select(TLS_ROWS, (number,))]


def days(since: date, until: date, kind: Kind | None, receiver: str | None) -> list[DaySums]:
    """Return what was reported about the days from one to another, by day, receiver and kind, the newest first.

    Reports that contradict each other are summed all: nobody knows which is true, and none may hide what another says.
    """
    span = (since.isoformat(), until.isoformat())
    wanted = (*span, receiver, receiver)
    mails: dict[_Place, list[Mails]] = defaultdict(list)
    for day, zone, name, sender, dkim, spf, how, messages in select(MAILS, wanted):
        mails[day, zone, name].append(Mails(Sender(sender), bool(dkim), bool(spf), how, messages))
    tls: dict[_Place, list[Sessions]] = defaultdict(list)
    for day, zone, name, *counted in select(SESSIONS, wanted):
        tls[day, zone, name].append(Sessions(*counted))
    numbers: dict[tuple[_Place, Kind], list[int]] = defaultdict(list)
    contradicted: dict[tuple[_Place, Kind], list[int]] = defaultdict(list)
    unproved: dict[tuple[_Place, Kind], list[int]] = defaultdict(list)
    asked = kind and kind.value
    for day, zone, name, what, id_, doubtful, against in select(DAYS, (*span, asked, asked, receiver, receiver)):
        numbers[(day, zone, name), Kind(what)].append(id_)
        contradicted[(day, zone, name), Kind(what)] += [id_] if against else []
        unproved[(day, zone, name), Kind(what)] += [id_] if doubtful else []
    return [
        DaySums(
            *(date.fromisoformat(place[0]), place[1], place[2], what, tuple(found)),
            contradicted=tuple(contradicted[place, what]),
            unproved=tuple(unproved[place, what]),
            mails=mail_sums(mails.get(place, ()) if what is Kind.DMARC else ()),
            tls=tls_sums(tls.get(place, ()) if what is Kind.TLS else ()),
        )
        for (place, what), found in numbers.items()
    ]


def complained_of(mail_id: int) -> dict[str, bool]:
    """Return the domains of the readers whose complaints a mail hands on, and whether it proves one of them."""
    found = {recipient.rpartition("@")[2].lower(): bool(proved) for recipient, proved in select(COMPLAINED, (mail_id,))}
    return {domain: proved for domain, proved in found.items() if domain}


def _key(report: Kept) -> tuple[object, ...]:
    return report.kind.value, report.reporter, report.report_id, report.domain, report.digest


def _mail(row: DmarcRow) -> tuple[object, ...]:
    counted = (row.source, row.messages, row.disposition, row.dkim, row.spf)
    return (*counted, row.header_from, row.envelope_from, row.dkim_said, row.spf_said, row.reasons)


def _tls(row: TlsRow) -> tuple[object, ...]:
    return row.policy, row.domain, row.sessions, row.failure, row.host, row.source, row.reason
