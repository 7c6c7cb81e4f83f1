"""How does a Courier give mail back?

It knows no routes for single addresses, so that it hands everybody's mail to the next hop. It warns after a second,
tries again each second and gives up after `r.LIFETIME` seconds. It offers PIPELINING and yet forgets the commands that
come right behind the end of a mail (RFC 2920 §3.1 lets them come): everybody has a domain, and so a session, alone.
"""

from pathlib import Path

from tests.acceptance import returning as r
from tests.acceptance import returning_postfix as next_hop
from tests.acceptance.jail import Jail, Server
from tests.acceptance.packages import tree

DOMAIN = "courier.example"
DOOR = "127.0.97.1"
USERS = {"courier": 64501}
PACKAGES = (
    *("courier-mta", "courier-base", "courier-authlib", "courier-authlib-userdb", "courier-authdaemon"),
    "busybox-static",
)
PEOPLE = (r.UNKNOWN, r.FULL, r.EXPIRED, r.SLOW)
DOMAINS = {local: f"{local}.{DOMAIN}" for local in PEOPLE}
SPOOL = "/var/lib/courier"

START = """\
set -a
. /etc/courier/courierd
SOURCE_ADDRESS={door}
cd /usr
/usr/lib/courier/courier/courierd &
. /etc/courier/esmtpd
RELAYCLIENT= BOFHCHECKDNS=0 TARPIT=0 AUTHMODULES=
exec /usr/sbin/couriertcpd -address={door} -stderrlogger=/usr/sbin/courierlogger -noidentlookup -nodnslookup \\
  -user=courier -group=courier -maxprocs=40 -maxperc=40 -maxperip=40 {port} /usr/sbin/courieresmtpd
"""
SETTINGS = {
    "me": "mx.courier.example",
    "defaultdomain": "mx.courier.example",
    "locals": "localhost",
    "dsnfrom": '"Courier mail server at mx.courier.example" <@>',
    "esmtproutes": "".join(f"{one}:[{{next}}],{{port}}\n" for one in DOMAINS.values())
    + "mail.mimamori-iwamizawa.jp:[127.0.0.1],{inbound}",
    **{"queuetime": "{lifetime}s", "warntime": "1s"},
    **{"retryalpha": "1s", "retrybeta": "1", "retrygamma": "1s", "retrymaxdelta": "0"},
}


def start(root: Path, given: r.Surroundings) -> Server:
    """Start a Courier under `root`."""
    jail = Jail.build(tree(*PACKAGES), root, USERS)
    jail.path("/bin/sh").symlink_to("busybox")
    for name in ("allfilters", "filters", "msgq", "msgs", "track", "tmp", "tmp/broken", "."):
        jail.directory(f"{SPOOL}/{name}", "courier", mode=0o770)
    jail.directory("/run/courier", "courier")
    jail.own("/usr/lib/courier/courier/submitmkdir", "courier", "courier", 0o4755)
    values = {"door": DOOR, "lifetime": r.LIFETIME, "next": next_hop.NEXT}
    values |= {"port": given.port, "inbound": given.inbound}
    for name, value in SETTINGS.items():
        jail.file(f"/etc/courier/{name}", value.format_map(values) + "\n")
    jail.file("/etc/environment", "")
    jail.file("/etc/resolv.conf", f"nameserver {given.nameserver}\n")
    jail.file("/start", START.format_map(values))
    return Server.start(jail, ("/bin/sh", "/start"), DOOR, given.port)
