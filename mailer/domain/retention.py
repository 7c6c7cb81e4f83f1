"""What is kept for how long?

The one table that answers: each kind of thing that the store holds, the nouns that belong to it, and its term. A term
is set by the configuration (`Terms`), follows from what the thing is needed for, or there is none. A noun may stand in
two kinds, because parts of it go at different times: of an attempt first what was said in it, later the attempt.

What is forgotten must not make an answer wrong. A mail of ours comes back days later at most, so a recipient is kept
far longer than that; and an address is put to rest by what was said and by what was accepted since, so recipients
are kept at least as long as setbacks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum

from mailer.domain.moment import JAPAN

#: What is usual at a receiver is told by so many days.
REFUSALS_KEPT = timedelta(days=60)
#: A report about a day is tried for a day; the rest is for people to look back.
TLS_COUNTS_KEPT = timedelta(days=30)
#: A host that was not spoken to for so long is a stranger again; a policy holds as long as it says.
TLS_HOSTS_KEPT = timedelta(days=90)


class Kind(StrEnum):
    """A kind of thing that is kept; those with a settable term are called as in `Terms`."""

    RECEIVED = "received"
    FOR_A_PERSON = "received_for_a_person"
    REPORTS = "reports"
    SETBACKS = "setbacks"
    TRANSCRIPTS = "transcripts"
    VISITS = "visits"
    BROADCASTS = "broadcasts"
    HOUSEHOLDS = "households"
    ALARMS = "alarms"
    REFUSALS = "refusals"
    TLS_COUNTS = "tls_counts"
    TLS_HOSTS = "tls_hosts"
    REGISTERED = "registered"
    RESTING = "resting"
    ANNOUNCEMENTS = "announcements"
    AUDIT = "audit"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a town keeps what it may set.

    - `received`: a mail that came in and said something of a recipient, from its arrival
    - `received_for_a_person`: one that said nothing to us, or could not be read; never one that nobody has read
    - `reports`: a report of others about our mail, from its arrival
    - `setbacks`: what was said against an address, from then on; while the address rests, longer
    - `transcripts`: what was said in an attempt, from its end; its result stays with the recipient
    - `visits`: from where and with what a receipt URL was opened; that and when it was stays with the recipient
    - `broadcasts`: the recipients, exclusions and receipts of an announcement, from its deadline; its sums stay
    - `households`: one that was deregistered, from then on, and not while a recipient or exclusion names it
    - `alarms`: an alarm, from its end
    """

    received: timedelta = timedelta(days=90)
    received_for_a_person: timedelta = timedelta(days=365)
    reports: timedelta = timedelta(days=365)
    setbacks: timedelta = timedelta(days=365)
    transcripts: timedelta = timedelta(days=90)
    visits: timedelta = timedelta(days=365)
    broadcasts: timedelta = timedelta(days=3 * 365)
    households: timedelta = timedelta(days=365)
    alarms: timedelta = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind, the nouns that belong to it, and its term where that is not the town's to set (None: no term)."""

    kind: Kind
    nouns: tuple[str, ...]
    fixed: timedelta | None = None

    @property
    def is_settable(self) -> bool:
        """Tell whether the configuration sets the term."""
        return self.kind.value in _SETTABLE

    def term(self, terms: Terms) -> timedelta | None:
        """Return how long it is kept; None: for good, or as long as it holds."""
        return getattr(terms, self.kind.value) if self.is_settable else self.fixed


_SETTABLE = frozenset(field.name for field in fields(Terms))

RULES: Mapping[Kind, Rule] = {
    rule.kind: rule
    for rule in (
        Rule(Kind.RECEIVED, ("InboundMail", "BounceEvent", "SingleMail")),
        Rule(Kind.FOR_A_PERSON, ("InboundMail", "SingleMail")),
        Rule(Kind.REPORTS, ("ReceivedReport", "ReportedMail", "ReportedTls")),
        Rule(Kind.SETBACKS, ("Setback",)),
        Rule(Kind.TRANSCRIPTS, ("SmtpSession", "Attempt")),
        Rule(Kind.VISITS, ("Visit",)),
        Rule(
            Kind.BROADCASTS,
            ("QueueItem", "ItemSlot", "Attempt", "Visit", "Receipt", "Exclusion", "Canary", "TimedHold"),
        ),
        # Who left is not written to: that the address rested is forgotten too, but for a complaint, which is a wish.
        Rule(Kind.HOUSEHOLDS, ("Household", "AddressSlot", "Suspension")),
        Rule(Kind.ALARMS, ("Alarm", "AlarmTelling")),
        Rule(Kind.REFUSALS, ("ReceiverLot",), REFUSALS_KEPT),
        Rule(Kind.TLS_COUNTS, ("TlsPolicy", "TlsCount", "TlsReport"), TLS_COUNTS_KEPT),
        Rule(Kind.TLS_HOSTS, ("TlsHost", "StsPolicy"), TLS_HOSTS_KEPT),
        # As long as they hold: the roster while it is registered, a rest while the address rests.
        Rule(Kind.REGISTERED, ("Household", "AddressSlot")),
        Rule(Kind.RESTING, ("Suspension",)),
        # For good: what the town wrote, and what became of it in sums, name nobody; and a book of which pages may be
        # taken away proves nothing.
        Rule(Kind.ANNOUNCEMENTS, ("Announcement", "AnnouncementSchool", "WrittenSoFar", "AnnouncementSums")),
        Rule(Kind.AUDIT, ("AuditEntry",)),
        # What the machine needs to go on, a row for a domain, a key, a window or a stop: it does not grow with mail.
        Rule(
            Kind.OPERATION,
            (
                *("Counter", "DkimKey", "DomainMemory", "SiteMemory", "SiteShare", "Worker", "Flush", "QueueStop"),
                *("MaintenanceWindow", "MaintenanceNotice"),
            ),
        ),
    )
}


def until(kind: Kind, terms: Terms, now: datetime) -> datetime | None:
    """Return the time before which things of a kind are forgotten; None where they are not.

    Terms end at midnight in Japan: all that is due goes in one night, and is entered in the audit log once.
    """
    term = RULES[kind].term(terms)
    if term is None:
        return None
    return now.astimezone(JAPAN).replace(hour=0, minute=0, second=0, microsecond=0) - term
