"""Does mail go only to servers that prove themselves where a domain demands it, and to all others as before?

Everything around the appliance is real: an Unbound that validates a signed zone, a Postfix that shows the right and the
wrong certificate, an HTTPS host with policies.
"""

import contextlib
import hashlib
import os
import sqlite3
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from mailer.clock import system_clock
from tests.acceptance import policy_host, protected, unbound
from tests.acceptance.appliance import Appliance
from tests.acceptance.jail import Server, free_port, need_root, wait_until
from tests.acceptance.packages import Lacking
from tests.acceptance.policy_host import PolicyHost
from tests.acceptance.protected import PLAIN, RIGHT, WRONG
from tests.smtp.certificates import Made, make

SCHOOL = "t-daiichi"
SIGNED, UNSIGNED = "signed.example", "unsigned.example"
FORGED = "ab" * 32


@dataclass(frozen=True)
class Case:
    """A domain: where its MX stands, what else is said of it, and what becomes of mail to it."""

    door: str
    state: str
    tls: str = ""
    reply: str = ""
    tlsa: str = ""
    policy: str = ""
    mx: str = "*.unsigned.example"


NOW = system_clock()
CA = make("ca", authority=True, now=NOW)
MIDDLE = make("middle", CA, authority=True, now=NOW)
STRANGE = make("stranger", names=("mx.nobody.example",), now=NOW)
REFUSED = "certificate_refused: "


def named(made: Made) -> str:
    """Return the digest by which a TLSA record names a certificate."""
    return hashlib.sha256(made.der).hexdigest()


#: In the signed zone there are TLSA records, in the unsigned one policies. `right` stands for the right certificate.
CASES: Mapping[str, Case] = {
    "ee.signed.example": Case(RIGHT, "accepted", " dane", tlsa="3 0 1 right"),
    "ta.signed.example": Case(RIGHT, "accepted", " dane", tlsa=f"2 0 1 {named(MIDDLE)}"),
    "without.signed.example": Case(WRONG, "accepted", "TLS"),
    "unusable.signed.example": Case(WRONG, "accepted", "TLS", tlsa=f"0 0 1 {FORGED}"),
    "wrong.signed.example": Case(WRONG, "deferred", reply=REFUSED + "certificate-not-trusted", tlsa="3 0 1 right"),
    "stripped.signed.example": Case(PLAIN, "deferred", reply="tls_not_offered", tlsa="3 0 1 right"),
    "bogus.signed.example": Case(
        RIGHT, "deferred", reply="the DNS gave no trustworthy TLSA records", tlsa="3 0 1 right"
    ),
    "strict.signed.example": Case(RIGHT, "refused", reply="needs_requiretls", tlsa="3 0 1 right"),
    "forged.unsigned.example": Case(RIGHT, "accepted", "TLS", tlsa=f"3 0 1 {FORGED}"),
    "plain.unsigned.example": Case(PLAIN, "accepted", "-"),
    "good.unsigned.example": Case(RIGHT, "accepted", " sts", policy="enforce"),
    "untrusted.unsigned.example": Case(WRONG, "deferred", reply=REFUSED + "certificate-not-trusted", policy="enforce"),
    "testing.unsigned.example": Case(WRONG, "accepted", "TLS", policy="testing"),
    "none.unsigned.example": Case(PLAIN, "accepted", "-", policy="none"),
    "downgraded.unsigned.example": Case(PLAIN, "deferred", reply="tls_not_offered", policy="enforce"),
    "elsewhere.unsigned.example": Case(
        RIGHT, "deferred", reply="does not name its MX", policy="enforce", mx="mx.other.example"
    ),
}
RIGHT_ONE = make("right", MIDDLE, names=tuple(f"mx-{domain}" for domain in CASES), now=NOW)
ADDRESSES = [f"taro@{domain}" for domain in CASES]
POLICY = "version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 86400\n"
SETTINGS = 'require_standing = false\nrequire_tls_for = ["strict.signed.example"]\nca_file = "{ca}"\n'


