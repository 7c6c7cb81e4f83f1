"""Is everything that servers nobody here wrote say about our mail read, matched and told rightly?

One broadcast to each server; its people meet every fate of `tests.acceptance.returning`. What comes back comes back
by the real port 25, and nothing else than a failure changes what is said of a recipient.
"""

import contextlib
import os
import re
import smtplib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailer.rehearsal.dns import Records
from tests.acceptance import returning as r
from tests.acceptance import returning_courier as courier
from tests.acceptance import returning_exim as exim
from tests.acceptance import returning_opensmtpd as opensmtpd
from tests.acceptance import returning_postfix as postfix
from tests.acceptance import returning_sendmail as sendmail
from tests.acceptance.appliance import Appliance, name_server
from tests.acceptance.handing import hand_over, transaction
from tests.acceptance.jail import Server, free_port, need_root, wait_until
from tests.acceptance.packages import Lacking

pytestmark = pytest.mark.long
SCHOOL = "t-daisan"
SCHOOL_ADDRESS = "t-daisan@mail.mimamori-iwamizawa.jp"
SERVERS = (postfix, exim, opensmtpd, sendmail, courier)
DOORS = [
    postfix.DOOR,
    postfix.NEXT,
    postfix.NARROW,
    postfix.ROUND,
    exim.DOOR,
    exim.ROUND,
    opensmtpd.DOOR,
    sendmail.DOOR,
]
REPORTS_SECONDS = 90

#: What is told in the end: state and reason; then each event: kind, reason, status, and who said so.
Fate = tuple[str, str, *tuple[tuple[str, str, str, str], ...]]
NEXT, NARROW, ROUND = postfix.NEXT, postfix.NARROW, postfix.ROUND
UNKNOWN_THERE = ("hard", "address_unknown", "5.1.1", NEXT)
LATER, TOO_LATE = ("delayed", "rate_limited", "4.2.0", NEXT), ("soft", "rate_limited", "4.2.0", NEXT)
ANSWER = ("autoreply", "autoreply", "", "")

