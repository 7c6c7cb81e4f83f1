"""Are replies of servers that nobody named read by their words, their status or their code?"""

import pytest

from mailer.carrier.rule import plain_words
from tests.carrier.replies import MX, OF_ANYBODY, said, shipped


@pytest.mark.parametrize(("stage", "reply", "reason", "action"), OF_ANYBODY)
def test_what_servers_mean(stage: str, reply: str, reason: str, action: str) -> None:
    reading = said(MX, stage, reply)
    assert (reading.reason.value, reading.action) == (reason, action)


@pytest.mark.parametrize(
    "reply",
    [
        "501 5.1.3 Bad recipient address syntax",
        "550 5.1.0 nix",
        "551 nix",
        "556 nix",
        "550 5.7.17 nix",
        "550 5.2.1 nix",
        "550 Requested action not taken",
        "554 5.7.1 policy",
        "550 user unknown or blocked using a blacklist",
    ],
)
def test_what_may_not_switch_an_address_off(reply: str) -> None:
    assert said(MX, "rcpt", reply).kind == "soft"


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail"])
@pytest.mark.parametrize(
    "reply", ["550 5.1.1 User unknown", "551 5.1.6 User has moved", "550 5.1.10 nix", "550 5.1.6 nix"]
)
def test_before_a_recipient_is_named_nothing_is_about_a_recipient(stage: str, reply: str) -> None:
    reading = said(MX, stage, reply)
    assert (reading.kind, reading.reason.meaning.acts) == ("soft", "operator")


def test_the_words_are_compared_on_one_line_without_addresses() -> None:
    text = "The  <Taro.Y@Example.JP> account\n5.1.1 does not\n\texist; see (help@example.jp)."
    assert plain_words(text) == "the <@> account does not exist; see (@)."


def test_every_rule_says_how_we_know() -> None:
    rules = [*shipped().rules, *(rule for carrier in shipped() for rule in carrier.rules)]
    assert all(len(rule.source) > 10 for rule in rules)


def test_no_rule_of_a_permanent_reason_contradicts_itself() -> None:
    for rule in shipped().rules:
        assert rule.kind == "soft" or rule.action == "refuse"


def test_a_rule_that_may_switch_an_address_off_waits_until_a_recipient_is_named() -> None:
    """Before that nothing is about a recipient: not a status, not words, at no carrier."""
    rules = [*shipped().rules, *(rule for carrier in shipped() for rule in carrier.rules)]
    early = [rule.source for rule in rules if rule.kind == "hard" and not rule.stages]
    early += [rule.source for rule in rules if rule.kind == "hard" and rule.stages - {"rcpt", "data", "eod"}]
    assert early == []
