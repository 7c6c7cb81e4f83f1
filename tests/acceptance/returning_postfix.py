"""How does a Postfix give mail back in every way it knows, and what is the next hop of all servers?

Its next hop is a door of its own with another name, which knows what to answer from the policy protocol; it is the
other servers' next hop too. It is impatient: it warns after a second and gives up after `r.LIFETIME` seconds. Who is
away is answered for by Debian's vacation program: it keeps quiet when it sees our mail's header (RFC 3834 §2), so for
`AWAY` that header is taken off as if the program were an older one.
"""

from collections.abc import Mapping
from pathlib import Path

from tests.acceptance import returning as r
from tests.acceptance.jail import BOXES, KEEPER, Jail, Server
from tests.acceptance.packages import tree
from tests.acceptance.postfix import MASTER, PRIVATE, USERS

DOMAIN = "postfix.example"
DOOR, NEXT, NARROW, ROUND = (f"127.0.93.{number}" for number in range(1, 5))
BOX_OCTETS = 100_000

MAIN = """\
compatibility_level = 3.6
myhostname = mx.postfix.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
local_header_rewrite_clients =
alias_maps =
alias_database =
maillog_file = /var/log/postfix.log
smtp_host_lookup = dns
smtp_tls_security_level = none
smtp_bind_address = {door}
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_relay_restrictions =
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_end_of_data_restrictions = check_recipient_access regexp:/etc/postfix/contents
message_size_limit = {box_octets}
virtual_mailbox_limit = {box_octets}
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {boxes}
virtual_mailbox_maps = regexp:/etc/postfix/known
virtual_alias_maps = regexp:/etc/postfix/aliases
virtual_uid_maps = static:{keeper}
virtual_gid_maps = static:{keeper}
transport_maps = regexp:/etc/postfix/transport
relayhost = [127.0.0.1]:{inbound}
hopcount_limit = 10
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
delay_warning_time = 1s
maximal_queue_lifetime = {lifetime}s
"""
DOORS = """\
{door}:{port} inet n - n - - smtpd
{next}:{port} inet n - n - - smtpd -o myhostname=mx.{next_domain}
 -o smtpd_recipient_restrictions=check_policy_service,inet:{policy},reject
{narrow}:{port} inet n - n - - smtpd -o myhostname=narrow.{next_domain} -o message_size_limit={small}
{round}:{port} inet n - n - - smtpd -o myhostname=round.{next_domain}
pickup unix n - n 1 1 pickup
answer unix - n n - - pipe flags=R user=keeper argv=/bin/answer
"""
#: Everybody has a Maildir; who has no room a file that is full already.
KNOWN = "/^{full}@/ full\n!/^{refused}@/ all/\n"
CONTENTS = "/^{content}@/ 554 5.7.1 Message content rejected\n"
ALIASES = "/^{no_domain}@{domain}/ {no_domain}@{nowhere}\n/^{forwarded}@{domain}/ {elsewhere}@{next_domain}\n"
TRANSPORT = """\
/@{nowhere}$/ smtp:
/@{next_domain}$/ smtp:[{next}]:{port}
/^({unknown}|{expired}|{slow})@/ smtp:[{next}]:{port}
/^{big}@/ smtp:[{narrow}]:{port}
/^{loop}@/ smtp:[{round}]:{port}
/^{away}@/ answer:
"""
ANSWER = """\
#!/bin/busybox sh
cd /tmp
busybox cat >mail
vacation -i -f /tmp/answered keeper
vacation -d -j -z -f /tmp/answered -m /etc/vacation keeper <mail
busybox sed '/^Auto-Submitted:/d' mail | vacation -d -j -z -f /tmp/answered -m /etc/vacation keeper
"""
VACATION = """\
From: {away}@{domain}
Subject: away from my mail

550 5.1.1 User unknown? No, away.
"""


def start(root: Path, given: r.Surroundings) -> Server:
    """Start a Postfix under `root`."""
    jail = Jail.build(tree("postfix", "vacation", "busybox-static"), root, USERS)
    for name in PRIVATE.split():
        jail.directory(f"/var/spool/postfix/{name}", "postfix", mode=0o700)
    jail.directory("/var/spool/postfix/pid")
    jail.directory("/var/spool/postfix/public", "postfix", "postdrop", 0o710)
    jail.directory("/var/spool/postfix/maildrop", "postfix", "postdrop", 0o730)
    jail.directory("/var/lib/postfix", "postfix")
    jail.directory("/var/log")
    jail.own("/usr/sbin/postdrop", "", "postdrop", 0o2755)
    for name, content in _configuration(given).items():
        jail.file(f"/etc/postfix/{name}", content)
    jail.file("/etc/resolv.conf", f"nameserver {given.nameserver}\n")
    jail.file("/bin/answer", ANSWER, mode=0o755)
    jail.file("/etc/vacation", VACATION.format(domain=DOMAIN, **r.NAMES))
    jail.file(f"{BOXES}/full", "x" * BOX_OCTETS, "keeper", 0o600)
    return Server.start(jail, ("/usr/lib/postfix/sbin/master", "-s"), DOOR, given.port)


def _configuration(given: r.Surroundings) -> Mapping[str, str]:
    values = {
        **{"domain": DOMAIN, "door": DOOR, "next": NEXT, "narrow": NARROW, "round": ROUND, "lifetime": r.LIFETIME},
        **{"boxes": BOXES, "keeper": KEEPER, "box_octets": BOX_OCTETS},
        **{"port": given.port, "inbound": given.inbound, "policy": given.policy},
        **r.NAMES,
    }
    texts = {"main.cf": MAIN, "master.cf": DOORS, "known": KNOWN, "contents": CONTENTS}
    texts |= {"aliases": ALIASES, "transport": TRANSPORT}
    made = {name: text.format_map(values) for name, text in texts.items()}
    return {**made, "master.cf": made["master.cf"] + MASTER}
