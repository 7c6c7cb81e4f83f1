"""Can the services use what root made, whatever umask root's shell has?

The state directory passes its group on to what is made in it; modes are the program's business.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.files import write_new
from mailer.liveness import only_mailer


@pytest.fixture(params=[0o022, 0o077], ids=oct)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A state directory as the installer makes it, under the umask of somebody's shell."""
    directory = tmp_path / "state"
    directory.mkdir()
    directory.chmod(0o2770)
    before = os.umask(request.param)
    yield directory
    os.umask(before)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_the_group_reads_secrets_and_nobody_else_does(state: Path) -> None:
    write_new(state / "secrets" / "receipt.key", "x", mode=0o640)
    assert (mode(state / "secrets"), mode(state / "secrets" / "receipt.key")) == ("0o2750", "0o640")


def test_the_group_may_take_the_lock_of_the_mailer(state: Path) -> None:
    for _again in range(2):
        with only_mailer(state):
            assert mode(state / "mailer.lock") == "0o660"
