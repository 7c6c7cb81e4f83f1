"""Do the three services live under systemd as they should: up, shut in, sharing one store, coming back?"""

import re
import stat
from pathlib import Path

import pytest
import trustme

from tests.boot.machine import Machine

pytestmark = [pytest.mark.boot, pytest.mark.timeout(900)]

SERVICES = ("mailer", "inbound", "webhook")
UNITS = Path(__file__).resolve().parents[2] / "systemd"
STATE = "/var/lib/mimamori"
HOST = "www.mail.mimamori-iwamizawa.jp"
HEADER = "school,grade,class,child,guardian,login,address1,address2,address3,address4,receives_broadcasts"
AGAIN_SECONDS = 30.0
STOP_SECONDS = 40.0
#: Two looks of the sentry, and what they take.
SENTRY_SECONDS = 100.0
READING_SECONDS = 20.0
#: What systemd says of a unit in other words than the unit's file.
SHOWN_OTHERWISE = {
    "SystemCallFilter",
    "CapabilityBoundingSet",
    "ReadWritePaths",
    "LoadCredential",
    "ExecStart",
    "ExecReload",
}
SHOWN_AS = {"WatchdogSec": "WatchdogUSec", "RestartSec": "RestartUSec", "TimeoutStopSec": "TimeoutStopUSec"}


@pytest.mark.parametrize("service", SERVICES)
def test_is_up_after_boot(vm: Machine, service: str) -> None:
    assert vm.is_active(f"mimamori-{service}.service"), vm.journal()


def test_nothing_failed_at_boot(vm: Machine) -> None:
    assert vm.check("systemctl", "--failed", "--plain", "--no-legend") == ""
    assert vm.is_active("mimamori.target")


def test_systemd_has_nothing_to_say_about_the_installed_units(vm: Machine) -> None:
    units = sorted(path.name for path in UNITS.glob("mimamori*"))
    assert vm.check("systemd-analyze", "verify", *(f"/etc/systemd/system/{name}" for name in units)) == ""
    for service in SERVICES:
        vm.check("systemd-analyze", "security", "--no-pager", "--threshold=15", f"mimamori-{service}.service")


@pytest.mark.parametrize("service", SERVICES)
def test_systemd_took_every_line_of_the_unit(vm: Machine, service: str) -> None:
    lines = (UNITS / f"mimamori-{service}.service").read_text().partition("[Service]")[2].partition("[Install]")[0]
    said: dict[str, str] = dict(re.findall(r"^([A-Z]\w+)=(.*)$", lines, re.MULTILINE))
    for key in said.keys() - SHOWN_OTHERWISE:
        shown = vm.show(f"mimamori-{service}.service", SHOWN_AS.get(key, key))
        assert _plain(shown) == _plain(said[key]), key


def _plain(value: str) -> str:
    known = {"536870912": "512M", "1073741824": "1G", "1min": "60", "1": "EPERM"}
    return " ".join(sorted(known.get(value, value).removesuffix("s").split()))


def test_the_mailer_leaves_the_machine_to_people_and_signs_behind_its_workers(vm: Machine) -> None:
    code = f"""
import os
from pathlib import Path
threads = [int(task.name) for task in Path("/proc/{vm.pid("mailer")}/task").iterdir()]
print(sorted(os.getpriority(os.PRIO_PROCESS, thread) for thread in threads))
"""
    niceness = vm.python(code)
    assert niceness.startswith("[5,")
    assert "10" in niceness


@pytest.mark.parametrize("service", SERVICES)
def test_is_shut_in(vm: Machine, service: str) -> None:
    status = vm.status(service)
    group = vm.check("getent", "group", "mimamori").split(":")[2]
    user = vm.check("id", "-u", f"mimamori-{service}").strip()
    assert status["Uid"].split() == [user] * 4
    assert status["Gid"].split() == [group] * 4
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert _inside(vm, service, "touch", "/usr/x") == "Read-only file system"
    assert _inside(vm, service, "touch", "/etc/mimamori/x") == "Read-only file system"
    assert _inside(vm, service, "ls", "/root") == "Permission denied"
    assert _inside(vm, service, "touch", f"{STATE}/{service}") == ""
    vm.tree.path(f"{STATE}/{service}").unlink()