POSTFIX: Mapping[str, Fate] = {
    r.REFUSED: ("refused", "address_unknown"),
    # By what is said of a content no address is given up: it is our fault until somebody looked.
    r.CONTENT: ("deferred", "content_refused"),
    r.UNKNOWN: ("refused", "address_unknown", UNKNOWN_THERE),
    r.FULL: ("refused", "mailbox_full", ("soft", "mailbox_full", "5.2.2", "mx.postfix.example")),
    r.NO_DOMAIN: ("refused", "domain_unknown", ("hard", "domain_unknown", "5.4.4", "mx.postfix.example")),
    r.FORWARDED: ("refused", "address_unknown", UNKNOWN_THERE),
    r.LOOP: ("refused", "network_trouble", ("soft", "network_trouble", "5.4.0", ROUND)),
    r.BIG: ("refused", "too_big", ("soft", "too_big", "5.3.4", "mx.postfix.example")),
    r.EXPIRED: ("refused", "rate_limited", LATER, TOO_LATE),
    r.SLOW: ("accepted", "", LATER),
    r.AWAY: ("accepted", "", ANSWER),
    r.FROM: ("accepted", ""),
}
EXIM: Mapping[str, Fate] = {
    r.REFUSED: ("refused", "address_unknown"),
    r.CONTENT: ("deferred", "content_refused"),
    r.UNKNOWN: ("refused", "address_unknown", UNKNOWN_THERE),
    r.FULL: ("refused", "mailbox_full", ("soft", "mailbox_full", "5.0.0", "mx.exim.example")),
    r.NO_DOMAIN: ("refused", "address_unknown", ("hard", "address_unknown", "5.0.0", "mx.exim.example")),
    r.FORWARDED: ("refused", "address_unknown", UNKNOWN_THERE),
    # Exim says no word of why when a mail went round too often.
    r.LOOP: ("refused", "unclear", ("soft", "unclear", "5.0.0", "mx.exim.example")),
    r.BIG: ("refused", "too_big", ("soft", "too_big", "5.3.4", NARROW)),
    r.EXPIRED: ("refused", "rate_limited", LATER, TOO_LATE),
    r.SLOW: ("accepted", "", LATER),
    r.AWAY: ("accepted", "", ANSWER),
    r.FROM: ("refused", "address_unknown", UNKNOWN_THERE),
}
_OPENSMTPD = "mx.opensmtpd.example"
OPENSMTPD: Mapping[str, Fate] = {
    r.REFUSED: ("refused", "address_unknown"),
    r.UNKNOWN: ("refused", "address_unknown", ("hard", "address_unknown", "5.1.1", _OPENSMTPD)),
    r.FULL: (
        *("refused", "expired"),
        *(("delayed", "mailbox_full", "", _OPENSMTPD), ("soft", "expired", "4.4.7", _OPENSMTPD)),
    ),
    r.BIG: ("refused", "too_big", ("soft", "too_big", "5.0.0", _OPENSMTPD)),
    r.EXPIRED: (
        *("refused", "expired"),
        *(("delayed", "rate_limited", "4.2.0", _OPENSMTPD), ("soft", "expired", "4.4.7", _OPENSMTPD)),
    ),
    # It names only whom the mail was forwarded to, and anybody can say anything about others.
    r.NO_DOMAIN: ("accepted", ""),
    r.FORWARDED: ("accepted", ""),
}
SENDMAIL: Mapping[str, Fate] = {
    r.REFUSED: ("refused", "address_unknown"),
    r.UNKNOWN: ("refused", "address_unknown", UNKNOWN_THERE),
    r.FULL: ("refused", "mailbox_full", ("soft", "mailbox_full", "5.2.2", NEXT)),
    r.LOOP: ("refused", "remote_trouble", ("soft", "remote_trouble", "5.3.5", "mx.sendmail.example")),
    r.BIG: ("refused", "too_big", ("soft", "too_big", "5.3.4", "mx.sendmail.example")),
    r.EXPIRED: ("refused", "rate_limited", LATER, TOO_LATE),
    r.SLOW: ("accepted", "", LATER),
    # As OpenSMTPD: a report names the original recipient (RFC 3464 §2.3) only where the sender told it.
    r.NO_DOMAIN: ("accepted", ""),
    r.FORWARDED: ("accepted", ""),
}
COURIER: Mapping[str, Fate] = {
    r.UNKNOWN: ("refused", "address_unknown", UNKNOWN_THERE),
    r.FULL: ("refused", "mailbox_full", ("soft", "mailbox_full", "5.2.2", NEXT)),
    # A warning of Courier does not say who said so.
    r.EXPIRED: ("refused", "rate_limited", (*LATER[:3], "mx.courier.example"), TOO_LATE),
    r.SLOW: ("accepted", "", (*LATER[:3], "mx.courier.example")),
}
EXPECTED = {
    f"{local}@{server.DOMAIN}": fate
    for server, fates in ((postfix, POSTFIX), (exim, EXIM), (opensmtpd, OPENSMTPD), (sendmail, SENDMAIL))
    for local, fate in fates.items()
} | {f"{local}@{courier.DOMAINS[local]}": fate for local, fate in COURIER.items()}
#: What is said of others than those we wrote to: by OpenSMTPD and Sendmail.
OF_OTHERS = sorted(
    [
        (f"{r.NO_DOMAIN}@{r.NOWHERE}", "hard", "domain_unknown", "5.0.0", _OPENSMTPD),
        (f"{r.NO_DOMAIN}@{r.NOWHERE}", "hard", "domain_unknown", "5.1.2", r.NOWHERE),
        (f"{r.ELSEWHERE}@{r.NEXT_DOMAIN}", "hard", "address_unknown", "5.1.1", _OPENSMTPD),
        (f"{r.ELSEWHERE}@{r.NEXT_DOMAIN}", "hard", "address_unknown", "5.1.1", NEXT),
    ]
)
MAILS = sum(len(fate) - 2 for fate in EXPECTED.values()) + len(OF_OTHERS)


