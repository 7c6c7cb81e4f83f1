"""Is a full disk called by its name, and is nothing accepted by halves?"""

import shlex
import subprocess
import sys

import pytest

from mailer.store.database import Sqlite, open_store
from tests.cli.town import Town

SEND = ("broadcast", "send", "--all", "--subject", "x", "--text-file", "-")
WORDS = "The disk is full, and nothing was accepted. Free space on the disk of {directory}, then do it again."
#: A disk of its own with a store on it, filled up while nobody has the store open, so that even looking fails.
FILLED = """
mount -t tmpfs -o size=4m none {state} && {mimamori} init >/dev/null || exit 99
cat /dev/zero >{state}/other 2>/dev/null
echo x | {mimamori} broadcast send --all --subject x --text-file -; echo $?
rm {state}/other
{mimamori} --json broadcast list
"""


def test_a_broadcast_that_does_not_fit_is_not_accepted(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_room(url: str, *, create: bool = False) -> Sqlite:
        store = open_store(url, create=create)
        store.execute_sql("PRAGMA max_page_count = 1")  # SQLite takes it for what the store has now
        return store

    with monkeypatch.context() as full:
        full.setattr("mailer.appliance.open_store", without_room)
        result = town.type(*SEND, stdin="危険です。\n" * 2000)
        assert (result.exit_code, result.stdout) == (1, "")
        assert WORDS.format(directory=town.directory / "state") in result.stderr
    assert town.json("broadcast", "list") == []


def test_a_disk_filled_by_others(bare_town: Town) -> None:
    state = bare_town.directory / "state"
    state.mkdir()
    mimamori = shlex.join([sys.executable, "-m", "mailer", "--config", str(bare_town.config)])
    script = FILLED.format(state=shlex.quote(str(state)), mimamori=mimamori)
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, timeout=60)
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("mounts a disk of its own: needs a mount namespace")
    assert done.stdout.split() == ["1", "[]"]
    assert WORDS.format(directory=state) in done.stderr
