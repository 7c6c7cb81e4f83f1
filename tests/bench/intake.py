"""How fast is a mail taken in, safely, beside Postfix, and what do idle peers cost?

The inbound service as an operator runs it, and Postfix's smtpd from Debian's package in a root directory of its own,
one after the other in one run, given the same mails by Postfix's own smtp-source: one mail for each connection, and
connections that are kept. Both answer 250 only when the mail is on the disk; both go on with what they have taken (we
read it, Postfix delivers it to `discard`). Then idle connections are opened, from many addresses of this machine.
Needs root.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.jail import Jail, Server, free_port
from tests.acceptance.packages import tree
from tests.acceptance.postfix import MASTER, PRIVATE, USERS
from tests.bench.processes import cpu, memory

HERE = "127.0.0.1"
DOMAIN = "mail.mimamori-iwamizawa.jp"
TO = f"postmaster@{DOMAIN}"
IDLE_FOR_EACH_ADDRESS = 20
CONFIGURATION = """\
[state]
directory = "{directory}/state"
[inbound]
listen = ["127.0.0.1:{port}"]
connections = 5000
free_percent = 0
"""
MAIN = """\
compatibility_level = 3.6
myhostname = {domain}
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relay_domains = {domain}
relay_transport = discard
alias_maps =
alias_database =
maillog_file = /var/log/postfix.log
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_recipient_restrictions =
smtpd_relay_restrictions = reject_unauth_destination
in_flow_delay = 0
"""
REPORT = """\
From: MAILER-DAEMON@mx.docomo.example
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

{words}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.docomo.example

Final-Recipient: rfc822; guardian@docomo.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 Unknown user

--b--
"""


@contextmanager
def ours(directory: Path) -> Iterator[tuple[int, int]]:
    """Run the inbound service; return its process and port."""
    port = free_port([HERE])
    file = directory / "mimamori.toml"
    file.write_text(CONFIGURATION.format(directory=directory, port=port))
    command = [sys.executable, "-m", "mailer", "--config", str(file)]
    subprocess.run([*command, "init"], check=True, stdout=subprocess.DEVNULL)
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([*command, "serve", "inbound"], stdout=subprocess.PIPE, stderr=log)
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    try:
        yield process.pid, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()


@contextmanager
def postfix(directory: Path) -> Iterator[tuple[int, int]]:
    """Run a Postfix that takes mail for our domain; return its process and port."""
    jail = Jail.build(tree("postfix"), directory / "postfix", USERS)
    for name in PRIVATE.split():
        jail.directory(f"/var/spool/postfix/{name}", "postfix", mode=0o700)
    jail.directory("/var/spool/postfix/pid")
    jail.directory("/var/spool/postfix/public", "postfix", "postdrop", 0o710)
    jail.directory("/var/spool/postfix/maildrop", "postfix", "postdrop", 0o730)
    jail.directory("/var/lib/postfix", "postfix")
    jail.directory("/var/log")
    port = free_port([HERE])
    jail.file("/etc/postfix/main.cf", MAIN.format(domain=DOMAIN))
    discard = "discard   unix       - - n - - discard\n"
    jail.file("/etc/postfix/master.cf", f"{HERE}:{port} inet n - n - - smtpd\n{MASTER}{discard}")
    server = Server.start(jail, ("/usr/lib/postfix/sbin/master", "-s"), HERE, port)
    try:
        yield server.process.pid, port
    finally:
        server.stop()


def hand_over(port: int, content: Path, mails: int, sessions: int, *, kept: bool) -> float:
    """Hand mails over by smtp-source; return how many a second were taken."""
    root = tree("postfix")
    command = [str(root / "usr/sbin/smtp-source"), "-s", str(sessions), "-m", str(mails), "-f", "", "-t", TO]
    command += ["-F", str(content), *(["-d"] if kept else []), f"{HERE}:{port}"]
    libraries = ":".join(str(path) for path in (root / "usr/lib/postfix", root / "usr/lib/x86_64-linux-gnu"))
    began = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, "LD_LIBRARY_PATH": libraries})
    return mails / (time.perf_counter() - began)


def idle(pid: int, port: int, connections: int) -> float:
    """Open connections that say EHLO and no more; return the memory of the service in MiB while they are held."""
    held = []
    try:
        for number in range(connections):
            source = f"127.0.{1 + number // IDLE_FOR_EACH_ADDRESS // 200}.{1 + number // IDLE_FOR_EACH_ADDRESS % 200}"
            held.append(socket.create_connection((HERE, port), 10, source_address=(source, 0)))
        for one in held:
            assert one.recv(1000).startswith(b"220"), "turned away"
            one.sendall(b"EHLO idle.example\r\n")
        for one in held:
            assert b"250 " in one.recv(1000)
        return memory(pid)
    finally:
        for one in held:
            one.close()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--mails", type=int, default=5000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--octets", type=int, default=2000)
    parser.add_argument("--idle", type=int, default=2000)
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="intake-"))
    content = directory / "report"
    words = "\n".join("x" * 70 for _ in range(given.octets // 71))
    content.write_text(REPORT.format(to=TO, words=words))
    try:
        compare(directory, content, given)
    finally:
        shutil.rmtree(directory)


def compare(directory: Path, content: Path, given: argparse.Namespace) -> None:
    """Measure both, in turn, and print."""
    rates: dict[tuple[str, bool], list[float]] = {}
    spent = {"postfix": 0.0, "mimamori": 0.0}
    with ours(directory) as (pid, port), postfix(directory) as (master, rival):
        for _ in range(given.rounds):
            for name, door, process in (("postfix", rival, master), ("mimamori", port, pid)):
                before = cpu(process)
                for kept in (False, True):
                    rate = hand_over(door, content, given.mails, given.sessions, kept=kept)
                    rates.setdefault((name, kept), []).append(rate)
                spent[name] += cpu(process) - before
        held = idle(pid, port, given.idle) if given.idle else 0.0
    for kept in (False, True):
        mine, theirs = statistics.median(rates["mimamori", kept]), statistics.median(rates["postfix", kept])
        how = "connections kept" if kept else "one mail a connection"
        print(f"{how}: {mine:,.0f}/s, Postfix {theirs:,.0f}/s, {mine / theirs:.2f} x  {_all(rates, kept)}")
    each = {name: f"{1000 * used / given.rounds / given.mails / 2:.2f} ms" for name, used in spent.items()}
    print(f"CPU time a mail while they come in: {each}; {given.idle} idle connections held in {held:.0f} MiB (PSS)")
    taken = len(re.findall(r"nrcpt=", (directory / "log").read_text()))
    print(f"{taken} mails in the log")


def _all(rates: dict[tuple[str, bool], list[float]], kept: bool) -> str:
    return str({name: [round(rate) for rate in found] for (name, how), found in rates.items() if how is kept})


if __name__ == "__main__":
    main()
