"""Which lines of a report are kept, and are they about us?

Of a long report the first lines are kept each, and of the others what they add up to: ten thousand forged addresses in
a mail of a few kilobytes must not fill the store.
"""

from collections import Counter
from dataclasses import replace

from mailer.report import who
from mailer.report.dmarc import DmarcReport, DmarcRow
from mailer.report.received import Received
from mailer.report.tls_received import OTHER, REASONS, TlsRow
from mailer.service.office import Office
from mailer.store import tls_report
from mailer.store.received_reports import KeptMail, KeptTls

MOST_EACH = 500
#: What receivers do with mail, and the policies that senders know of; other words are not kept apart.
DISPOSITIONS = frozenset({"none", "pass", "quarantine", "reject"})
POLICIES = frozenset({"sts", "tlsa", "no-policy-found"})


def mails(office: Office, received: Received) -> list[KeptMail]:
    """Return the mails that a report counts."""
    if not isinstance(received, DmarcReport):
        return []
    addresses = office.addresses | tls_report.sources()
    found = [
        KeptMail(
            about_us=who.is_under(row.header_from or received.domain, office.domain),
            sender=who.sender(row, addresses),
            row=row,
        )
        for row in received.rows
    ]
    others: Counter[KeptMail] = Counter()
    for one in found[MOST_EACH:]:
        others[replace(one, row=_without_source(one.row))] += one.row.messages
    return [*found[:MOST_EACH], *(replace(one, row=replace(one.row, messages=n)) for one, n in others.items())]


def sessions(office: Office, received: Received) -> list[KeptTls]:
    """Return the sessions that a report counts."""
    if isinstance(received, DmarcReport):
        return []
    found = [KeptTls(who.is_under(row.domain, office.domain), row) for row in received.rows if row.sessions]
    others: Counter[KeptTls] = Counter()
    for one in found[MOST_EACH:]:
        others[replace(one, row=_without_host(one.row))] += one.row.sessions
    return [*found[:MOST_EACH], *(replace(one, row=replace(one.row, sessions=n)) for one, n in others.items())]


def _without_source(row: DmarcRow) -> DmarcRow:
    return DmarcRow(
        source="",
        messages=0,
        disposition=row.disposition if row.disposition in DISPOSITIONS else "other",
        dkim=row.dkim,
        spf=row.spf,
        header_from="",
        envelope_from="",
        dkim_said="",
        spf_said="",
        reasons="",
    )


def _without_host(row: TlsRow) -> TlsRow:
    failure = row.failure if row.failure in REASONS or not row.failure else OTHER
    return TlsRow(row.policy if row.policy in POLICIES else "", "", 0, failure)
