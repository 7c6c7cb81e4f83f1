"""How does a Postfix that nobody here wrote take our mail?

One instance, as strict as a cautious postmaster makes it, with several doors: without more, with STARTTLS, without
CHUNKING, without PIPELINING either, and one that greylists by the policy protocol. `moved@` is taken and then cannot be
delivered; `forwarded@` goes on to another server, which does not know it. What it sends itself (bounces) goes to
`relay`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.jail import BOXES, KEEPER, Jail, Server
from tests.acceptance.packages import tree

PLAIN, TLS, DATA_ONLY, LOCK_STEP, GREYLISTING = doors = tuple(f"127.0.90.{number}" for number in range(1, 6))
OPTIONS = {
    PLAIN: "",
    TLS: "-o smtpd_tls_security_level=may",
    DATA_ONLY: "-o smtpd_discard_ehlo_keywords=chunking",
    LOCK_STEP: "-o smtpd_discard_ehlo_keywords=chunking,pipelining",
    GREYLISTING: "-o smtpd_recipient_restrictions=check_policy_service,inet:$policy",
}
USERS = {"postfix": 64101, "postdrop": 64102}
PRIVATE = "active bounce corrupt defer deferred flush hold incoming private saved trace"

MAIN = """\
compatibility_level = 3.6
myhostname = mx.postfix.example
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
local_header_rewrite_clients =
alias_maps =
alias_database =
maillog_file = /var/log/postfix.log
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_tls_chain_files = /etc/postfix/tls.pem
smtpd_tls_session_cache_database =
smtpd_tls_received_header = yes
strict_rfc821_envelopes = yes
smtpd_helo_required = yes
smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
smtpd_sender_restrictions = reject_non_fqdn_sender
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_forbid_unauth_pipelining = yes
smtpd_error_sleep_time = 0
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {boxes}
virtual_mailbox_maps = regexp:/etc/postfix/known
virtual_alias_maps = regexp:/etc/postfix/aliases
virtual_uid_maps = static:{keeper}
virtual_gid_maps = static:{keeper}
transport_maps = inline:{{ {{ moved.invalid = error:5.1.6 the mailbox has moved }}, {{ {onward} }} }}
relayhost = [{host}]:{port}
policy = {policy}
"""

KNOWN = "!/^unknown/ all/\n"
ALIASES = "/^moved@/ moved@moved.invalid\n/^forwarded@/ unknown.forwarded@{onward}\n"

MASTER = """\
cleanup   unix       n - n - 0 cleanup
qmgr      unix       n - n 300 1 qmgr
tlsmgr    unix       - - n 1000? 1 tlsmgr
rewrite   unix       - - n - - trivial-rewrite
bounce    unix       - - n - 0 bounce
defer     unix       - - n - 0 bounce
trace     unix       - - n - 0 bounce
verify    unix       - - n - 1 verify
flush     unix       n - n 1000? 0 flush
proxymap  unix       - - n - - proxymap
smtp      unix       - - n - - smtp
error     unix       - - n - - error
retry     unix       - - n - - error
virtual   unix       - n n - - virtual
anvil     unix       - - n - 1 anvil
scache    unix       - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Surroundings:
    """What the server meets: its domains, a certificate with key (PEM), and where others listen."""

    port: int
    domains: tuple[str, ...]
    certificate: str
    policy: str
    relay: str
    onward: tuple[str, str]


def start(root: Path, given: Surroundings) -> Server:
    """Start a Postfix under `root`."""
    jail = Jail.build(tree("postfix"), root, USERS)
    for name in PRIVATE.split():
        jail.directory(f"/var/spool/postfix/{name}", "postfix", mode=0o700)
    jail.directory("/var/spool/postfix/pid")
    jail.directory("/var/spool/postfix/public", "postfix", "postdrop", 0o710)
    jail.directory("/var/spool/postfix/maildrop", "postfix", "postdrop", 0o730)
    jail.directory("/var/lib/postfix", "postfix")
    jail.directory("/var/log")
    for name, content in _configuration(given).items():
        jail.file(f"/etc/postfix/{name}", content, mode=0o600 if name == "tls.pem" else 0o644)
    return Server.start(jail, ("/usr/lib/postfix/sbin/master", "-s"), PLAIN, given.port)


def _configuration(given: Surroundings) -> Mapping[str, str]:
    domain, server = given.onward
    host, _, port = given.relay.partition(":")
    main = MAIN.format(
        domains=", ".join(given.domains),
        boxes=BOXES,
        keeper=KEEPER,
        onward=f"{domain} = smtp:{server}",
        host=host,
        port=port,
        policy=given.policy,
    )
    services = [f"{address}:{given.port} inet n - n - - smtpd {OPTIONS[address]}\n" for address in doors]
    return {
        "main.cf": main,
        "master.cf": "".join(services) + MASTER,
        "known": KNOWN,
        "aliases": ALIASES.format(onward=domain),
        "tls.pem": given.certificate,
    }