@dataclass(frozen=True)
class Town:
    """The appliance after everything came back: what it says of recipients and of mails, and the servers."""

    appliance: Appliance
    announcement: str
    servers: Mapping[str, Server]
    port: int
    told: Mapping[str, Mapping[str, Any]]
    came: list[dict[str, Any]]

    def events(self, address: str) -> list[dict[str, Any]]:
        """Return what was said of an address, in the order in which it came."""
        return [one for one in reversed(self.came) if one.get("recipient") == address]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A broadcast whose mails met all the fates."""
    directory = tmp_path_factory.mktemp("returning")
    doors = {server.DOMAIN: server.DOOR for server in SERVERS} | dict.fromkeys(courier.DOMAINS.values(), courier.DOOR)
    zone = {domain: Records(mx=((10, f"mx.{domain}"),)) for domain in doors}
    zone |= {f"mx.{domain}": Records(a=(door,)) for domain, door in doors.items()}
    with contextlib.ExitStack() as stack:
        try:
            need_root()
            dns, moods = stack.enter_context(name_server(zone)), stack.enter_context(r.moods())
            given = r.Surroundings(free_port(DOORS), free_port(["127.0.0.1"]), dns.host, moods.address)
            servers = {}
            for server in SERVERS:
                servers[server.DOMAIN] = server.start(directory / server.DOMAIN, given)
                stack.callback(servers[server.DOMAIN].stop)
        except Lacking as lacking:
            pytest.skip(f"real servers cannot be run here: {lacking}")
        settings = {"port": given.port, "inbound": given.inbound, "web": free_port(["127.0.0.1"])}
        appliance = Appliance.create(directory / "appliance", nameserver=f"{dns.host}:{dns.port}", **settings)
        stack.enter_context(appliance.serving("mailer", "inbound"))
        announcement = _sent(appliance)
        _let_in_who_was_warned_about(appliance, moods)
        wait_until(lambda: _arrived(appliance) >= MAILS, REPORTS_SECONDS, lambda: _explain(appliance, servers))
        wait_until(lambda: all(one["meaning"] != "unread" for one in _came(appliance)), 20, appliance.log)
        told, came = appliance.recipients(announcement), _came(appliance)
        _keep(appliance, came)
        yield Town(appliance, announcement, servers, given.port, told, came)


def _sent(appliance: Appliance) -> str:
    """Send a broadcast that is bigger than the next hop's small door."""
    appliance.register({SCHOOL: EXPECTED})
    return appliance.send(SCHOOL, "本日は集団下校です。" * 50)


def _let_in_who_was_warned_about(appliance: Appliance, moods: r.Moods) -> None:
    slow = {address for address in EXPECTED if address.startswith(r.SLOW)}

    def warned() -> bool:
        return slow <= {one.get("recipient") for one in _came(appliance) if one.get("kind") == "delayed"}

    wait_until(warned, 60, lambda: (_came(appliance), appliance.log()))
    moods.let_in.set()


def _arrived(appliance: Appliance) -> int:
    """Return how many mails port 25 took, by the log: asking the command again and again would take long."""
    return len(re.findall(r"mailer\.inbound_app: I[0-9A-F]+: from=", appliance.log()))


def _came(appliance: Appliance) -> list[dict[str, Any]]:
    came = appliance.run("bounce", "list", "--limit", "1000")
    assert isinstance(came, list)
    return came


def _keep(appliance: Appliance, came: list[dict[str, Any]]) -> None:
    """Copy the mails as they came into the directory that the environment names, if it does: see tests/bounce/real."""
    directory = os.environ.get("MIMAMORI_TEST_KEEP_REPORTS")
    for one in came if directory else ():
        (Path(str(directory)) / f"{one['mail']}.eml").write_bytes(appliance.raw(one["mail"]))


def _explain(appliance: Appliance, servers: Mapping[str, Server]) -> object:
    return [f"{one.get('recipient')} {one.get('kind')}" for one in _came(appliance)], [
        server.log()[-3000:] for server in servers.values()
    ]


