"""Do replies mean what receivers are known to mean by them?

The tables stand in `replies.py`; every rule of carriers.toml must decide one of their rows.
"""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.carrier.reading import Reading, read
from mailer.carrier.reason import Reason
from mailer.carrier.rule import STAGES
from mailer.net.dial import NOT_CONNECTED, UNCONNECTED
from mailer.smtp.envelope import FAILURES
from tests.carrier.replies import (
    AU,
    DOCOMO,
    GOOGLE,
    MICROSOFT,
    MX,
    OF_ANYBODY,
    OF_CARRIERS,
    SOFTBANK,
    decided,
    decided_of,
    said,
    shipped,
    world,
)


@pytest.mark.parametrize(("mx", "stage", "reply", "kind", "reason", "action"), OF_CARRIERS)
def test_what_carriers_mean(mx: str, stage: str, reply: str, kind: str, reason: str, action: str) -> None:
    reading = said(mx, stage, reply)
    assert (reading.kind, reading.reason.value, reading.action) == (kind, reason, action)


@pytest.mark.parametrize(
    ("mx", "stage", "reply"),
    [
        (SOFTBANK, "connect", "421 "),
        (AU, "connect", "000 reset"),
        (AU, "connect", "000 refused"),
        (DOCOMO, "connect", "421 busy"),
        (GOOGLE, "eod", "550 5.7.26 unauthenticated"),
        (SOFTBANK, "mail", "553 mail.example.jp does not exist"),
    ],
)
def test_a_block_or_a_fault_of_ours_pauses_the_carrier(mx: str, stage: str, reply: str) -> None:
    assert said(mx, stage, reply).pause_site


@pytest.mark.parametrize(
    "reply", ["450 4.2.1 The user is receiving mail too quickly", "452 4.2.2 out of storage space"]
)
def test_what_is_one_readers_matter_pauses_nobody(reply: str) -> None:
    assert not said(GOOGLE, "rcpt", reply).pause_site


@pytest.mark.parametrize(
    ("mx", "stage", "reply"),
    [
        (GOOGLE, "rcpt", "450 4.2.1 The user you are trying to contact is receiving mail too quickly."),
        (GOOGLE, "rcpt", "550 5.2.1 The user is receiving mail at a rate that prevents additional messages"),
        (MICROSOFT, "rcpt", "451 4.2.121 message rate to recipient"),
        (DOCOMO, "rcpt", "450 4.2.0 greylisted, come back later"),
        (MX, "rcpt", "450 4.2.0 <a@b.jp>: Recipient address rejected: Greylisted, see http://x"),
        (MX, "eod", "451 4.7.1 Greylisting in action, please come back later"),
        (MX, "rcpt", "421 4.7.1 greylisted, closing connection"),
        (MX, "rcpt", "451 4.7.1 Please try again in 300 seconds (gl)"),
        (MX, "rcpt", "450 User is receiving mail too quickly"),
        (MX, "rcpt", "450 4.2.1 <a@example.jp>: Mailbox received too much email in a short period of time"),
        (MX, "rcpt", "452 4.2.1 Recipient is receiving mail at too high a rate"),
        (MX, "rcpt", "450 4.2.1 The recipient has exceeded message rate limit. Try again later."),
        (MX, "rcpt", "451 Too many messages for this mailbox in a short time"),
        (MX, "rcpt", "452 4.2.2 <a@example.jp>: user is over receiving limit"),
        (MX, "eod", "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded"),
        (MX, "eod", "550 5.2.121 RESOLVER.ADR.RecipientLimited; recipient's per hour message receive limit exceeded"),
    ],
)
def test_what_is_said_of_one_reader_says_nothing_of_our_haste(mx: str, stage: str, reply: str) -> None:
    reading = said(mx, stage, reply)
    assert (reading.reason, reading.of_reader, reading.pause_site) == (Reason.RATE_LIMITED, True, False)


@pytest.mark.parametrize(
    ("mx", "stage", "reply"),
    [
        (DOCOMO, "rcpt", "552 Too many recipients"),
        (DOCOMO, "rcpt", "421 Service not available, closing transmission channel"),
        (GOOGLE, "eod", "421 4.7.28 Gmail has detected an unusual rate of mail"),
        (GOOGLE, "rcpt", "421 4.7.0 You are sending mail too quickly"),
        (MICROSOFT, "mail", "451 4.7.650 rate limited due to IP reputation"),
        (MX, "rcpt", "452 4.5.3 Too many recipients"),
        (MX, "rcpt", "452 Too many recipients received this hour"),
        (MX, "rcpt", "451 4.7.1 Received too many messages from a new or untrusted IP"),
        (MX, "rcpt", "450 4.7.1 The recipient has received too many messages from your server"),
        (MX, "rcpt", "451 4.7.1 [R2] Too many mails received from b@school.example within the last 5 minutes"),
        (MX, "rcpt", "450 4.7.1 You have sent too many mails in the last hour"),
        (MX, "rcpt", "421 4.3.2 Connection rate limit exceeded."),
        (MX, "rcpt", "451 Ratelimit exceeded"),
        (MX, "rcpt", "421 "),
        (MX, "mail", "451 4.7.1 Greylisting in action, please come back later"),
        (MX, "mail", "450 4.7.0 New sender, come back in 5 minutes"),
        (MX, "connect", "421 4.7.1 greylisted, closing connection"),
    ],
)
def test_haste_is_no_readers_matter_and_before_a_recipient_is_named_nothing_is(mx: str, stage: str, reply: str) -> None:
    reading = said(mx, stage, reply)
    assert (reading.reason, reading.of_reader) == (Reason.RATE_LIMITED, False)


