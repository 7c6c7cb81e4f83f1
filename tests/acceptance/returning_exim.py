"""How does an Exim give mail back in every way it knows?

It warns after a second, tries again each second and gives up after `r.LIFETIME` seconds. Our header keeps its warnings
and answers away (`delay_warning_condition` as shipped, `personal`); this one does not look at it. For `FROM` it does
what no server should: the report goes to the address in From (`errors_to`).
"""

from pathlib import Path

from tests.acceptance import returning as r
from tests.acceptance import returning_postfix as next_hop
from tests.acceptance.exim import USERS
from tests.acceptance.jail import BOXES, Jail, Server
from tests.acceptance.packages import tree

DOMAIN = "exim.example"
DOOR, ROUND = "127.0.94.1", "127.0.94.2"

CONFIGURATION = """\
primary_hostname = mx.exim.example
local_interfaces = <; {door} ; {round}
daemon_smtp_ports = {port}
log_file_path = /var/log/exim4/%slog
smtp_accept_queue_per_connection = 0
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
tls_advertise_hosts =
acl_smtp_rcpt = rcpt
acl_smtp_data = content
received_headers_max = 5
delay_warning = 1s:1h
delay_warning_condition = true
begin acl
rcpt:
  deny    local_parts = {refused}
          message = Unrouteable address
  accept
content:
  deny    condition = ${{if eq{{$recipients}}{{{content}@{domain}}}}}
          message = This message scored 12.5 spam points.
  accept
begin routers
reports:
  driver = manualroute
  domains = mail.mimamori-iwamizawa.jp
  route_list = * 127.0.0.1 byname
  self = send
  transport = inbound
nowhere:
  driver = dnslookup
  domains = {nowhere}
  transport = next
  no_more
next:
  driver = manualroute
  domains = {next_domain}
  route_list = * {next} byname
  transport = next
here:
  driver = redirect
  domains = {domain}
  data = ${{if eq{{$local_part}}{{{no_domain}}}{{{no_domain}@{nowhere}}}\\
    {{${{if eq{{$local_part}}{{{forwarded}}}{{{elsewhere}@{next_domain}}}}}}}}}
  local_parts = {no_domain} : {forwarded}
full:
  driver = accept
  local_parts = {full}
  transport = full
round:
  driver = manualroute
  local_parts = {loop}
  route_list = * {round} byname
  self = send
  transport = next
narrow:
  driver = manualroute
  local_parts = {big}
  route_list = * {narrow} byname
  transport = next
away:
  driver = accept
  local_parts = {away}
  transport = answer
to_from:
  driver = manualroute
  local_parts = {from}
  errors_to = ${{address:$h_from:}}
  route_list = * {next} byname
  transport = next
others:
  driver = manualroute
  route_list = * {next} byname
  transport = next
begin transports
inbound:
  driver = smtp
  port = {inbound}
  interface = {door}
  allow_localhost
next:
  driver = smtp
  port = {port}
  allow_localhost
  hosts_try_chunking =
full:
  driver = appendfile
  file = {boxes}/full
  user = keeper
  quota = 1K
answer:
  driver = autoreply
  user = keeper
  to = $sender_address
  from = {away}@{domain}
  subject = away
  text = 550 5.1.1 User unknown? No, away.
begin retry
* quota
* * F,{lifetime}s,1s
"""


def start(root: Path, given: r.Surroundings) -> Server:
    """Start an Exim under `root`."""
    jail = Jail.build(tree("exim4-daemon-light"), root, USERS)
    jail.directory("/var/log/exim4", "Debian-exim")
    jail.directory("/var/spool/exim4", "Debian-exim")
    jail.directory("/run/exim4", "Debian-exim")
    values = {
        **{"door": DOOR, "round": ROUND, "domain": DOMAIN, "boxes": BOXES, "lifetime": r.LIFETIME},
        **{"next": next_hop.NEXT, "narrow": next_hop.NARROW, "port": given.port, "inbound": given.inbound},
        **r.NAMES,
    }
    jail.file("/etc/exim4/exim4.conf", CONFIGURATION.format_map(values))
    jail.file("/etc/resolv.conf", f"nameserver {given.nameserver}\n")
    return Server.start(jail, ("/usr/sbin/exim4", "-bdf", "-q1s"), DOOR, given.port)