def said(event: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return kind, reason, status and host of an event, all empty where a mail says nothing of anybody."""
    return (event.get("kind", ""), event.get("reason", ""), event.get("status", ""), event.get("host", ""))


@pytest.mark.parametrize("address", EXPECTED)
def test_each_recipient_is_told_as_it_fared(town: Town, address: str) -> None:
    state, reason, *events = EXPECTED[address]
    told = town.told[address]
    assert (told["state"], told["evidence"]["reason"]) == (state, reason), told
    if state == "refused":
        assert told["evidence"]["stage"] == ("dsn" if events else "rcpt")


@pytest.mark.parametrize("address", EXPECTED)
def test_what_came_back_is_matched_to_its_item_and_read_rightly(town: Town, address: str) -> None:
    _, _, *expected = EXPECTED[address]
    events = town.events(address)
    assert [said(one) for one in events] == expected, events
    for one in events:
        assert one["proved"]
        assert one["broadcast"] == town.announcement
        assert one["queue_id"] == town.told[address]["queue_id"]


@pytest.mark.parametrize("address", [address for address, fate in EXPECTED.items() if fate[0] == "refused"])
def test_the_evidence_is_the_failure_and_not_the_warning_before_it(town: Town, address: str) -> None:
    failed = [one for one in town.events(address) if one["kind"] in ("hard", "soft")]
    evidence = town.told[address]["evidence"]
    if failed:
        (last,) = failed
        assert (evidence["host"], evidence["enhanced"], evidence["text"]) == tuple(
            last[key] for key in ("host", "status", "diagnostic")
        )
        assert last["meaning"] == "returned"
        assert evidence["at"] >= last["at"]


def test_nothing_else_came_and_nothing_was_lost(town: Town) -> None:
    about_others = [one for one in town.came if one.get("recipient") not in EXPECTED]
    assert sorted((one.get("recipient"), *said(one)) for one in about_others) == OF_OTHERS
    assert not any(one["proved"] for one in about_others)
    assert len({one["mail"] for one in town.came}) == len(town.came) == MAILS == _arrived(town.appliance)


def test_the_accounting_holds(town: Town) -> None:
    assert town.appliance.run("broadcast", "verify", town.announcement)["ok"]


def test_a_server_that_ignores_the_reverse_path_is_matched_by_the_one_it_quotes(town: Town) -> None:
    (event,) = town.events(f"{r.FROM}@{exim.DOMAIN}")
    assert event["forward_path"] == SCHOOL_ADDRESS
    assert all(one["forward_path"] != SCHOOL_ADDRESS for one in town.came if one.get("recipient") != event["recipient"])


def test_a_report_of_success_changes_nothing(town: Town) -> None:
    """We never ask for one, but whoever hands our mail on can: then Postfix writes it."""
    address = f"{r.FROM}@{postfix.DOMAIN}"
    mail = next(mail for mail in town.servers[postfix.DOMAIN].mails() if f"\nTo: {address}\n".encode() in mail)
    reverse_path = re.search(rb"^Return-Path: <(.*)>", mail)
    assert reverse_path
    with smtplib.SMTP(postfix.DOOR, town.port, timeout=20) as session:
        content = mail.replace(b"\n", b"\r\n")
        session.sendmail(reverse_path[1].decode(), [address], content, rcpt_options=["NOTIFY=SUCCESS"])
    wait_until(lambda: any(one.get("kind") == "delivered" for one in _came(town.appliance)), 30, town.appliance.log)
    (event,) = (one for one in _came(town.appliance) if one.get("kind") == "delivered")
    assert (event["recipient"], event["status"], event["proved"]) == (address, "2.0.0", True)
    assert town.appliance.recipients(town.announcement)[address] == town.told[address]


def test_courier_takes_several_mails_in_a_session(town: Town) -> None:
    """It offers PIPELINING and forgets what comes right behind the end of a mail."""
    content = b"From: taro@example.jp\r\nSubject: x\r\n\r\nx\r\n"
    mails = [transaction(content, f"{r.AWAY}{number}@{courier.DOMAINS[r.UNKNOWN]}") for number in range(3)]
    facts = hand_over(courier.DOOR, town.port, mails)
    assert [[fact.reply.code for fact in each if fact.reply] for each in facts] == [[250]] * 3