def test_what_is_full_is_no_matter_of_how_much_a_mailbox_may_get_at_a_time() -> None:
    reading = said(MX, "rcpt", "552 5.2.2 message size exceeds the receiving limit of the mailbox")
    assert not reading.of_reader


def test_only_a_limit_can_be_a_readers_matter() -> None:
    """Nothing is learned of a site from other reasons anyway; a rule that lets it rest is not about a reader."""
    rules = [*shipped().rules, *(rule for carrier in shipped() for rule in carrier.rules)]
    assert {(rule.reason, rule.pause) for rule in rules if rule.reader} == {(Reason.RATE_LIMITED, False)}


@pytest.mark.parametrize("failure", ["unreachable", "no_network", "timeout", "not_connected: too many open files"])
@pytest.mark.parametrize("mx", [DOCOMO, AU, SOFTBANK, GOOGLE, MX])
def test_what_may_be_our_own_network_pauses_nobody(mx: str, failure: str) -> None:
    assert not said(mx, "connect", f"000 {failure}").pause_site


def test_the_words_for_no_reply_are_those_that_the_mailer_uses() -> None:
    used = {*FAILURES, *UNCONNECTED.values(), NOT_CONNECTED}
    replies = [reply for _, _, reply, *_ in OF_CARRIERS] + [reply for _, reply, *_ in OF_ANYBODY]
    replies += [row.reply for row in world()]
    words = {reply[4:].partition(":")[0] for reply in replies if reply.startswith("000")}
    assert words <= used
    assert {*UNCONNECTED.values(), NOT_CONNECTED} <= words


@pytest.mark.parametrize("code", [0, 1, 99, 100, 199, 250, 354, 600, 999, 5000, -1])
@pytest.mark.parametrize("mx", [DOCOMO, "mx.example.jp"])
def test_a_code_that_is_no_refusal_is_tried_again(mx: str, code: int) -> None:
    reading = read(shipped(), None, mx, "rcpt", code, "", "550 User unknown")
    assert reading == Reading("soft", Reason.UNCLEAR, "defer")


@pytest.mark.parametrize("stage", STAGES)
def test_a_4xx_is_never_more_than_soft(stage: str) -> None:
    for text in ("5.1.1 User unknown", "no such user", "", "null mx"):
        reading = read(shipped(), None, "mx.example.jp", stage, 450, "", text)
        assert (reading.kind, reading.action) == ("soft", "defer")


def test_an_unknown_5xx_gives_up_on_the_mail_and_not_on_the_address() -> None:
    assert said("mx.example.jp", "rcpt", "550 いいえ") == Reading("soft", Reason.UNCLEAR, "refuse")


def test_a_552_to_rcpt_counts_as_452() -> None:
    reading = said("mx.example.jp", "rcpt", "552 5.2.2 Mailbox full")
    assert reading == Reading("soft", Reason.MAILBOX_FULL, "defer")


def test_the_carrier_of_the_domain_decides_where_it_is_known() -> None:
    carrier = shipped().of_domain("docomo.ne.jp")
    assert read(shipped(), carrier, "mx.example.jp", "eod", 550, "", "Unknown user x").reason == "recipient_filter"


@given(
    st.sampled_from([DOCOMO, AU, GOOGLE, "mx.example.jp", "", ".", "..."]),
    st.sampled_from(STAGES),
    st.integers(-10, 1_100),
    st.text(max_size=20),
    st.text(max_size=700),
)
def test_any_reply_has_a_meaning(mx: str, stage: str, code: int, enhanced: str, text: str) -> None:
    reading = read(shipped(), None, mx, stage, code, enhanced, text)
    assert reading.reason in Reason
    assert reading.action == "defer" or code // 100 == 5
    assert reading.kind == "soft" or reading.action == "refuse"


def test_an_address_cannot_say_what_it_likes() -> None:
    reading = said("mx.example.jp", "rcpt", "550 5.1.1 <quota-exceeded-spam@example.jp>: User unknown")
    assert reading.reason is Reason.ADDRESS_UNKNOWN


