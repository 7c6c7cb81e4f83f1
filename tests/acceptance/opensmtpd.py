"""How does an OpenSMTPD that nobody here wrote take our mail?

It offers neither PIPELINING nor SMTPUTF8 and knows no irregular local parts. Whoever begins with `unknown` is refused
at RCPT; `moved@` is taken and then cannot be delivered. What it sends itself (bounces) goes to `relay`.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.jail import BOXES, Jail, Server
from tests.acceptance.packages import tree

DOOR = "127.0.92.1"
DOMAIN = "opensmtpd.example"
USERS = {"opensmtpd": 64301, "opensmtpq": 64302}

CONFIGURATION = """\
table boxes {{ "@" = keeper }}
pki mx.opensmtpd.example cert "/etc/tls.pem"
pki mx.opensmtpd.example key "/etc/tls.pem"
listen on {door} port {port} hostname mx.opensmtpd.example tls pki mx.opensmtpd.example
action "box" maildir "{boxes}/all" virtual <boxes>
action "moved" mda "exit 67" virtual <boxes>
action "onward" relay host smtp://{relay}
match from any for domain "{domain}" rcpt-to regex "^unknown" reject
match from any for domain "{domain}" rcpt-to regex "^moved@" action "moved"
match from any for domain "{domain}" action "box"
match from socket for any action "onward"
"""


@dataclass(frozen=True)
class Surroundings:
    """What the server meets: a certificate with key (PEM), and where its bounces go (`ADDRESS:PORT`)."""

    port: int
    certificate: str
    relay: str


def start(root: Path, given: Surroundings) -> Server:
    """Start an OpenSMTPD under `root`."""
    jail = Jail.build(tree("opensmtpd", "dash"), root, USERS)
    jail.directory("/run")
    jail.path("/var/run").symlink_to("../run")
    jail.directory("/var/spool", mode=0o711)
    configuration = CONFIGURATION.format(door=DOOR, port=given.port, domain=DOMAIN, relay=given.relay, boxes=BOXES)
    jail.file("/etc/smtpd.conf", configuration)
    jail.file("/etc/tls.pem", given.certificate, mode=0o600)
    # Since 7.x it does not start without certificates to trust; which ones does not matter here.
    public = given.certificate[given.certificate.index("-----BEGIN CERTIFICATE-----") :]
    jail.file("/etc/ssl/certs/ca-certificates.crt", public)
    return Server.start(jail, ("/usr/sbin/smtpd", "-d"), DOOR, given.port)
