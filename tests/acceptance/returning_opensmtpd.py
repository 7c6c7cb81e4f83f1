"""How does an OpenSMTPD give mail back in every way it knows?

It warns after a second and gives up after `r.LIFETIME` seconds; then it says "delayed" once more, of a mail that it has
deleted. It tries a next hop again after minutes only, and finds out about a loop after a hundred hops: nothing to wait
for. Its reports are multipart/mixed, which RFC 3464 §2 does not know.
"""

from pathlib import Path

from tests.acceptance import returning as r
from tests.acceptance import returning_postfix as next_hop
from tests.acceptance.jail import BOXES, Jail, Server
from tests.acceptance.opensmtpd import USERS
from tests.acceptance.packages import tree

DOMAIN = "opensmtpd.example"
DOOR = "127.0.95.1"

CONFIGURATION = """\
queue ttl {lifetime}s
bounce warn-interval 1s
table people {{ "{no_domain}@{domain}" = "{no_domain}@{nowhere}", \\
  "{forwarded}@{domain}" = "{elsewhere}@{next_domain}", "@" = keeper }}
listen on {door} port {port} hostname mx.opensmtpd.example
action box maildir "{boxes}/all" virtual <people>
action full mda "echo quota exceeded; exit 75" virtual <people>
action inbound relay host smtp://127.0.0.1:{inbound} src {door}
action next relay host smtp://{next}:{port}
action narrow relay host smtp://{narrow}:{port}
action nowhere relay
match from any for domain "{domain}" rcpt-to regex "^{refused}@" reject
match from any for domain "{domain}" rcpt-to regex "^{full}@" action full
match from any for domain "{domain}" rcpt-to regex "^{big}@" action narrow
match from any for domain "{domain}" rcpt-to regex "^({unknown}|{expired})@" action next
match from any for domain "{domain}" action box
match from any for domain "{next_domain}" action next
match from any for domain "{nowhere}" action nowhere
match from any for any action inbound
"""


def start(root: Path, given: r.Surroundings) -> Server:
    """Start an OpenSMTPD under `root`."""
    jail = Jail.build(tree("opensmtpd", "dash"), root, USERS)
    jail.directory("/run")
    jail.path("/var/run").symlink_to("../run")
    jail.directory("/var/spool", mode=0o711)
    values = {
        **{"door": DOOR, "domain": DOMAIN, "boxes": BOXES, "lifetime": r.LIFETIME},
        **{"next": next_hop.NEXT, "narrow": next_hop.NARROW, "port": given.port, "inbound": given.inbound},
        **r.NAMES,
    }
    jail.file("/etc/smtpd.conf", CONFIGURATION.format_map(values))
    jail.file("/etc/resolv.conf", f"nameserver {given.nameserver}\n")
    return Server.start(jail, ("/usr/sbin/smtpd", "-d"), DOOR, given.port)
