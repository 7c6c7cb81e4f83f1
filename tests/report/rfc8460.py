"""Is a document a report as RFC 8460 describes it? Written from the RFC, without a look at who makes reports."""

import ipaddress
import re
from datetime import datetime, timedelta
from typing import Any

FAILURES = {
    "starttls-not-supported",
    "certificate-host-mismatch",
    "certificate-expired",
    "certificate-not-trusted",
    "validation-failure",
    "tlsa-invalid",
    "dnssec-invalid",
    "dane-required",
    "sts-policy-fetch-error",
    "sts-policy-invalid",
    "sts-webpki-invalid",
}
DETAIL = {
    "result-type",
    "sending-mta-ip",
    "receiving-mx-hostname",
    "receiving-mx-helo",
    "receiving-ip",
    "failed-session-count",
    "additional-information",
    "failure-reason-code",
}


def check(report: dict[str, Any]) -> None:
    """Fail unless it is one."""
    assert report.keys() == {"organization-name", "date-range", "contact-info", "report-id", "policies"}
    begin, end = (datetime.fromisoformat(report["date-range"][f"{which}-datetime"]) for which in ("start", "end"))
    assert (end - begin).total_seconds() in (86_399, 86_400)
    assert (begin.hour, begin.minute, begin.utcoffset()) == (0, 0, timedelta(0))
    assert re.fullmatch(r"[^@\s]+@[^@\s]+", report["contact-info"])
    assert report["policies"]
    for policy in report["policies"]:
        _check_policy(policy)


def _check_policy(policy: dict[str, Any]) -> None:
    assert policy.keys() == {"policy", "summary", "failure-details"}
    stated, summary, details = policy["policy"], policy["summary"], policy["failure-details"]
    assert stated["policy-type"] in ("tlsa", "sts", "no-policy-found")
    assert re.fullmatch(r"[a-z0-9_.-]+", stated["policy-domain"])
    assert all(isinstance(line, str) for key in ("policy-string", "mx-host") for line in stated.get(key, []))
    assert summary.keys() == {"total-successful-session-count", "total-failure-session-count"}
    assert sum(detail["failed-session-count"] for detail in details) == summary["total-failure-session-count"]
    for detail in details:
        assert detail["result-type"] in FAILURES
        assert detail.keys() <= DETAIL
        for key in ("sending-mta-ip", "receiving-ip"):
            ipaddress.ip_address(detail.get(key, "192.0.2.1"))