def _inside(vm: Machine, service: str, *command: str) -> str:
    """Run a command as the service's user with the service's view of the files; return why it failed."""
    user = f"mimamori-{service}"
    ids = ("setpriv", f"--reuid={user}", "--regid=mimamori", "--clear-groups")
    done = vm.run("nsenter", "-t", str(vm.pid(service)), "-m", *ids, *command)
    return done.said.strip().rpartition(": ")[2] if done.status else ""


def test_only_the_mailer_sees_the_keys(vm: Machine) -> None:
    keys = vm.check("ls", "/etc/mimamori/dkim").split()
    assert len(keys) == 2
    for key in keys:
        handed_over = f"/run/credentials/mimamori-mailer.service/dkim_{key}"
        assert _inside(vm, "mailer", "cat", handed_over) == ""
        for service in SERVICES:
            assert _inside(vm, service, "cat", f"/etc/mimamori/dkim/{key}") == "Permission denied"
        for service in ("inbound", "webhook"):
            assert _inside(vm, service, "cat", handed_over) in ("Permission denied", "No such file or directory")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_port_25_takes_mail_for_us_and_for_nobody_else(vm: Machine, address: str) -> None:
    talk = f"""
import smtplib
with smtplib.SMTP({address!r}, 25) as peer:
    print(peer.ehlo("mx.example")[0], peer.mail("guardian@example.com")[0])
    print(peer.rcpt("nobody@example.com")[0], peer.rcpt("postmaster@mail.mimamori-iwamizawa.jp")[0])
    print(peer.data("Subject: x\\n\\nx\\n")[0])
"""
    assert vm.python(talk).split() == ["250", "250", "550", "250", "250"]


def test_what_came_in_is_read_by_a_process_that_can_do_nothing_else(vm: Machine) -> None:
    report = """
import smtplib
text = "From: root\\nSubject: x\\nContent-Type: text/plain\\n\\nI am away.\\n"
with smtplib.SMTP("127.0.0.1", 25) as peer:
    print(peer.sendmail("guardian@example.com", ["postmaster@mail.mimamori-iwamizawa.jp"], text))
"""
    assert vm.python(report).strip() == "{}"
    vm.wait_until(lambda: vm.mimamori("bounce", "list")[0]["meaning"] == "mail", READING_SECONDS)


def test_a_certificate_is_shown_after_a_reload(vm: Machine) -> None:
    settings = vm.tree.path("/etc/mimamori/mimamori.toml")
    good = settings.read_text(encoding="utf-8")
    files = {name: f"/etc/mimamori/{name}.pem" for name in ("certificate", "key")}
    section = "[inbound]\n" + "".join(f'{name} = "{path}"\n' for name, path in files.items())
    try:
        _certify(vm, files, "first.example")
        settings.write_text(good.replace("[inbound]\n", section), encoding="utf-8")
        vm.check("systemctl", "restart", "mimamori-inbound.service")
        assert "first.example" in _certificate(vm)
        before = vm.pid("inbound")
        _certify(vm, files, "second.example")
        vm.check("systemctl", "reload", "mimamori-inbound.service")
        vm.wait_until(lambda: "second.example" in _certificate(vm), READING_SECONDS)
        assert vm.pid("inbound") == before
    finally:
        settings.write_text(good, encoding="utf-8")
        vm.check("systemctl", "restart", "mimamori-inbound.service")


