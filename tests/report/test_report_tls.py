"""Is what was counted of TLS reported as RFC 8460 wants it?"""

import gzip
import json
from dataclasses import replace

import pytest

from mailer.report.tls import is_reportable
from mailer.smtp.tls_result import TlsPolicy
from tests.report import rfc8460
from tests.report.samples import GOOD, OURS, REPORT


def test_a_report_is_one_and_its_figures_add_up() -> None:
    document = REPORT.document()
    rfc8460.check(document)
    sts, tlsa = document["policies"]
    assert sts["policy"] == {
        "policy-type": "sts",
        "policy-string": ["version: STSv1", "mode: testing", "mx: *.town.example"],
        "policy-domain": "town.example",
        "mx-host": ["*.town.example"],
    }
    assert sts["summary"] == {"total-successful-session-count": 5, "total-failure-session-count": 2}
    assert tlsa["summary"] == {"total-successful-session-count": 0, "total-failure-session-count": 4}
    # TLSA records belong to the host, whoever is told of them.
    assert tlsa["policy"]["policy-domain"] == "mx.host.example"


def test_a_failure_says_what_is_known_of_it_and_not_too_much() -> None:
    (expired,) = REPORT.document()["policies"][0]["failure-details"]
    assert len(expired.pop("failure-reason-code")) == 200
    assert expired == {
        "result-type": "certificate-expired",
        "sending-mta-ip": "198.51.100.7",
        "receiving-mx-hostname": "mx.town.example",
        "receiving-ip": "203.0.113.5",
        "failed-session-count": 2,
    }
    assert "receiving-ip" not in REPORT.document()["policies"][1]["failure-details"][1]


def test_the_day_and_the_name_are_those_of_the_day() -> None:
    document = REPORT.document()
    assert document["date-range"] == {"start-datetime": "2026-04-10T00:00:00Z", "end-datetime": "2026-04-10T23:59:59Z"}
    assert document["report-id"] == f"20260410.town.example@{OURS}"
    assert REPORT.filename == "city.example.jp!town.example!1775779200!1775865599.json.gz"


def test_the_same_figures_give_the_same_file() -> None:
    assert REPORT.packed() == REPORT.packed()
    assert json.loads(gzip.decompress(REPORT.packed())) == REPORT.document()


@pytest.mark.parametrize(
    "domain", ["", "town", "a" * 64 + ".example", 'x"\r\n.example', "Town.example", "日本.example"]
)
def test_a_name_that_may_not_stand_in_a_header_is_not_reported(domain: str) -> None:
    assert not is_reportable(replace(GOOD, policy=TlsPolicy("no-policy-found", domain)))


def test_of_a_mail_host_the_domain_whose_mail_it_was_counts() -> None:
    hidden = TlsPolicy("tlsa", "HOST!", mail_domain="town.example")
    assert hidden.reported == "town.example"
    assert is_reportable(replace(GOOD, policy=hidden))
    assert is_reportable(GOOD)
