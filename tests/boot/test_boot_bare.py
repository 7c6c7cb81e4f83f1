"""Do the scripts work on a Debian with nothing but sh and apt, no locale, no log, no service manager?"""

import pytest

from tests.boot.tree import CHECKOUT, Tree

pytestmark = [pytest.mark.boot, pytest.mark.timeout(1800)]

STAFF = "staff"


def staff(tree: Tree) -> None:
    """Let an ordinary user exist, who owns the checkout."""
    tree.check("useradd", "--create-home", STAFF, online=False)
    tree.check("chown", "-R", f"{STAFF}:", CHECKOUT, online=False)


def test_an_ordinary_user_is_told_what_is_missing(bare: Tree) -> None:
    staff(bare)
    for script, more in (("demo.sh", ""), ("test.sh", " opendkim-tools chromium fonts-noto-cjk systemd")):
        done = bare.run("sh", f"deploy/{script}", user=STAFF, online=False)
        assert done.status == 1
        assert f"apt-get install python3 python3-venv ca-certificates{more}\n" in done.said
    done = bare.run("sh", "deploy/install.sh", user=STAFF, online=False)
    assert done.status == 1
    assert "Run this as root." in done.said


def test_the_demo_runs_for_root_and_then_for_an_ordinary_user(bare: Tree) -> None:
    assert "Installing Debian packages: python3 python3-venv ca-certificates" in bare.check(
        "sh", "deploy/demo.sh", "--once"
    )
    bare.check("rm", "-rf", ".venv", online=False)
    staff(bare)
    said = bare.check("sh", "deploy/demo.sh", "--once", user=STAFF)
    assert "Installing" not in said
    # Once it is set up, it needs no network.
    bare.check("sh", "deploy/demo.sh", "--once", user=STAFF, online=False)


def test_the_tests_run_for_root(bare: Tree) -> None:
    said = bare.check("sh", "deploy/test.sh", "tests/deploy", "tests/smtp", "tests/cli", "tests/webhook")
    assert " passed" in said
    assert "failed" not in said
