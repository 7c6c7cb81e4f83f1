"""What does a sender say of TLS with our port 25: how many sessions, how many failed, and why?

The JSON of RFC 8460 §4.4. What is summed must be there: who reports, about which time, the policies with their counts.
Raises Unreadable.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailer.domain.moment import MomentError, parse_moment
from mailer.report.unreadable import Unreadable
from mailer.report.value import Span, count, name, word, words

#: What each result type means, for whoever keeps our mail server and our DNS.
REASONS: Mapping[str, str] = {
    "starttls-not-supported": "our mail server did not offer TLS",
    "certificate-host-mismatch": "our certificate names another host",
    "certificate-expired": "our certificate has expired",
    "certificate-not-trusted": "our certificate was not trusted",
    "validation-failure": "TLS failed for a reason that is not told",
    "tlsa-invalid": "our TLSA record does not fit our certificate",
    "dnssec-invalid": "our DNSSEC signatures are not valid",
    "dane-required": "the sender wants DANE, and found no valid TLSA record of ours",
    "sts-policy-fetch-error": "our MTA-STS policy could not be fetched",
    "sts-policy-invalid": "our MTA-STS policy is not valid",
    "sts-webpki-invalid": "the web server with our MTA-STS policy showed a bad certificate",
}
OTHER = "validation-failure"

MOST_ROWS = 10_000
#: Brackets, braces and commas: each may become a value, and values fill the memory.
MOST_VALUES = 500_000
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class TlsRow:
    """So many sessions under one policy ended alike; `failure` is a result type, empty where TLS was spoken."""

    policy: str
    domain: str
    sessions: int
    failure: str = ""
    host: str = ""
    source: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TlsReceived:
    """One report: who reports under which name and address, about which domain and time."""

    organisation: str
    contact: str
    report_id: str
    domain: str
    span: Span
    rows: tuple[TlsRow, ...]


def read(content: bytes) -> TlsReceived:
    """Return the report that a JSON document is."""
    document = _mapping(_parsed(content))
    organisation, contact = _words(document, "organization-name"), _words(document, "contact-info")
    report_id = _words(document, "report-id")
    if not report_id or not (organisation or contact):
        raise Unreadable("it does not say who reports, or lacks a report-id")
    rows = tuple(_rows(_sequence(document.get("policies"))))
    if not rows:
        raise Unreadable("it has no policy")
    dates = _mapping(document.get("date-range"))
    return TlsReceived(
        organisation=organisation or contact,
        contact=contact,
        report_id=report_id,
        domain=rows[0].domain,
        span=Span(_moment(dates, "start-datetime"), _moment(dates, "end-datetime")),
        rows=rows,
    )


def _parsed(content: bytes) -> Any:
    if sum(map(content.count, (b"[", b"{", b","))) > MOST_VALUES:
        raise Unreadable(f"it has more than {MOST_VALUES} values")
    try:
        return json.loads(content, parse_int=_integer, parse_constant=_refuse)
    except Unreadable:
        raise
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is no JSON: {words(str(error))}") from error


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= MOST_DIGITS else _refuse(digits)


def _refuse(value: str) -> int:
    raise Unreadable(f"it has a number that counts nothing: {words(value[:MOST_DIGITS])}")


def _rows(policies: Sequence[Any]) -> Iterator[TlsRow]:
    given = 0
    for policy in map(_mapping, policies):
        for row in _ends(policy):
            given += 1
            if given > MOST_ROWS:
                raise Unreadable(f"it has more than {MOST_ROWS} lines")
            yield row


def _ends(policy: Mapping[str, Any]) -> Iterator[TlsRow]:
    """Give how sessions under a policy ended: the successes, each failure that is told of, and the rest of them."""
    said, summary = _mapping(policy.get("policy")), _mapping(policy.get("summary"))
    kind, domain = word(_text(said, "policy-type")), name(_text(said, "policy-domain"))
    yield TlsRow(kind, domain, count(summary.get("total-successful-session-count", 0)))
    untold = count(summary.get("total-failure-session-count", 0))
    for detail in map(_mapping, _sequence(policy.get("failure-details"))):
        row = _failure(kind, domain, detail)
        untold -= row.sessions
        yield row
    if untold > 0:
        yield TlsRow(kind, domain, untold, OTHER)


def _failure(kind: str, domain: str, detail: Mapping[str, Any]) -> TlsRow:
    return TlsRow(
        policy=kind,
        domain=domain,
        sessions=count(detail.get("failed-session-count", 1)),
        failure=word(_text(detail, "result-type")) or OTHER,
        host=name(_text(detail, "receiving-mx-hostname")),
        source=word(_text(detail, "sending-mta-ip")),
        reason=_words(detail, "failure-reason-code"),
    )


def _moment(dates: Mapping[str, Any], key: str) -> datetime:
    text = _text(dates, key)
    try:
        return parse_moment(text)
    except MomentError as error:
        raise Unreadable(f"it names {words(text)!r} as a time") from error


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> Sequence[Any]:
    """Return a list; a single thing, as some write it, is a list of one."""
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def _words(mapping: Mapping[str, Any], key: str) -> str:
    return words(_text(mapping, key))