def zone(name: str) -> str:
    """Return the records of a zone."""
    lines: list[str] = []
    for domain, case in CASES.items():
        label, _, parent = domain.partition(".")
        if parent != name:
            continue
        lines += [f"{label} MX 10 mx-{domain}.", f"mx-{label} A {case.door}"]
        if case.tlsa:
            lines.append(f"_25._tcp.mx-{label} TLSA {case.tlsa.replace('right', named(RIGHT_ONE))}")
        if case.policy:
            lines += [f'_mta-sts.{label} TXT "v=STSv1; id=1"', f"mta-sts.{label} A {policy_host.ADDRESS}"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class World:
    """All that runs, and what the appliance says of the first broadcast."""

    appliance: Appliance
    server: Server
    web: PolicyHost
    told: Mapping[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A broadcast to every domain of CASES, after each had its first answer."""
    directory = tmp_path_factory.mktemp("protected")
    with contextlib.ExitStack() as stack:
        try:
            need_root()
            appliance, server, web = _start(stack, directory)
        except Lacking as lacking:
            pytest.skip(f"real servers cannot be run here: {lacking}")
        with appliance.serving("mailer"):
            announcement = appliance.send(SCHOOL, "訓練です。", urgent=False)
            appliance.wait(announcement, **_counts())
        yield World(appliance, server, web, appliance.recipients(announcement))


def _start(stack: contextlib.ExitStack, directory: Path) -> tuple[Appliance, Server, PolicyHost]:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    hosts = [f"mta-sts.{domain}" for domain, case in CASES.items() if case.policy]
    authority.issue_cert(*hosts).configure_cert(tls)
    (directory / "ca.pem").write_bytes(authority.cert_pem.bytes() + CA.pem)
    texts = {f"mta-sts.{domain}": POLICY.format(mode=case.policy, mx=case.mx) for domain, case in CASES.items()}
    web = stack.enter_context(policy_host.policy_host(tls, texts))
    port = free_port(protected.doors)
    chains = {
        "right": RIGHT_ONE.key_pem + RIGHT_ONE.pem + MIDDLE.pem,
        "wrong": STRANGE.key_pem + STRANGE.pem,
    }
    server = protected.start(directory / "postfix", port, tuple(CASES), chains)
    stack.callback(server.stop)
    asked = free_port([unbound.ADDRESS])
    bogus = "_25._tcp.mx-bogus.signed.example. 300 IN TLSA 3 0 1 "
    names = unbound.start(
        directory / "unbound", asked, {UNSIGNED: zone(UNSIGNED)}, {SIGNED: (zone(SIGNED), bogus, bogus + "00")}
    )
    stack.callback(names.stop)
    appliance = Appliance.create(
        directory / "appliance",
        nameserver=f"{unbound.ADDRESS}:{asked}",
        port=port,
        inbound=free_port(["127.0.0.1"]),
        web=free_port(["127.0.0.1"]),
    )
    settings = appliance.configuration.read_text()
    more = SETTINGS.format(ca=directory / "ca.pem")
    appliance.configuration.write_text(settings.replace("require_standing = false\n", more))
    appliance.register({SCHOOL: ADDRESSES})
    return appliance, server, web


def _counts() -> dict[str, int]:
    states = [case.state for case in CASES.values()]
    return {state: states.count(state) for state in ("accepted", "deferred", "refused")}


@pytest.mark.parametrize("domain", CASES)
def test_what_becomes_of_mail_to_a_domain(world: World, domain: str) -> None:
    case, line = CASES[domain], world.told[f"taro@{domain}"]
    evidence = line["evidence"]
    assert (line["state"], case.reply in evidence["text"]) == (case.state, True), line
    if case.state == "accepted":
        tls = evidence["tls"] or "-"
        assert case.tls in tls, line
        assert tls.endswith((" dane", " sts")) is case.tls.startswith(" "), line
    if case.state == "refused":
        assert evidence["enhanced"] == "5.7.30"


def test_what_waits_has_not_arrived(world: World) -> None:
    accepted = [domain for domain, case in CASES.items() if case.state == "accepted"]
    wait_until(lambda: len(list(world.server.mails())) >= len(accepted), 10)
    said = b"".join(world.server.mails())
    assert {domain for domain in CASES if f"taro@{domain}".encode() in said} == set(accepted)


def test_hosts_that_spoke_tls_are_remembered(world: World) -> None:
    store = world.appliance.directory / "state" / "mimamori.db"
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as opened:
        known = {host for (host,) in opened.execute("SELECT host FROM tls_host")}
    spoken = [domain for domain, case in CASES.items() if case.door != PLAIN and case.state != "deferred"]
    assert known == {f"mx-{domain}" for domain in spoken}


def test_only_what_the_resolver_calls_bogus_is_the_zones_fault(world: World) -> None:
    store = world.appliance.directory / "state" / "mimamori.db"
    words = (
        "SELECT DISTINCT reported FROM tls_count JOIN tls_policy ON digest = policy_id WHERE failure = 'dnssec-invalid'"
    )
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as opened:
        assert opened.execute(words).fetchall() == [("bogus.signed.example",)]


def test_a_policy_outlives_a_restart_and_the_loss_of_its_host(world: World) -> None:
    assert sorted(set(world.web.asked)) == sorted(f"mta-sts.{domain}" for domain, case in CASES.items() if case.policy)
    before, workers = len(world.web.asked), len(os.sched_getaffinity(0))
    assert before <= workers * len(set(world.web.asked)), "each policy was fetched once by each worker at most"
    world.web.texts = {}
    with world.appliance.serving("mailer"):
        announcement = world.appliance.send(SCHOOL, "二回目です。", urgent=False)
        world.appliance.wait(announcement, **_counts())
    told = world.appliance.recipients(announcement)
    assert told["taro@good.unsigned.example"]["evidence"]["tls"].endswith(" sts")
    assert told["taro@untrusted.unsigned.example"]["state"] == "deferred"
    assert len(world.web.asked) == before, "what is known is not asked for again"
