"""Which servers and which appliance do the acceptance tests share?

Everything is started once: Postfix, Exim and OpenSMTPD unpacked from Debian's packages, a name server, and the
appliance with its mailer and its inbound service. What a machine lacks for that is the reason for skipping.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from mailer.rehearsal.dns import Records
from tests.acceptance import exim, opensmtpd, postfix
from tests.acceptance.appliance import Appliance, name_server
from tests.acceptance.jail import Server, free_port, need_root
from tests.acceptance.packages import Lacking
from tests.acceptance.policy import Greylist, greylist

#: Which domain's mail goes to which door. A carrier's domain stands for any server behind a carrier's name.
DOMAINS = {
    "docomo.ne.jp": postfix.PLAIN,
    "tls.example": postfix.TLS,
    "data.example": postfix.DATA_ONLY,
    "lockstep.example": postfix.LOCK_STEP,
    "greylisting.example": postfix.GREYLISTING,
    exim.DOMAIN: exim.DOOR,
    opensmtpd.DOMAIN: opensmtpd.DOOR,
}
#: Who hears of TLS with one of them.
REPORTS = "tls-reports@data.example"
ZONE = {
    "_smtp._tls.tls.example": Records(txt=(f"v=TLSRPTv1; rua=mailto:{REPORTS}",)),
    **{domain: Records(mx=((10, f"mx.{domain}"),)) for domain in DOMAINS},
    **{f"mx.{domain}": Records(a=(door,)) for domain, door in DOMAINS.items()},
}


HERE = Path(__file__).parent
FETCHING_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever of these tests comes first may have to fetch the servers."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(FETCHING_SECONDS))


@dataclass(frozen=True)
class Places:
    """Where everything listens that servers have to know of."""

    port: int
    nameserver: str
    policy: str
    inbound: int


@dataclass(frozen=True)
class Town:
    """The servers by name, all at one port, and the appliance that sends to them with its published keys."""

    servers: Mapping[str, Server]
    port: int
    appliance: Appliance
    keys: Mapping[str, str]
    greylist: Greylist

    def mails(self) -> list[bytes]:
        """Return every mail that lies in a mailbox anywhere."""
        return [mail for server in self.servers.values() for mail in server.mails()]


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The servers and the appliance, all running."""
    directory = tmp_path_factory.mktemp("town")
    with contextlib.ExitStack() as stack:
        try:
            need_root()
            dns, policy = stack.enter_context(name_server(ZONE)), stack.enter_context(greylist())
            web, inbound = free_port(["127.0.0.1"]), free_port(["127.0.0.1"])
            places = Places(free_port(tuple(DOMAINS.values())), dns.host, policy.address, inbound)
            servers = _servers(stack, directory, places)
        except Lacking as lacking:
            pytest.skip(f"real servers cannot be run here: {lacking}")
        nameserver = f"{dns.host}:{dns.port}"
        appliance = Appliance.create(
            directory / "appliance", nameserver=nameserver, port=places.port, inbound=inbound, web=web
        )
        keys = {key["name"]: key["record"] for key in appliance.run("keys", "list")}
        for name, record in keys.items():
            dns.answers.put(name, Records(txt=(record,)))
        stack.enter_context(appliance.serving("mailer", "inbound"))
        yield Town(servers, places.port, appliance, keys, policy)


def _servers(stack: contextlib.ExitStack, directory: Path, places: Places) -> Mapping[str, Server]:
    certificate = _certificate()
    relay = f"127.0.0.1:{places.inbound}"
    domains = tuple(domain for domain in DOMAINS if domain not in (exim.DOMAIN, opensmtpd.DOMAIN))
    onward = (exim.DOMAIN, f"[{exim.DOOR}]:{places.port}")
    met = postfix.Surroundings(places.port, domains, certificate, places.policy, relay, onward)
    servers = {"postfix": postfix.start(directory / "postfix", met)}
    stack.callback(servers["postfix"].stop)
    seen = exim.Surroundings(places.port, certificate, places.nameserver, places.inbound)
    servers["exim"] = exim.start(directory / "exim", seen)
    stack.callback(servers["exim"].stop)
    found = opensmtpd.Surroundings(places.port, certificate, relay)
    servers["opensmtpd"] = opensmtpd.start(directory / "opensmtpd", found)
    stack.callback(servers["opensmtpd"].stop)
    return servers


def _certificate() -> str:
    """Return a certificate that nobody knows, with its key, as most receivers of mail have."""
    made = trustme.CA().issue_cert(*(f"mx.{domain}" for domain in DOMAINS))
    return made.private_key_and_cert_chain_pem.bytes().decode()
