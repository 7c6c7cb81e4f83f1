"""Do the scripts work on a Debian with nothing but sh and apt, no locale, no log, no service manager?"""

import pytest

from tests.boot.tree import CHECKOUT, Tree

pytestmark = [pytest.mark.boot, pytest.mark.timeout(1800)]

CLERK = "clerk"


def clerk(tree: Tree) -> None:
    """Let an ordinary user exist, who owns the checkout."""
    tree.check("useradd", "--create-home", CLERK, online=False)
    tree.check("chown", "-R", f"{CLERK}:", CHECKOUT, online=False)


def test_an_ordinary_user_is_told_what_is_missing(bare: Tree) -> None:
    clerk(bare)
    for script, more in (
        ("demo.sh", ""),
        ("test.sh", " strace opendkim-tools swaks libnet-ssleay-perl chromium fonts-noto-cjk libatomic1 systemd"),
    ):
        done = bare.run("sh", f"deploy/{script}", user=CLERK, online=False)
        assert done.status == 1
        assert f"apt-get install python3 python3-venv ca-certificates{more}\n" in done.said
    done = bare.run("sh", "deploy/install.sh", user=CLERK, online=False)
    assert done.status == 1
    assert "Run this as root." in done.said


def test_the_demo_runs_for_root_and_then_for_an_ordinary_user(bare: Tree) -> None:
    assert "Installing Debian packages: python3 python3-venv ca-certificates" in bare.check(
        "sh", "deploy/demo.sh", "--once"
    )
    bare.check("rm", "-rf", ".venv", online=False)
    clerk(bare)
    said = bare.check("sh", "deploy/demo.sh", "--once", user=CLERK)
    assert "Installing" not in said
    # Once it is set up, it needs no network.
    bare.check("sh", "deploy/demo.sh", "--once", user=CLERK, online=False)


def test_all_tests_pass(bare: Tree) -> None:
    # The unpacked mail servers want devices, which a container's /tmp does not take.
    said = bare.check("env", "TMPDIR=/var/tmp", "sh", "deploy/test.sh", seconds=1700)
    assert " passed" in said
    assert " failed" not in said
