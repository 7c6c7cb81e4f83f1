"""How does an Exim that nobody here wrote take our mail?

It offers STARTTLS by GnuTLS and writes into its log whether it could verify our signatures. Whoever begins with
`unknown` is refused at RCPT; `moved@` is taken and then cannot be delivered. What it sends itself (bounces) goes to
`relay_port`.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.jail import BOXES, Jail, Server
from tests.acceptance.packages import tree

DOOR = "127.0.91.1"
DOMAIN = "exim.example"
USERS = {"Debian-exim": 64201, "mail": 64202}

CONFIGURATION = """\
primary_hostname = mx.exim.example
local_interfaces = <; {door}
daemon_smtp_ports = {port}
log_file_path = /var/log/exim4/%slog
log_selector = +dkim_verbose
smtp_accept_queue_per_connection = 0
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
tls_certificate = /etc/exim4/tls.pem
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny    local_parts = ^unknown
          message = 5.1.1 no such user here
  accept  domains = {domain}
  deny    message = 5.7.1 relay not permitted
begin routers
moved:
  driver = redirect
  domains = {domain}
  local_parts = moved
  allow_fail
  data = :fail: the mailbox has moved
known:
  driver = accept
  domains = {domain}
  transport = boxes
bounces:
  driver = manualroute
  senders = :
  route_list = * 127.0.0.1 byname
  self = send
  transport = onward
begin transports
boxes:
  driver = appendfile
  maildir_format
  directory = {boxes}/all
  user = keeper
  group = keeper
  return_path_add
  envelope_to_add
onward:
  driver = smtp
  port = {relay_port}
begin retry
* * F,1h,1m
"""


@dataclass(frozen=True)
class Surroundings:
    """What the server meets: a certificate with key (PEM), a name server, and the port here where its bounces go."""

    port: int
    certificate: str
    nameserver: str
    relay_port: int


def start(root: Path, given: Surroundings) -> Server:
    """Start an Exim under `root`."""
    jail = Jail.build(tree("exim4-daemon-light"), root, USERS)
    jail.directory("/var/log/exim4", "Debian-exim")
    jail.directory("/var/spool/exim4", "Debian-exim")
    jail.directory("/run/exim4", "Debian-exim")
    values = {"door": DOOR, "port": given.port, "domain": DOMAIN, "boxes": BOXES, "relay_port": given.relay_port}
    jail.file("/etc/exim4/exim4.conf", CONFIGURATION.format_map(values))
    jail.file("/etc/resolv.conf", f"nameserver {given.nameserver}\n")
    jail.file("/etc/exim4/tls.pem", given.certificate, "Debian-exim", 0o600)
    return Server.start(jail, ("/usr/sbin/exim4", "-bdf", "-q1m"), DOOR, given.port)