def test_every_rule_decides_a_known_reply() -> None:
    rows = [(mx, stage, reply) for mx, stage, reply, *_ in OF_CARRIERS]
    rows += [(MX, stage, reply) for stage, reply, *_ in OF_ANYBODY]
    used = {id(decided(*row)) for row in rows} | {id(decided_of(row)) for row in world()}
    rules = [(rule, carrier.name) for carrier in shipped() for rule in carrier.rules]
    rules += [(rule, "everybody") for rule in shipped().rules]
    assert not [(name, rule.source) for rule, name in rules if id(rule) not in used]


def test_our_own_fault_is_tried_again_unless_the_same_would_come_again() -> None:
    """Until the deadline somebody may mend it; a mail that is too big stays too big."""
    rules = [*shipped().rules, *(rule for carrier in shipped() for rule in carrier.rules)]
    ours = [rule for rule in rules if rule.reason.meaning.acts == "operator" and rule.action == "refuse"]
    assert [rule.source for rule in ours if "the same" not in rule.source] == []


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("connect", "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org"),
        ("mail", "550 5.7.1 nix"),
        ("mail", "553 5.1.8 Domain of sender address does not exist"),
        ("mail", "530 5.7.0 Must issue a STARTTLS command first"),
        ("eod", "550 5.7.20 No passing DKIM signature found"),
    ],
)
def test_a_fault_of_ours_pauses_a_site_that_nobody_named(stage: str, reply: str) -> None:
    reading = said(MX, stage, reply)
    assert (reading.pause_site, reading.action) == (True, "defer")


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("rcpt", "450 4.2.0 Greylisted"),
        ("rcpt", "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required"),
        ("rcpt", "550 5.1.1 User unknown"),
        ("data", "554 5.5.1 Error: no valid recipients"),
        ("mail", "421 Max message per connection reached"),
        ("eod", "554 5.7.1 Virus found"),
    ],
)
def test_what_one_mail_or_session_met_pauses_no_site(stage: str, reply: str) -> None:
    assert not said(MX, stage, reply).pause_site


@pytest.mark.parametrize(
    ("mx", "stage", "reply"),
    [
        (GOOGLE, "eod", "421 4.7.28 Gmail has detected an unusual rate of mail"),
        (GOOGLE, "eod", "550 5.7.1 an unusual rate of unsolicited mail originating from your IP address"),
        (GOOGLE, "connect", "554 5.7.1 Client host [192.0.2.1] blocked"),
        (MICROSOFT, "rcpt", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]"),
        (MICROSOFT, "rcpt", "550 5.7.1 Unfortunately, part of their network is on our block list (S3140)"),
        (MICROSOFT, "rcpt", "550 5.7.1 Client host [192.0.2.1] blocked using Spamhaus. AS(1450)"),
        (MICROSOFT, "eod", "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited"),
        (MICROSOFT, "mail", "550 5.7.1 Access denied"),
    ],
)
def test_what_is_said_for_the_whole_carrier_pauses_it(mx: str, stage: str, reply: str) -> None:
    assert said(mx, stage, reply).pause_site


@pytest.mark.parametrize(
    ("mx", "stage", "reply"),
    [
        (GOOGLE, "rcpt", "550 5.7.1 Blocked IP 192.0.2.1 by our organisation"),
        (GOOGLE, "eod", "421 4.7.0 IP not in whitelist for RCPT domain, closing connection"),
        (GOOGLE, "eod", "550 5.7.1 Sender address rejected by administrator"),
        (MICROSOFT, "rcpt", "550 5.7.1 Client host [192.0.2.1] blocked using Customer Block list (AS16012609)"),
        (MICROSOFT, "rcpt", "550 5.7.511 Access denied, banned sender[192.0.2.1]"),
        (MICROSOFT, "eod", "550 5.7.503 Access denied, banned sender"),
        (MICROSOFT, "eod", "550 5.7.1 TRANSPORT.RULES.RejectMessage; your IP address is blocked here"),
        (MICROSOFT, "eod", "550 5.7.1 must authenticate to send to this domain"),
    ],
)
def test_the_policy_of_one_tenant_pauses_nobody_else(mx: str, stage: str, reply: str) -> None:
    """The carrier's other domains, and its own, take our mail all the while."""
    assert not said(mx, stage, reply).pause_site
    assert said(mx, stage, reply).kind == "soft"


def test_reading_is_fast_enough_for_a_wave_of_refusals() -> None:
    texts = [f"<taro{number}@ezweb.ne.jp>: User unknown" for number in range(5_000)]
    read(shipped(), None, AU, "rcpt", 550, "", "")
    began = time.thread_time()
    for text in texts:
        read(shipped(), None, AU, "rcpt", 550, "", text)
    assert time.thread_time() - began < 1.0  # an idle core needs a twentieth of that