def _certify(vm: Machine, files: dict[str, str], name: str) -> None:
    """Put a certificate of a name and its key in their places, as an operator would."""
    authority = trustme.CA()
    issued = authority.issue_cert(name)
    for path, pem in ((files["certificate"], issued.cert_chain_pems[0]), (files["key"], issued.private_key_pem)):
        vm.tree.path(path).write_bytes(pem.bytes())
        vm.check("chown", "root:mimamori", path)
        vm.check("chmod", "640", path)


def _certificate(vm: Machine) -> str:
    """Return the certificate that port 25 shows, as Python prints its octets."""
    code = """
import smtplib, ssl
anyone = ssl._create_unverified_context()
with smtplib.SMTP("127.0.0.1", 25) as peer:
    peer.starttls(context=anyone)
    print(peer.sock.getpeercert(True))
"""
    return vm.python(code)


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_port_80_shows_pages(vm: Machine, address: str) -> None:
    assert _get(vm, f"http://{address}/healthz") == 200
    assert _get(vm, f"http://{address}/r/nobodyknowsthistoken00") == 404


def _get(vm: Machine, url: str) -> int:
    code = f"""
import urllib.request, urllib.error
try:
    print(urllib.request.urlopen(urllib.request.Request({url!r}, headers={{"Host": {HOST!r}}})).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
    return int(vm.python(code))


@pytest.mark.parametrize("umask", ["022", "077"])
def test_what_root_queues_goes_through_all_three_services(vm: Machine, umask: str) -> None:
    sent = _broadcast(vm, umask)
    item = _claimed(vm, sent)
    token = f"""
