"""Does what stands in a mail's way end it only where no later attempt can mend that?"""

from datetime import UTC, datetime, timedelta

import pytest

from mailer.carrier.reading import Reading
from mailer.carrier.reason import Reason
from mailer.domain.lane import Lane
from mailer.schedule.judge import Case, Scene, judge
from mailer.schedule.outcome import Evidence, Verdict, reply_line
from mailer.smtp.address import parse_address
from mailer.smtp.envelope import Fact, ForwardPath
from mailer.smtp.reply import Reply, Stage

CASE = Case(Lane.SAFETY, 1, datetime(2026, 4, 10, tzinfo=UTC), 0.5)
PATH = ForwardPath(parse_address("taro@docomo.ne.jp"))


@pytest.mark.parametrize(
    ("failure", "verdict", "enhanced", "reason"),
    [
        ("too_big", Verdict.DEFERRED, "4.3.4", "too_big"),
        ("needs_proof", Verdict.DEFERRED, "4.7.5", "auth_failed"),
        ("needs_requiretls", Verdict.REFUSED, "5.7.30", "auth_failed"),
        ("needs_smtputf8", Verdict.REFUSED, "5.6.7", "protocol_error"),
    ],
)
def test_what_stands_in_the_way(failure: str, verdict: Verdict, enhanced: str, reason: str) -> None:
    outcome = judge(Fact(PATH, Stage.MAIL, None, failure), None, Scene("mx", ""), CASE)
    assert (outcome.verdict, outcome.evidence.enhanced, outcome.evidence.reason) == (verdict, enhanced, reason)


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_a_refusal_says_of_the_address_what_its_reading_says(kind: str) -> None:
    """The reason alone does not tell: a status of policy softens an unknown address."""
    fact = Fact(PATH, Stage.RCPT, Reply(550, "unknown user"), "")
    outcome = judge(fact, Reading(kind, Reason.ADDRESS_UNKNOWN, "refuse"), Scene("mx", ""), CASE)
    assert (outcome.verdict, outcome.kind) == (Verdict.REFUSED, kind)
    assert outcome.told(None, "").kind == outcome.moved(timedelta(hours=1)).kind == kind


@pytest.mark.parametrize(
    ("host", "name"), [("mx.example.jp[192.0.2.1]:25", "mx.example.jp"), ("mx.example.jp", "mx.example.jp"), ("", "")]
)
def test_evidence_knows_the_bare_name_of_its_host(host: str, name: str) -> None:
    assert Evidence("eod", host).host_name == name


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "said"),
    [
        (550, "5.7.1", "5.7.1 Rejected", "550 5.7.1 Rejected"),
        (452, "4.2.2", "4.2.2 4.2.2 Mailbox full", "452 4.2.2 Mailbox full"),
        (550, "", "5.7.1 Our system\n5.7.1 has detected\r\n\n5.7.1\tspam", "550 5.7.1 Our system has detected spam"),
        (550, "5.1.1", "No such user", "550 5.1.1 No such user"),
        (550, "", "No 5.1.1 here", "550 No 5.1.1 here"),
        (250, "2.0.0", "", "250 2.0.0"),
        (0, "5.1.1", "550 5.1.1 User unknown", "550 5.1.1 User unknown"),
        (0, "", "timeout", "timeout"),
        (0, "", "", ""),
    ],
)
def test_a_reply_is_told_on_one_line_and_its_status_once(code: int, enhanced: str, text: str, said: str) -> None:
    assert reply_line(code, enhanced, text) == said
