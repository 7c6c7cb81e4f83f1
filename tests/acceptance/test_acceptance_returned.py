"""What if a server that nobody here wrote takes a mail, cannot deliver it, and says so in a report of its own?"""

import pytest

from tests.acceptance import opensmtpd
from tests.acceptance.conftest import Town

SCHOOL = "t-daisan"
#: Who returns it, and with which status; one is sent on by Postfix to Exim, which does not know the new address. What
#: OpenSMTPD writes is no multipart/report (RFC 3464 §2), and read all the same.
EXPECTED = {
    "moved@docomo.ne.jp": ("mx.postfix.example", "5.1.6"),
    "moved@exim.example": ("mx.exim.example", "5.0.0"),
    "forwarded@docomo.ne.jp": ("127.0.91.1", "5.1.1"),
    f"moved@{opensmtpd.DOMAIN}": ("mx.opensmtpd.example", "5.3.0"),
}


@pytest.fixture(scope="module")
def announcement(town: Town) -> str:
    """A broadcast that was taken everywhere and came back from everywhere."""
    town.appliance.register({SCHOOL: EXPECTED})
    sent = town.appliance.send(SCHOOL, "本日は集団下校です。")
    town.appliance.wait(sent, waiting=0, deferred=0, returned=len(EXPECTED), refused=len(EXPECTED))
    return sent


def test_what_came_back_is_told_as_refused_with_the_report_as_evidence(town: Town, announcement: str) -> None:
    told = town.appliance.recipients(announcement)
    for address, expected in EXPECTED.items():
        evidence = told[address]["evidence"]
        assert (told[address]["state"], evidence["stage"]) == ("refused", "dsn")
        assert (evidence["host"], evidence["enhanced"]) == expected, evidence


def test_the_accounting_holds_when_mails_came_back(town: Town, announcement: str) -> None:
    assert town.appliance.run("broadcast", "verify", announcement)["ok"]
