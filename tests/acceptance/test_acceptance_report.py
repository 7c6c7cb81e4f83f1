"""Does a domain that asks for reports about TLS get one that it can verify, from the sessions of a real broadcast?

The sessions are counted by the mailer's workers; yesterday is made by dating the figures back.
"""

import email
import email.policy
import gzip
import json
import sqlite3
from datetime import UTC, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from mailer.clock import system_clock
from tests.acceptance import verdicts
from tests.acceptance.conftest import REPORTS, Town
from tests.acceptance.jail import wait_until
from tests.report import rfc8460

SCHOOL = "t-kouryoj"
DOMAIN = "tls.example"


@pytest.fixture(scope="module")
def sent(town: Town) -> dict[str, Any]:
    """What `reports send-tls` says of the domain, a day after a broadcast."""
    town.appliance.register({SCHOOL: [f"taro@{DOMAIN}"]})
    town.appliance.wait(town.appliance.send(SCHOOL, "本日は集団下校です。"), accepted=1)
    wait_until(lambda: _figures(town.appliance.run("reports", "tls")), 20, town.appliance.log)
    yesterday = system_clock().astimezone(UTC).date() - timedelta(days=1)
    with sqlite3.connect(town.appliance.directory / "state" / "mimamori.db", timeout=20) as store:
        store.execute("UPDATE tls_count SET day = ?", (yesterday.isoformat(),))
    store.close()
    return _figures(town.appliance.run("reports", "send-tls"))[0]


def _figures(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in found if one["domain"] == DOMAIN]


def test_what_was_counted_is_reported_where_it_is_wanted(town: Town, sent: dict[str, Any]) -> None:
    assert (sent["report"]["state"], sent["report"]["destination"]) == ("sent", f"mailto:{REPORTS}")
    assert sent["successful"] >= 1
    assert sent["failed"] == 0
    # Sent once: a second call finds nothing to do.
    assert _figures(town.appliance.run("reports", "send-tls")) == []


def test_the_mail_is_verified_and_read_by_others(town: Town, sent: dict[str, Any]) -> None:
    wait_until(lambda: _reports(town), 20, town.servers["postfix"].log)
    (mail,) = _reports(town)
    assert verdicts.dkimpy(mail, town.keys) == [True, True]
    read = email.message_from_bytes(mail, _class=EmailMessage, policy=email.policy.default)
    assert (read["TLS-Report-Domain"], read["Delivered-To"]) == (DOMAIN, REPORTS)
    assert (read.get_content_type(), read.get_param("report-type")) == ("multipart/report", "tlsrpt")
    _, file = read.iter_parts()
    report = json.loads(gzip.decompress(file.get_content()))
    rfc8460.check(report)
    (policy,) = report["policies"]
    assert policy["policy"] == {"policy-type": "no-policy-found", "policy-domain": DOMAIN}
    assert policy["summary"]["total-successful-session-count"] == sent["successful"]


def _reports(town: Town) -> list[bytes]:
    return [mail for mail in town.mails() if b"\nTLS-Report-Domain:" in mail]
