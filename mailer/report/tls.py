"""What does a report about TLS say of one domain and one day?

The JSON of RFC 8460, made from what was counted: for each policy how many sessions it held for, how many of them
failed, and where and why. It leaves compressed. The same figures give the same bytes, and the same day and domain the
same name, by which a receiver knows a second copy.
"""

import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from mailer.smtp.address import parse_address
from mailer.smtp.tls_result import TlsPolicy, TlsResult

LONGEST_REASON = 200
LONGEST_DOMAIN = 253
GZIP = "application/tlsrpt+gzip"
#: A domain goes into header fields and file names as it is.
_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+")


@dataclass(frozen=True, slots=True)
class Counted:
    """So many sessions ended alike; `result.reason` is that of one of them."""

    result: TlsResult
    sessions: int


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: the domain that signs, and the mailbox that answers questions."""

    domain: str
    contact: str


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported to one domain of one day (UTC)."""

    reporter: Reporter
    domain: str
    day: date
    counted: tuple[Counted, ...]

    @property
    def id(self) -> str:
        """Return its name, as `20260410.town.example@mail.example.jp`: the same whenever it is made."""
        return f"{self.day:%Y%m%d}.{self.domain}@{self.reporter.domain}"

    @property
    def submitter(self) -> str:
        """Return the domain that submits it: that of the contact (RFC 8460 §5.3)."""
        return parse_address(self.reporter.contact).key.rpartition("@")[2]

    @property
    def filename(self) -> str:
        """Return what its file is called (RFC 8460 §5.1)."""
        begin, end = (int(moment.timestamp()) for moment in span(self.day))
        return f"{self.submitter}!{self.domain}!{begin}!{end}.json.gz"

    def document(self) -> dict[str, Any]:
        """Return the report as it is written in JSON."""
        begin, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in span(self.day))
        return {
            "organization-name": self.reporter.domain,
            "date-range": {"start-datetime": begin, "end-datetime": end},
            "contact-info": self.reporter.contact,
            "report-id": self.id,
            "policies": [_policy(policy, found) for policy, found in _by_policy(self.counted).items()],
        }

    def packed(self) -> bytes:
        """Return the file."""
        return gzip.compress(json.dumps(self.document(), ensure_ascii=False).encode(), mtime=0)


def is_reportable(result: TlsResult) -> bool:
    """Tell whether a report can be about the domain of a session."""
    domain = result.policy.reported
    return len(domain) <= LONGEST_DOMAIN and _DOMAIN.fullmatch(domain) is not None


def span(day: date) -> tuple[datetime, datetime]:
    """Return the first and the last second of a day (UTC), as reports name them."""
    begin = datetime.combine(day, time(), UTC)
    return begin, begin + timedelta(days=1, seconds=-1)


def sums(counted: Iterable[Counted]) -> tuple[int, int]:
    """Return how many sessions succeeded and how many failed."""
    ends = [(one.result.failure, one.sessions) for one in counted]
    return sum(n for failure, n in ends if not failure), sum(n for failure, n in ends if failure)


def _by_policy(counted: Iterable[Counted]) -> Mapping[TlsPolicy, list[Counted]]:
    found: dict[TlsPolicy, list[Counted]] = {}
    for one in counted:
        found.setdefault(one.result.policy, []).append(one)
    return found


def _policy(policy: TlsPolicy, counted: Sequence[Counted]) -> dict[str, Any]:
    good, bad = sums(counted)
    stated = {
        "policy-type": policy.kind,
        "policy-string": list(policy.strings),
        "policy-domain": policy.domain,
        "mx-host": list(policy.mx_patterns),
    }
    return {
        "policy": _said(stated),
        "summary": {"total-successful-session-count": good, "total-failure-session-count": bad},
        "failure-details": [_detail(one.result, one.sessions) for one in counted if one.result.failure],
    }


def _detail(result: TlsResult, sessions: int) -> dict[str, Any]:
    return _said(
        {
            "result-type": result.failure,
            "sending-mta-ip": result.source,
            "receiving-mx-hostname": result.mx_host,
            "receiving-ip": result.address,
            "failed-session-count": sessions,
            "failure-reason-code": result.reason[:LONGEST_REASON],
        }
    )


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value not in ("", [])}
