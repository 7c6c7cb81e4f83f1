"""How does a Sendmail give mail back in every way it knows?

Its configuration is made from the macros of its package, by the m4 of Debian inside its own root directory. It warns
after a second, runs its queue each second and gives up after `r.LIFETIME` seconds.
"""

import subprocess
from pathlib import Path

from tests.acceptance import returning as r
from tests.acceptance import returning_postfix as next_hop
from tests.acceptance.jail import Jail, Server
from tests.acceptance.packages import Lacking, tree

DOMAIN = "sendmail.example"
DOOR = "127.0.96.1"
USERS = {"smmta": 64401, "smmsp": 64402, "mail": 64403, "daemon": 64404}
PACKAGES = ("sendmail-bin", "sendmail-base", "sendmail-cf", "m4", "libsigsegv2", "busybox-static")
MACROS = "/usr/share/sendmail/cf"

CONFIGURATION = """\
OSTYPE(`linux')
define(`confDOMAIN_NAME', `mx.sendmail.example')
define(`confCW_FILE', `-o /etc/mail/local-host-names')
define(`confDONT_PROBE_INTERFACES', `true')
define(`confTO_QUEUEWARN', `1s')
define(`confTO_QUEUERETURN', `{lifetime}s')
define(`confTO_IDENT', `0s')
define(`confDONT_BLAME_SENDMAIL', `groupwritabledirpathsafe')
define(`ESMTP_MAILER_ARGS', `TCP $h {port}')
define(`RELAY_MAILER_ARGS', `TCP $h {inbound}')
define(`ALIAS_FILE', `')
FEATURE(`nocanonify')
FEATURE(`promiscuous_relay')
FEATURE(`accept_unresolvable_domains')
FEATURE(`mailertable', `text -k 0 -v 1 /etc/mail/mailertable')
FEATURE(`virtusertable', `text -k 0 -v 1 -z; /etc/mail/virtusertable')
VIRTUSER_DOMAIN(`{domain}')
CLIENT_OPTIONS(`Family=inet, Addr={door}')
DAEMON_OPTIONS(`Name=MTA, Addr={door}, Port={port}')
MAILER(`smtp')
LOCAL_CONFIG
C{{Onward}}{unknown} {full} {expired} {slow}
LOCAL_RULE_0
R{loop}<@{domain}$*>\t$#esmtp $@ [{door}] $: {loop}<@{domain}>
R{big}<@{domain}$*>\t$#esmtp $@ [{narrow}] $: {big}<@{domain}>
R$={{Onward}}<@{domain}$*>\t$#esmtp $@ [{next}] $: $1<@{domain}>
"""
ROUTES = """\
{next_domain} esmtp:[{next}]
mail.mimamori-iwamizawa.jp relay:[127.0.0.1]
"""
PEOPLE = """\
{refused}@{domain};error:5.1.1:550 User unknown
{no_domain}@{domain};{no_domain}@{nowhere}
{forwarded}@{domain};{elsewhere}@{next_domain}
"""


def start(root: Path, given: r.Surroundings) -> Server:
    """Start a Sendmail under `root`."""
    jail = Jail.build(tree(*PACKAGES), root, USERS)
    jail.path("/bin/sh").symlink_to("busybox")
    jail.path("/bin/rm").symlink_to("busybox")
    jail.directory("/var/spool/mqueue", mode=0o700)
    jail.directory("/var/run")
    values = {
        **{"door": DOOR, "domain": DOMAIN, "lifetime": r.LIFETIME, "port": given.port, "inbound": given.inbound},
        **{"next": next_hop.NEXT, "narrow": next_hop.NARROW},
        **r.NAMES,
    }
    jail.file("/etc/mail/sendmail.mc", CONFIGURATION.format_map(values))
    jail.file("/etc/mail/mailertable", ROUTES.format_map(values))
    jail.file("/etc/mail/virtusertable", PEOPLE.format_map(values))
    jail.file("/etc/mail/sendmail.cf", _expanded(jail))
    jail.file("/etc/resolv.conf", f"nameserver {given.nameserver}\n")
    jail.file("/etc/hosts", "127.0.0.1 localhost\n")
    return Server.start(jail, ("/usr/libexec/sendmail/sendmail", "-bD", "-q1s"), DOOR, given.port)


def _expanded(jail: Jail) -> str:
    """Return the configuration that m4 makes of the macros."""
    command = ("chroot", str(jail.root), "/usr/bin/m4", f"-I{MACROS}", f"{MACROS}/m4/cf.m4", "/etc/mail/sendmail.mc")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Lacking(f"m4 does not expand the configuration of Sendmail: {done.stderr[-300:]}")
    return done.stdout
