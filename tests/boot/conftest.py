"""Which machines do the boot tests share? One for each release of Debian, installed with network, booted without.

They take root, network and minutes, so they run only when asked for (`-m boot`); what is missing then is a failure.
"""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.boot.machine import Machine, booted
from tests.boot.tree import CHECKOUT, RELEASES, TOOLS, Tree, bare_tree

#: What an operator set before: it must outlive every upgrade, and lets a broadcast be queued without DNS records.
SETTING = "[delivery]\nrequire_standing = false\n"
WHEELS = "/root/wheels"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "boot: boots Debian in a container; runs only with -m boot, as root")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "boot" in config.option.markexpr:
        return
    for item in items:
        if "boot" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="boots machines; run with -m boot"))


@pytest.fixture(scope="session")
def _able() -> None:
    """See that machines can be made here; what is missing is named."""
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    assert not missing, f"apt-get install {' '.join(missing)}"
    assert os.geteuid() == 0, "booting takes root"


@pytest.fixture(params=RELEASES)
def bare(request: pytest.FixtureRequest, _able: None) -> Iterator[Tree]:
    """A Debian with apt and sh, and a checkout in /src."""
    with bare_tree(request.param) as tree:
        yield tree


@pytest.fixture(scope="session", params=RELEASES)
def vm(request: pytest.FixtureRequest, _able: None) -> Iterator[Machine]:
    """A Debian where the appliance was installed, after its first boot."""
    with bare_tree(request.param) as tree:
        said = tree.check("sh", "deploy/install.sh")
        assert "Installed." in said
        _keep_wheels(tree)
        with tree.path("/etc/mimamori/mimamori.toml").open("a") as settings:
            settings.write(SETTING)
        with booted(tree) as machine:
            yield machine


def _keep_wheels(tree: Tree) -> None:
    """Keep all that an upgrade needs, because the machine has no network once it is booted."""
    pip = "/opt/mimamori/current/bin/python -m pip --quiet --disable-pip-version-check"
    for lock in ("build.txt", "runtime.txt"):
        fetch = f"download --no-build-isolation --dest {WHEELS} -r {CHECKOUT}/deploy/requirements/{lock}"
        tree.check("sh", "-c", f"{pip} {fetch}")
