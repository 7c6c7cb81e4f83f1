"""How does an Unbound that nobody here wrote vouch for zones of the test?

It holds the zones itself (auth-zone) and yet validates them as if they came from far away, beginning at the key that
the test signed one of them with. What was changed after signing is bogus for it, and zones without a key are insecure.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

from mailer.clock import system_clock
from tests.acceptance.jail import Jail, Server
from tests.acceptance.packages import tree

ADDRESS = "127.0.92.53"
KEY_FLAGS = 257
HEAD = "$ORIGIN {zone}.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 5\n@ NS ns\nns A 127.0.92.99\n"
CONFIGURATION = """\
server:
    interface: {address}
    port: {port}
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "/etc/unbound"
    pidfile: ""
    use-syslog: no
    logfile: ""
    val-log-level: 2
    ede: yes
    module-config: "validator iterator"
    trust-anchor-file: "/etc/unbound/anchor"
remote-control:
    control-enable: no
"""
ZONE = """\
auth-zone:
    name: "{zone}"
    zonefile: "/etc/unbound/{zone}"
    for-downstream: no
    for-upstream: yes
"""


def start(root: Path, port: int, plain: Mapping[str, str], signed: Mapping[str, Sequence[str]]) -> Server:
    """Start an Unbound with unsigned zones, and signed ones: their text before and what is changed in it afterwards."""
    jail = Jail.build(tree("unbound"), root, {})
    anchors = []
    for zone, (text, *changed) in signed.items():
        anchor, done = _sign(zone, HEAD.format(zone=zone) + text)
        anchors.append(anchor)
        for old, new in zip(changed[::2], changed[1::2], strict=True):
            assert done.count(old) == 1, (old, done)
            done = done.replace(old, new)
        jail.file(f"/etc/unbound/{zone}", done)
    for zone, text in plain.items():
        jail.file(f"/etc/unbound/{zone}", HEAD.format(zone=zone) + text)
    parts = [CONFIGURATION.format(address=ADDRESS, port=port), *(ZONE.format(zone=zone) for zone in (*plain, *signed))]
    jail.file("/etc/unbound/unbound.conf", "".join(parts))
    jail.file("/etc/unbound/anchor", "\n".join(anchors) + "\n")
    return Server.start(jail, ("/usr/sbin/unbound", "-d", "-c", "/etc/unbound/unbound.conf"), ADDRESS, port)


def _sign(zone: str, text: str) -> tuple[str, str]:
    """Return the key of a signed zone as a trust anchor, and the zone's text."""
    made = dns.zone.from_text(text, zone, relativize=False)
    key = ec.generate_private_key(ec.SECP256R1())
    record = dns.dnssec.make_dnskey(key.public_key(), "ECDSAP256SHA256", KEY_FLAGS)
    dns.dnssec.sign_zone(made, keys=[(key, record)], inception=system_clock().timestamp() - 3600, lifetime=86_400)
    return f"{zone}. 300 IN DNSKEY {record.to_text()}", made.to_text(relativize=False)
