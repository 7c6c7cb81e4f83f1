"""How does a Postfix that nobody here wrote show the right certificate, a wrong one, or none?

One instance with a door for each; what it takes lies in its mailboxes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.acceptance.jail import BOXES, KEEPER, Jail, Server
from tests.acceptance.packages import tree
from tests.acceptance.postfix import MASTER, PRIVATE, USERS

RIGHT, WRONG, PLAIN = doors = tuple(f"127.0.92.{number}" for number in range(1, 4))

MAIN = """\
compatibility_level = 3.6
myhostname = mx.protected.example
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
maillog_file = /var/log/postfix.log
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_tls_session_cache_database =
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {boxes}
virtual_mailbox_maps = inline:{{ {{ nobody@nowhere = x }} }}, static:all/
virtual_uid_maps = static:{keeper}
virtual_gid_maps = static:{keeper}
"""
OPTIONS = {
    RIGHT: "-o smtpd_tls_security_level=may -o smtpd_tls_chain_files=/etc/postfix/right.pem",
    WRONG: "-o smtpd_tls_security_level=may -o smtpd_tls_chain_files=/etc/postfix/wrong.pem",
    PLAIN: "",
}


def start(root: Path, port: int, domains: Sequence[str], chains: Mapping[str, bytes]) -> Server:
    """Start a Postfix under `root`; `chains` are the `right` and `wrong` keys with their certificates (PEM)."""
    jail = Jail.build(tree("postfix"), root, USERS)
    for name in PRIVATE.split():
        jail.directory(f"/var/spool/postfix/{name}", "postfix", mode=0o700)
    jail.directory("/var/spool/postfix/pid")
    jail.directory("/var/spool/postfix/public", "postfix", "postdrop", 0o710)
    jail.directory("/var/spool/postfix/maildrop", "postfix", "postdrop", 0o730)
    jail.directory("/var/lib/postfix", "postfix")
    jail.directory("/var/log")
    for name, chain in chains.items():
        jail.file(f"/etc/postfix/{name}.pem", chain.decode(), mode=0o600)
    services = [f"{address}:{port} inet n - n - - smtpd {OPTIONS[address]}\n" for address in doors]
    jail.file("/etc/postfix/master.cf", "".join(services) + MASTER)
    jail.file("/etc/postfix/main.cf", MAIN.format(domains=", ".join(domains), boxes=BOXES, keeper=KEEPER))
    return Server.start(jail, ("/usr/lib/postfix/sbin/master", "-s"), RIGHT, port)
