"""Do servers that nobody here wrote take a broadcast, and does it lie in their mailboxes as it was written?"""

import email.policy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import verdicts
from tests.acceptance.conftest import Town
from tests.acceptance.jail import wait_until

SCHOOL = "t-daiichi"
TEXT = "①㈱髙﨑～－ 不審者情報 🚨\n.\n..\n.先頭の点\n" + "長い行" * 700 + "\nFrom here\n"

#: What each address meets: the state, and the code and enhanced code of the reply that decided it.
TAKEN = ("accepted", 250, "2.0.0")
EXPECTED: Mapping[str, tuple[str, int, str]] = {
    "taro@docomo.ne.jp": TAKEN,
    "a..b@docomo.ne.jp": TAKEN,
    "abc.@docomo.ne.jp": TAKEN,
    ".abc@docomo.ne.jp": TAKEN,
    "花子@docomo.ne.jp": TAKEN,
    # Postfix as shipped (allow_min_user = no) lets nobody's address begin with a hyphen.
    "-abc@docomo.ne.jp": ("refused", 501, "5.1.3"),
    "unknown.one@docomo.ne.jp": ("refused", 550, "5.1.1"),
    "taro@tls.example": TAKEN,
    "a..b@tls.example": TAKEN,
    "unknown.one@tls.example": ("refused", 550, "5.1.1"),
    "taro@data.example": TAKEN,
    "hanako@data.example": TAKEN,
    "unknown.one@data.example": ("refused", 550, "5.1.1"),
    "saburo@data.example": TAKEN,
    "taro@lockstep.example": TAKEN,
    "unknown.one@lockstep.example": ("refused", 550, "5.1.1"),
    "hanako@lockstep.example": TAKEN,
    "taro@exim.example": ("accepted", 250, ""),
    "a..b@exim.example": ("accepted", 250, ""),
    "-abc@exim.example": ("accepted", 250, ""),
    "花子@exim.example": ("accepted", 250, ""),
    "unknown.one@exim.example": ("refused", 550, "5.1.1"),
    "taro@opensmtpd.example": TAKEN,
    "-abc@opensmtpd.example": TAKEN,
    # OpenSMTPD knows no irregular local part, in quotes or without.
    "a..b@opensmtpd.example": ("refused", 501, "5.1.3"),
    # Nor does it offer SMTPUTF8, so that the mail cannot even be begun.
    "花子@opensmtpd.example": ("refused", 0, "5.6.7"),
    "unknown.one@opensmtpd.example": ("refused", 550, ""),
}
ACCEPTED = [address for address, (state, _, _) in EXPECTED.items() if state == "accepted"]
#: The fields that a receiving server writes on top.
TRACE = {"return-path", "received", "delivered-to", "x-original-to", "envelope-to", "delivery-date"}


@dataclass(frozen=True)
class Sent:
    """A broadcast after everybody had an answer: what the appliance says, made, and what arrived, by address."""

    id: str
    told: Mapping[str, Mapping[str, Any]]
    rendered: Mapping[str, bytes]
    arrived: Mapping[str, bytes]


@pytest.fixture(scope="session")
def sent(town: Town) -> Sent:
    """One broadcast to all the servers."""
    appliance = town.appliance
    appliance.register({SCHOOL: EXPECTED})
    announcement = appliance.send(SCHOOL, TEXT)
    appliance.wait(announcement, waiting=0, deferred=0)
    rendered = appliance.rendered(announcement)
    identity = {message_id(mail): address for address, mail in rendered.items()}
    wait_until(lambda: len(town.mails()) >= len(ACCEPTED), 20, lambda: [one.log() for one in town.servers.values()])
    arrived = {identity[message_id(mail)]: mail for mail in town.mails()}
    assert len(town.mails()) == len(arrived), "a mail arrived twice"
    return Sent(announcement, appliance.recipients(announcement), rendered, arrived)


def message_id(mail: bytes) -> bytes:
    """Return the Message-ID of a mail."""
    found = re.search(rb"^Message-ID: *(\S+)", mail, re.MULTILINE | re.IGNORECASE)
    assert found
    return found[1]


