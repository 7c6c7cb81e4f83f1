"""Who reports, and whose mail is it about: ours, ours as somebody passed it on, or a stranger's?

Nothing here is proved: anybody can write a report, and name anybody as its author. It is information for people.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

from mailer.report.dmarc import DmarcReport, DmarcRow
from mailer.report.received import Received
from mailer.report.value import name

#: Companies that report from a domain of their own, with a domain whose mail they take.
SPEAK_FOR: Mapping[str, str] = {
    "microsoft.com": "outlook.com",
    "yahooinc.com": "yahoo.com",
    "yahoo-inc.com": "yahoo.com",
}


class Kind(StrEnum):
    """What a report is about."""

    DMARC = "dmarc"
    TLS = "tls"
    COMPLAINT = "complaint"


class Sender(StrEnum):
    """Whose mail it was."""

    OURS = "ours"
    PASSED_ON = "passed_on"
    STRANGER = "stranger"


def kind(report: Received) -> Kind:
    """Return what a report is about."""
    return Kind.DMARC if isinstance(report, DmarcReport) else Kind.TLS


def reporter(report: Received) -> str:
    """Return by what a reporter is told from others: the domain of its mailbox, or what it calls itself."""
    return name(report.contact.rpartition("@")[2]) or name(report.organisation)


def domains(report: Received) -> Iterator[str]:
    """Give the mail domains that a reporter may be the receiver of, the likeliest first."""
    for said in (name(report.organisation), reporter(report)):
        if "." in said:
            yield SPEAK_FOR.get(said, said)


def sender(row: DmarcRow, addresses: Collection[str]) -> Sender:
    """Return whose mail a row counts; `addresses` are those that we send from.

    SPF holds only for them, whether we know them or not. DKIM holds wherever a mail of ours is passed on.
    """
    if row.spf or row.source in addresses:
        return Sender.OURS
    return Sender.PASSED_ON if row.dkim else Sender.STRANGER


def is_under(domain: str, ours: str) -> bool:
    """Tell whether a domain is ours or below it."""
    return domain == ours or domain.endswith(f".{ours}")
