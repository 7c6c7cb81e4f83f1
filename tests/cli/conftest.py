"""What do tests of the command share? Towns in three stages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.language import use
from tests.cli.town import CONFIG, ROSTER, Town


@pytest.fixture
def bare_town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A town with a configuration and nothing else; the command speaks English."""
    monkeypatch.setenv("MIMAMORI_LANGUAGE", "en")
    monkeypatch.setenv("LANGUAGE", "en")
    town = Town(tmp_path)
    town.write("mimamori.toml", CONFIG.format(directory=tmp_path, inbound=2525, web=8080))
    yield town
    use("en")


@pytest.fixture
def town(bare_town: Town) -> Town:
    """A town after `init`, with the three households of ROSTER."""
    bare_town.done("init")
    bare_town.done("households", "import", bare_town.write("roster.csv", ROSTER))
    return bare_town


@pytest.fixture
def broadcast(town: Town) -> str:
    """The id of a broadcast to everyone in the town."""
    text = town.write("text.txt", "駅前に不審者が出ました。\n")
    sent = town.json("broadcast", "send", "--all", "--subject", "不審者情報", "--text-file", text, "--receipt")
    return str(sent["id"])