from mailer.domain.receipt import token
print(token(bytes.fromhex(open("{STATE}/secrets/receipt.key").read()), {item}))
"""
    assert _get(vm, f"http://127.0.0.1/r/{vm.python(token)}") == 200
    assert vm.mimamori("broadcast", "show", sent)["confirmed"] == 1
    assert vm.mimamori("audit", "verify", umask=umask) == {"ok": True, "problems": []}
    _all_can_write(vm)


def _broadcast(vm: Machine, umask: str) -> str:
    roster = f"{HEADER}\nt-daiichi,1,1,児童,保護者{umask},login{umask},x{umask}@mx.example,,,,1\n"
    vm.tree.path("/root/roster.csv").write_text(roster, encoding="utf-8")
    vm.tree.path("/root/text.txt").write_text("15時20分ごろ\n", encoding="utf-8")
    vm.mimamori("households", "import", "/root/roster.csv", umask=umask)
    words = ("--school", "t-daiichi", "--subject", "訓練", "--text-file", "/root/text.txt", "--receipt", "--urgent")
    return str(vm.mimamori("broadcast", "send", *words, umask=umask)["id"])


def _claimed(vm: Machine, sent: str) -> int:
    """Wait until the mailer has tried all mails (the DNS is out of reach), and return the number of the first."""

    def deferred() -> bool:
        figures = vm.mimamori("broadcast", "show", sent)
        return bool(figures["deferred"] == figures["recipients"] > 0)

    vm.wait_until(deferred, 60)
    listed = vm.mimamori("queue", "list", "--broadcast", sent)
    first = listed[0] if isinstance(listed, list) else listed
    return int(first["id"].removeprefix("Q"), 16)


def _all_can_write(vm: Machine) -> None:
    """See that every file of the store is open to the group and to nobody else."""
    group = int(vm.check("getent", "group", "mimamori").split(":")[2])
    files = list(vm.tree.path(STATE).glob("*"))
    assert {"mimamori.db", "mimamori.db-wal", "mimamori.db-shm"} <= {path.name for path in files}
    for path in files:
        found = path.stat()
        open_to = stat.S_IMODE(found.st_mode)
        assert found.st_gid == group, path
        assert open_to & 0o007 == 0, (path, oct(open_to))
        if path.is_file():
            assert open_to == 0o660, (path, oct(open_to))


@pytest.mark.parametrize("umask", ["022", "077"])
def test_what_root_types_while_all_is_stopped_locks_no_service_out(vm: Machine, umask: str) -> None:
    vm.check("systemctl", "stop", "mimamori*")
    vm.mimamori("status")  # the last to leave takes SQLite's side files away
    assert not vm.tree.path(f"{STATE}/mimamori.db-wal").exists()
    sent = _broadcast(vm, umask)
    # A mailer that root tries by hand takes the lock before the service does.
    vm.tree.path(f"{STATE}/mailer.lock").unlink()
    vm.run("sh", "-c", f"umask {umask}; timeout 3 mimamori serve mailer")
    vm.check("systemctl", "start", "mimamori.target")
    assert all(vm.is_active(f"mimamori-{service}.service") for service in SERVICES), vm.journal()
    _claimed(vm, sent)
    _all_can_write(vm)


@pytest.mark.parametrize("service", SERVICES)
def test_comes_back_after_a_kill(vm: Machine, service: str) -> None:
    killed = vm.pid(service)
    vm.check("sh", "-c", f"kill -KILL {killed}")
    vm.wait_until(lambda: vm.pid(service) not in (0, killed), AGAIN_SECONDS)
    vm.wait_until(lambda: vm.is_active(f"mimamori-{service}.service"), AGAIN_SECONDS)


@pytest.mark.parametrize("service", SERVICES)
def test_restarts_alone(vm: Machine, service: str) -> None:
    before = {name: vm.pid(name) for name in SERVICES}
    vm.check("systemctl", "restart", f"mimamori-{service}.service")
    after = {name: vm.pid(name) for name in SERVICES}
    assert [name for name in SERVICES if before[name] != after[name]] == [service]
    assert vm.show(f"mimamori-{service}.service", "Result") == "success"


@pytest.mark.parametrize("service", SERVICES)
def test_is_started_anew_when_it_no_longer_answers(vm: Machine, service: str) -> None:
    unit = f"mimamori-{service}.service"
    drop_in = f"/run/systemd/system/{unit}.d/test.conf"
    vm.check("sh", "-c", f"mkdir -p {drop_in.rpartition('/')[0]}; printf '[Service]\\nWatchdogSec=3\\n' >{drop_in}")
    vm.check("systemctl", "daemon-reload")
    vm.check("systemctl", "restart", unit)
    stuck = vm.pid(service)
    vm.check("sleep", "6")
    assert vm.pid(service) == stuck, "a service that is well was started anew"
    vm.check("sh", "-c", f"kill -STOP {stuck}")
    vm.wait_until(lambda: vm.pid(service) not in (0, stuck), AGAIN_SECONDS)
    assert "Watchdog timeout" in vm.check("journalctl", "--no-pager", "--unit", unit)
    vm.check("rm", drop_in)
    vm.check("systemctl", "daemon-reload")
    vm.check("systemctl", "restart", unit)


def test_all_end_cleanly_with_peers_inside_and_start_again(vm: Machine) -> None:
    stop = """
import socket, subprocess, time
peers = [socket.create_connection(("127.0.0.1", port)) for port in (25, 80)]
assert peers[0].recv(100).startswith(b"220")
began = time.monotonic()
subprocess.run(["systemctl", "stop", "mimamori*"], check=True)
print(time.monotonic() - began, *(socket.socket().connect_ex(("127.0.0.1", port)) for port in (25, 80)))
"""
    took, *refused = vm.python(stop).split()
    assert float(took) < STOP_SECONDS
    assert refused == ["111", "111"]
    for service in SERVICES:
        assert vm.show(f"mimamori-{service}.service", "ActiveState") == "inactive"
        assert vm.show(f"mimamori-{service}.service", "Result") == "success"
        assert vm.show(f"mimamori-{service}.service", "ExecMainStatus") == "0"
    vm.check("systemctl", "start", "mimamori.target")
    assert all(vm.is_active(f"mimamori-{service}.service") for service in SERVICES), vm.journal()
    assert _get(vm, "http://127.0.0.1/healthz") == 200


def test_the_target_takes_all_along(vm: Machine) -> None:
    before = {name: vm.pid(name) for name in SERVICES}
    vm.check("systemctl", "restart", "mimamori.target")
    assert all(vm.pid(name) not in (0, before[name]) for name in SERVICES), vm.journal()
    vm.check("systemctl", "stop", "mimamori.target")  # returns when all are told
    vm.wait_until(lambda: all(vm.pid(name) == 0 for name in SERVICES), STOP_SECONDS)
    vm.check("systemctl", "start", "mimamori.target")
    assert all(vm.is_active(f"mimamori-{service}.service") for service in SERVICES), vm.journal()


def test_each_restart_opens_the_ports_again_and_once(vm: Machine) -> None:
    # Debian 13's systemd met "Address already in use" in two restarts of three, and then left port 25 or 80 closed.
    restart = """
