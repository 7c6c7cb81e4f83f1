"""Is a broadcast accepted whole or not at all when the command dies while it accepts it?"""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.appliance import ROOT
from tests.crash.far_side import addresses
from tests.crash.kills import AFTER, BEFORE, can_trace
from tests.crash.line import Line, line

pytestmark = [pytest.mark.long, pytest.mark.skipif(not can_trace(), reason="needs strace, and the right to use it")]
STOOD = "SELECT id, (SELECT COUNT(*) FROM queue_item WHERE announcement_id = announcement.id) FROM announcement"


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line without a mailer."""
    with line(tmp_path_factory.mktemp("line")) as made:
        yield made


@pytest.mark.parametrize("effect", [BEFORE, AFTER])
# The log is new for each command: its first flush is that of its header, the second that of the commit.
@pytest.mark.parametrize(("call", "nth"), [("pwrite64", 2), ("pwrite64", 20), ("fdatasync", 2)])
def test_a_broadcast_stands_whole_or_not_at_all(on: Line, call: str, nth: int, effect: str) -> None:
    before = dict(on.select(STOOD))
    inject = ("-P", f"{on.store}-wal", "-e", f"trace={call}", "-e", f"inject={call}:signal={effect}:when={nth}")
    command = (sys.executable, "-m", "mailer", "--config", str(on.appliance.config), "--json", "broadcast", "send")
    words = ("--all", "--subject", "不審者情報", "--text-file", str(on.text))
    done = subprocess.run(
        ["strace", "-qq", "-f", "-o", "/dev/null", *inject, *command, *words],
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode < 0
    assert done.stdout == b""
    after = dict(on.select(STOOD))
    for broadcast in after.keys() - before.keys():
        assert after[broadcast] == len(addresses())
        assert on.holds(broadcast)
    assert len(after) - len(before) == (call == "fdatasync"), "what reached the log whole is accepted, nothing else"
