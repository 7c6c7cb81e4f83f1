"""How does Postfix with opendkim send the same broadcast?

Both from Debian's packages, unpacked and run in root directories of their own, with the queue on a real disk and fsync
as Postfix does it. The mails are made beforehand and injected by parallel SMTP sessions on loopback; opendkim is the
milter of smtpd and signs each with RSA-2048 (relaxed/relaxed), over TCP on loopback. Where a mail goes stands in a
transport map, so that Postfix spends nothing on DNS; neither does it look up its clients' names. With
`DEFAULT` both keep their own values. `TUNED` has more processes and connections from the start and less care for what
does not happen here; caching the connections to all destinations is not in it, as it took a quarter more CPU time.
"""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailer.message.keys import generate
from tests.acceptance.jail import Jail, Server, free_port
from tests.acceptance.packages import tree
from tests.acceptance.postfix import MASTER, PRIVATE, USERS
from tests.bench.injector import Ready, inject

DOMAIN = "mail.mimamori-iwamizawa.jp"
SESSIONS = 20
#: An RSA-2048 signature in base64 alone is longer: a mail that did not grow by this much was not signed.
SIGNATURE_OCTETS = 344
HERE = "127.0.0.1"
SIGNER = {"opendkim": 64104}
#: Nobody but the benchmark speaks to it, and it must find every receiver at the place where it listens.
MAIN = """\
compatibility_level = 3.6
myhostname = {domain}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
maillog_file = /var/log/postfix.log
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
transport_maps = texthash:/etc/postfix/transport
smtpd_milters = inet:127.0.0.1:{milter}
milter_default_action = tempfail
smtp_destination_concurrency_limit = {connections}
"""
DEFAULT: Mapping[str, str] = {}
TUNED: Mapping[str, str] = {
    "default_process_limit": "400",
    "initial_destination_concurrency": "20",
    "qmgr_message_active_limit": "40000",
    "qmgr_message_recipient_limit": "40000",
    "in_flow_delay": "0",
    "enable_original_recipient": "no",
    "smtp_tls_security_level": "none",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "smtpd_recipient_restrictions": "",
}
SIGNING = """\
Mode s
Domain {domain}
Selector s1
KeyFile /etc/opendkim/key.pem
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
OversignHeaders From
Socket inet:{port}@127.0.0.1
UserID opendkim
PidFile /tmp/opendkim.pid
Background no
AutoRestart no
Syslog no
"""


def letters(addresses: Sequence[str], text: str) -> list[Ready]:
    """Return a mail to each address: the same text and headers as the product's, with a receipt URL of its own."""
    head = (
        f"From: =?utf-8?b?5rud5bed56ys5LiA5bCP5a2m5qCh?= <t-daiichi@{DOMAIN}>\r\n"
        "Subject: =?utf-8?b?5LiN5a+p6ICF5oOF5aCx?=\r\nDate: Wed, 08 Apr 2026 15:30:00 +0900\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
        f"List-Id: <t-daiichi.{DOMAIN}>\r\nAuto-Submitted: auto-generated\r\n"
    )
    return [_letter(number, address, head, text) for number, address in enumerate(addresses)]


def _letter(number: int, address: str, head: str, text: str) -> Ready:
    body = f"{text}\n----------\n▼受信確認（下のURLを開いてください）\nhttps://{DOMAIN}/r/{number:032x}\n"
    encoded = base64.encodebytes(body.replace("\n", "\r\n").encode()).decode().replace("\n", "\r\n")
    own = f"To: {address}\r\nMessage-ID: <q{number:x}.bench@{DOMAIN}>\r\n"
    return Ready(f"b-{number:x}-{number:026x}@{DOMAIN}", address, f"{head}{own}\r\n{encoded}.\r\n".encode())


@dataclass(frozen=True)
class Rival:
    """A Postfix and an opendkim that run."""

    postfix: Server
    opendkim: Server

    @property
    def pids(self) -> tuple[int, int]:
        """Return the processes that stand over all of theirs."""
        return self.postfix.process.pid, self.opendkim.process.pid

    def send(self, mails: Sequence[Ready]) -> float:
        """Inject mails; return when the first one began (seconds since 1970)."""
        return inject(mails, self.postfix.port, SESSIONS)

    def stop(self) -> None:
        """End both."""
        self.postfix.stop()
        self.opendkim.stop()


def start(root: Path, places: Mapping[str, str], connections: int, settings: Mapping[str, str]) -> Rival:
    """Start both under `root`; `places` says at which ADDRESS:PORT the receiver of a domain listens."""
    milter = free_port([HERE])
    opendkim = _start_opendkim(root / "opendkim", milter)
    try:
        return Rival(_start_postfix(root / "postfix", places, _main(connections, milter, settings)), opendkim)
    except BaseException:
        opendkim.stop()
        raise


def _main(connections: int, milter: int, settings: Mapping[str, str]) -> str:
    given = "".join(f"{name} = {value}\n" for name, value in settings.items())
    return MAIN.format(domain=DOMAIN, milter=milter, connections=connections) + given


def _start_opendkim(root: Path, port: int) -> Server:
    jail = Jail.build(tree("opendkim"), root, SIGNER)
    jail.file("/etc/opendkim.conf", SIGNING.format(domain=DOMAIN, port=port))
    jail.file("/etc/opendkim/key.pem", generate("rsa")[0].decode(), "opendkim", 0o600)
    return Server.start(jail, ("/usr/sbin/opendkim", "-f", "-x", "/etc/opendkim.conf"), HERE, port)


def _start_postfix(root: Path, places: Mapping[str, str], main: str) -> Server:
    jail = Jail.build(tree("postfix"), root, USERS)
    for name in PRIVATE.split():
        jail.directory(f"/var/spool/postfix/{name}", "postfix", mode=0o700)
    jail.directory("/var/spool/postfix/pid")
    jail.directory("/var/spool/postfix/public", "postfix", "postdrop", 0o710)
    jail.directory("/var/spool/postfix/maildrop", "postfix", "postdrop", 0o730)
    jail.directory("/var/lib/postfix", "postfix")
    jail.directory("/var/log")
    port = free_port([HERE])
    transports = (f"{name} smtp:[{host}]:{door}\n" for name, (host, _, door) in _split(places).items())
    jail.file("/etc/postfix/main.cf", main)
    jail.file("/etc/postfix/master.cf", f"{HERE}:{port} inet n - n - - smtpd\n{MASTER}")
    jail.file("/etc/postfix/transport", "".join(transports))
    os.sync()
    return Server.start(jail, ("/usr/lib/postfix/sbin/master", "-s"), HERE, port)


def _split(places: Mapping[str, str]) -> dict[str, tuple[str, str, str]]:
    return {domain: place.rpartition(":") for domain, place in places.items()}