import subprocess, time
def opened():
    lines = [line.split() for line in open("/proc/net/tcp6").readlines()[1:]]
    ports = sorted(int(at.rpartition(":")[2], 16) for _, at, _, state, *_ in lines if state == "0A")
    return [port for port in ports if port in (25, 80)]
for _ in range(8):
    subprocess.run(["systemctl", "restart", "mimamori.target"], check=True)
    until = time.monotonic() + 5
    while opened() != [25, 80] and time.monotonic() < until:  # systemctl waits for the target alone
        time.sleep(0.1)
    print(*opened(), sep=",")
"""
    assert vm.python(restart).split() == ["25,80"] * 8
    vm.wait_until(lambda: all(vm.is_active(f"mimamori-{service}.service") for service in SERVICES), STOP_SECONDS)


def test_somebody_is_called_while_the_mailer_cannot_start_and_when_it_can_again(vm: Machine) -> None:
    settings, told = vm.tree.path("/etc/mimamori/mimamori.toml"), vm.tree.path(f"{STATE}/told")
    program = vm.tree.path("/usr/local/bin/call-somebody")
    program.write_text(f"#!/bin/sh\nid -un >>{STATE}/told\ncat >>{STATE}/told\necho >>{STATE}/told\n")
    program.chmod(0o755)
    good = settings.read_text(encoding="utf-8")
    alarm = '\n[alarm]\ncommand = ["/usr/local/bin/call-somebody"]\n'
    settings.write_text(f"{good}{alarm}[web2]\n", encoding="utf-8")
    assert vm.run("systemctl", "restart", "mimamori-mailer.service").status != 0
    vm.wait_until(lambda: told.exists() and '"raised"' in told.read_text(), SENTRY_SECONDS)
    assert told.read_text().splitlines()[0] == "mimamori-mailer"
    assert "not_running mimamori-mailer.service" in vm.check("journalctl", "--no-pager", "--priority=alert")
    settings.write_text(good + alarm, encoding="utf-8")
    vm.wait_until(lambda: vm.is_active("mimamori-mailer.service"), AGAIN_SECONDS)
    vm.wait_until(lambda: '"cleared"' in told.read_text(), SENTRY_SECONDS)
    assert told.read_text().count('"alarm.raised"') == 1
    assert vm.show("mimamori-sentry.service", "Result") == "success"
    told.unlink()
    settings.write_text(good, encoding="utf-8")


def test_comes_back_without_a_person_once_the_configuration_is_mended(vm: Machine) -> None:
    settings = vm.tree.path("/etc/mimamori/mimamori.toml")
    good = settings.read_text(encoding="utf-8")
    settings.write_text(good + "\n[web2]\n", encoding="utf-8")
    assert vm.run("systemctl", "restart", "mimamori-webhook.service").status != 0
    assert f"{len(good.splitlines()) + 2}" in vm.check("journalctl", "--no-pager", "--unit", "mimamori-webhook.service")
    settings.write_text(good, encoding="utf-8")
    vm.wait_until(lambda: vm.is_active("mimamori-webhook.service"), AGAIN_SECONDS)
