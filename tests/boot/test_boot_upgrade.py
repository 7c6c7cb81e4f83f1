"""Does a second run of the installer bring a running appliance up to date, and a bad one leave it as it was?

The machine has no network any more: what pip needs lies in a directory that its environment names.
"""

import pytest

from tests.boot.conftest import SETTING, WHEELS
from tests.boot.machine import Machine
from tests.boot.tree import CHECKOUT, Done

pytestmark = [pytest.mark.boot, pytest.mark.timeout(900)]

SERVICES = ("mailer", "inbound", "webhook")
SETTINGS = "/etc/mimamori/mimamori.toml"


def install(vm: Machine, wheels: str = WHEELS) -> Done:
    """Run the installer of the checkout in the machine."""
    return vm.run("sh", f"{CHECKOUT}/deploy/install.sh", seconds=300, PIP_NO_INDEX="1", PIP_FIND_LINKS=wheels)


def releases(vm: Machine) -> set[str]:
    """Return what lies in the program's directory."""
    return set(vm.check("ls", "/opt/mimamori").split())


def running(vm: Machine) -> set[str]:
    """Return which Python each service runs."""
    assert all(vm.is_active(f"mimamori-{service}.service") for service in SERVICES), vm.journal()
    words = "tr '\\0' '\\n' </proc/{}/cmdline | head -n 1"
    return {vm.check("sh", "-c", words.format(vm.pid(service))).strip() for service in SERVICES}


def test_an_upgrade_keeps_settings_and_data_and_runs_the_new_version(vm: Machine) -> None:
    before = vm.check("readlink", "/opt/mimamori/current").strip()
    known = vm.mimamori("status")
    done = install(vm)
    assert done.status == 0, done.said
    assert "the services run again" in done.said
    current = vm.check("readlink", "/opt/mimamori/current").strip()
    assert current != before
    assert running(vm) == {f"/opt/mimamori/{current}/bin/python"}
    assert vm.tree.path(SETTINGS).read_text(encoding="utf-8").endswith(SETTING)
    assert vm.mimamori("status")["households"] == known["households"]
    assert len(vm.check("ls", "/etc/mimamori/dkim").split()) == 2
    assert releases(vm) == {before, current, "current"}


def test_a_version_that_cannot_be_completed_touches_nothing(vm: Machine) -> None:
    before, processes = releases(vm), [vm.pid(service) for service in SERVICES]
    done = install(vm, wheels="/nowhere")
    assert done.status == 1
    assert "Not installed" in done.said
    assert (releases(vm), [vm.pid(service) for service in SERVICES]) == (before, processes)


def test_settings_that_the_version_does_not_take_touch_nothing(vm: Machine) -> None:
    before, processes = releases(vm), [vm.pid(service) for service in SERVICES]
    settings = vm.tree.path(SETTINGS)
    good = settings.read_text(encoding="utf-8")
    settings.write_text(good + "\n[web2]\n", encoding="utf-8")
    done = install(vm)
    settings.write_text(good, encoding="utf-8")
    assert done.status == 1
    assert "web2" in done.said
    assert (releases(vm), [vm.pid(service) for service in SERVICES]) == (before, processes)


def test_when_the_state_is_not_taken_the_services_run_again(vm: Machine) -> None:
    before, was = releases(vm), running(vm)
    bad = vm.tree.path("/etc/mimamori/dkim/bad.pem")
    bad.write_text("no key\n")
    done = install(vm)
    bad.unlink()
    assert done.status == 1
    assert "Not installed" in done.said
    assert (releases(vm), running(vm)) == (before, was)