@pytest.mark.parametrize("address", EXPECTED)
def test_each_recipient_has_the_answer_that_the_server_gave(sent: Sent, address: str) -> None:
    told = sent.told[address]
    evidence = told["evidence"]
    assert (told["state"], evidence["code"], evidence["enhanced"]) == EXPECTED[address], evidence
    assert (evidence["attempts"], told["possible_duplicate"]) == (1, False)


def test_whatever_was_accepted_arrived_and_nothing_else(sent: Sent) -> None:
    assert sorted(sent.arrived) == sorted(ACCEPTED)


def test_the_accounting_holds(town: Town, sent: Sent) -> None:
    assert town.appliance.run("broadcast", "verify", sent.id) == {"id": sent.id, "ok": True, "problems": []}


@pytest.mark.parametrize("address", ACCEPTED)
def test_a_mail_lies_there_byte_for_byte_below_the_trace_of_the_server(sent: Sent, address: str) -> None:
    arrived, rendered = sent.arrived[address], sent.rendered[address].replace(b"\r\n", b"\n")
    assert arrived.endswith(rendered)
    trace = arrived.removesuffix(rendered)
    names = {
        line.partition(b":")[0].decode().lower() for line in trace.splitlines() if not line.startswith((b" ", b"\t"))
    }
    assert names <= TRACE, trace


@pytest.mark.parametrize("address", ACCEPTED)
def test_the_signatures_verify_where_the_mail_arrived(town: Town, sent: Sent, tmp_path: Path, address: str) -> None:
    keyfile = tmp_path / "keys"
    keyfile.write_text("".join(f"{name} {record}\n" for name, record in town.keys.items()))
    selectors = [name.partition(".")[0] for name in town.keys]
    assert verdicts.opendkim(sent.arrived[address], keyfile) == [f"{selector} pass" for selector in selectors]
    assert verdicts.dkimpy(sent.arrived[address], town.keys) == [True] * len(selectors)


def test_exim_verified_the_signatures_by_itself_when_the_mails_came_in(town: Town, sent: Sent) -> None:
    """With the keys from the DNS, by GnuTLS: neither the library nor the way to the key is ours."""
    said = re.findall(r"DKIM: d=mail\.mimamori-iwamizawa\.jp s=(\S+).*\[(.*)\]", town.servers["exim"].log())
    mails = sum(address.endswith("@exim.example") for address in ACCEPTED)
    for selector in (name.partition(".")[0] for name in town.keys):
        verified = [verdict for name, verdict in said if name == selector]
        assert len(verified) >= mails
        assert set(verified) == {"verification succeeded"}


@pytest.mark.parametrize("address", ACCEPTED)
def test_a_receiver_reads_what_was_typed(sent: Sent, address: str) -> None:
    mail = email.message_from_bytes(sent.arrived[address], policy=email.policy.default)
    assert mail["Subject"] == "不審者情報"
    assert mail["From"].addresses[0].addr_spec == "t-daiichi@mail.mimamori-iwamizawa.jp"
    assert f"\nTo: {address}\n" in sent.arrived[address].decode().replace('"', "")
    assert mail.get_content().replace("\r\n", "\n").startswith(TEXT)


@pytest.mark.parametrize("address", ["taro@tls.example", "taro@exim.example"])
def test_tls_is_used_where_it_is_offered(sent: Sent, address: str) -> None:
    assert sent.told[address]["evidence"]["tls"].startswith("TLSv1.3 ")
    assert re.search(rb"^Received:.*?(TLS1\.3|TLSv1\.3)", sent.arrived[address], re.MULTILINE | re.DOTALL)


def test_no_tls_is_claimed_where_there_was_none(sent: Sent) -> None:
    assert sent.told["taro@docomo.ne.jp"]["evidence"]["tls"] == ""


def test_a_server_whose_handshake_always_breaks_gets_the_mail_without_tls(town: Town, sent: Sent) -> None:
    """Debian 12's OpenSMTPD offers STARTTLS and fails at every handshake (OpenSSL 3); Debian 13's does not."""
    breaks = "EVP lib" in town.servers["opensmtpd"].log()
    told = sent.told["taro@opensmtpd.example"]["evidence"]
    assert told["tls"].partition(" ")[0] == ("" if breaks else "TLSv1.3")
