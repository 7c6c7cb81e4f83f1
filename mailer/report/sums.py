"""What do the reports of one receiver about one day add up to?"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from mailer.report.who import Kind, Sender

#: What receivers call what they do with mail that they do not take for ours.
STOPPED = frozenset({"quarantine", "reject"})
#: These speak of a policy that failed, whichever is named (RFC 8460 §4.3.2).
POLICY_FAILURES = frozenset(
    {
        "tlsa-invalid",
        "dnssec-invalid",
        "dane-required",
        "sts-policy-fetch-error",
        "sts-policy-invalid",
        "sts-webpki-invalid",
    }
)
NO_POLICY = "no-policy-found"


@dataclass(frozen=True, slots=True)
class Mails:
    """So many mails that bear our domain fared alike."""

    sender: Sender
    dkim: bool
    spf: bool
    disposition: str
    messages: int


@dataclass(frozen=True, slots=True)
class Sessions:
    """So many sessions with our port 25 ended alike: `failure` is empty where TLS was spoken."""

    policy: str
    failure: str
    sessions: int


@dataclass(frozen=True, slots=True)
class MailSums:
    """Mails of ours by what did not hold for them; those that others passed on; those that strangers forged."""

    passed: int
    without_dkim: int
    without_spf: int
    failed: int
    stopped: int
    passed_on: int
    forged: int
    forged_stopped: int

    @property
    def ours(self) -> int:
        """Return how many came from us."""
        return self.passed + self.without_dkim + self.without_spf + self.failed


@dataclass(frozen=True, slots=True)
class TlsSums:
    """Sessions that spoke TLS, and the others by why not; `against_policy` are those of them that a policy forbids."""

    succeeded: int
    failures: Mapping[str, int]
    against_policy: int

    @property
    def failed(self) -> int:
        """Return how many failed."""
        return sum(self.failures.values())


@dataclass(frozen=True, slots=True)
class DaySums:
    """What one receiver reports of one kind about one day of its zone; `numbers` are those of the reports.

    `contradicted` are those of them whose name another report bears that says something else,
    `unproved` the complaints that anybody can have written.
    """

    day: date
    zone: str
    receiver: str
    kind: Kind
    numbers: tuple[int, ...]
    contradicted: tuple[int, ...] = ()
    unproved: tuple[int, ...] = ()
    mails: MailSums = field(default_factory=lambda: mail_sums(()))
    tls: TlsSums = field(default_factory=lambda: tls_sums(()))

    @property
    def complaints(self) -> int:
        """Return how many complaints are proved."""
        return len(self.numbers) - len(self.unproved) if self.kind is Kind.COMPLAINT else 0


def mail_sums(found: Iterable[Mails]) -> MailSums:
    """Add mails up."""
    counted: Counter[str] = Counter()
    for one in found:
        counted[_fate(one)] += one.messages
        if one.disposition in STOPPED:
            counted[f"{one.sender} stopped"] += one.messages
    return MailSums(
        passed=counted["passed"],
        without_dkim=counted["without_dkim"],
        without_spf=counted["without_spf"],
        failed=counted["failed"],
        stopped=counted[f"{Sender.OURS} stopped"],
        passed_on=counted[Sender.PASSED_ON],
        forged=counted[Sender.STRANGER],
        forged_stopped=counted[f"{Sender.STRANGER} stopped"],
    )


def tls_sums(found: Iterable[Sessions]) -> TlsSums:
    """Add sessions up."""
    failures: Counter[str] = Counter()
    succeeded = against_policy = 0
    for one in found:
        if one.failure:
            failures[one.failure] += one.sessions
            against_policy += one.sessions if is_against_policy(one) else 0
        else:
            succeeded += one.sessions
    return TlsSums(succeeded, dict(failures), against_policy)


def is_against_policy(one: Sessions) -> bool:
    """Tell whether a session failed that a policy of ours protects: unless it only tests, mail was kept back."""
    return one.failure in POLICY_FAILURES or bool(one.failure and one.policy not in ("", NO_POLICY))


def _fate(one: Mails) -> str:
    if one.sender is not Sender.OURS:
        return one.sender
    if one.dkim:
        return "passed" if one.spf else "without_spf"
    return "without_dkim" if one.spf else "failed"
