"""Are the systemd units what systemd expects, and as closed as they say?

Booted they are in `tests/boot`; here systemd's own reader looks at them, which takes no boot and no root.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "systemd"
SERVICES = ("mailer", "inbound", "webhook")
PROGRAM = "/opt/mimamori/current/bin/mimamori"
PYTHON = "/opt/mimamori/current/bin/python"
#: What may differ between the services; everything else is one sandbox.
OWN = ("ExecStart", "ExecReload", "User", "LoadCredential", "MemoryMax", "Nice")
#: Only the mailer has threads that step behind others.
STEPS_BEHIND = ("SystemCallFilter", "setpriority")
#: systemd-analyze counts in tenths here.
MOST_EXPOSURE = 15

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze and return what it said, all on standard output."""
    command = ("systemd-analyze", *arguments)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=30)


def settings(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield section, key and value of every line of a unit."""
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line and not line.startswith("#"):
            key, _equals, value = line.partition("=")
            yield section, key, value


def test_systemd_finds_nothing_to_say_about_the_units(tmp_path: Path) -> None:
    program = tmp_path / "mimamori"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    units = [tmp_path / path.name for path in sorted(UNITS.glob("mimamori*"))]
    for unit in units:
        unit.write_text(
            (UNITS / unit.name).read_text(encoding="utf-8").replace(PROGRAM, str(program)).replace(PYTHON, str(program))
        )
    done = analyze("verify", *map(str, units))
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("service", SERVICES)
def test_exposure_stays_low(service: str) -> None:
    unit = str(UNITS / f"mimamori-{service}.service")
    done = analyze("security", "--offline=yes", "--no-pager", f"--threshold={MOST_EXPOSURE}", unit)
    assert done.returncode == 0, done.stdout


def test_the_services_share_one_sandbox() -> None:
    sandboxes = []
    for service in SERVICES:
        unit = settings(UNITS / f"mimamori-{service}.service")
        lines = [(key, value) for section, key, value in unit if section == "Service" and key not in OWN]
        sandboxes.append([line for line in lines if (service, line) != ("mailer", STEPS_BEHIND)])
    assert sandboxes[0] == sandboxes[1] == sandboxes[2]


def test_only_the_mailer_is_given_the_keys() -> None:
    given = {
        service: (UNITS / f"mimamori-{service}.service").read_text().count("LoadCredential") for service in SERVICES
    }
    assert given == {"mailer": 1, "inbound": 0, "webhook": 0}


@pytest.mark.parametrize("path", sorted(UNITS.glob("mimamori*.service")), ids=lambda path: path.name)
def test_every_line_of_a_service_has_its_reason(path: Path) -> None:
    service = path.read_text(encoding="utf-8").partition("[Service]\n")[2].partition("\n[Install]")[0]
    groups = re.split(r"^(?:#.*\n)+|^\n", service, flags=re.MULTILINE)
    assert service.startswith("#")
    # A reason may stand for a few lines that serve one end.
    assert max(len(group.splitlines()) for group in groups) <= 4


def test_the_installer_enables_every_unit() -> None:
    installer = (UNITS.parent / "deploy" / "install.sh").read_text(encoding="utf-8")
    enabled = installer.partition("systemctl --quiet enable")[2].partition("\n# ")[0]
    assert set(re.findall(r"mimamori[\w.-]*", enabled)) == {
        path.name for path in UNITS.glob("mimamori*") if "\n[Install]\n" in path.read_text(encoding="utf-8")
    }


def test_the_sentry_runs_the_alarm_program_as_the_mailer_does() -> None:
    """What the services are given for their own work alone is left out; the rest is one sandbox."""
    running = (
        "Type",
        "NotifyAccess",
        "Restart",
        "RestartSec",
        "TimeoutStopSec",
        "KillMode",
        "OOMPolicy",
        "WatchdogSec",
    )
    others = {*OWN, *running, "ReadWritePaths", "LimitNOFILE", "MemoryMax", "TasksMax"}
    mailer, sentry = (
        {(key, value) for section, key, value in settings(UNITS / f"mimamori-{name}.service") if section == "Service"}
        for name in ("mailer", "sentry")
    )
    assert {(key, value) for key, value in mailer if key not in others} - {STEPS_BEHIND} <= sentry
    assert ("User", "mimamori-mailer") in sentry
