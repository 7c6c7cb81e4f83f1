"""Are alarms and canaries shown as they stand, and ended by a person by name?"""

import json
from pathlib import Path

import pytest

from mailer.carrier.reason import Reason
from mailer.domain.alarm import Kind
from mailer.store.alarm_models import Alarm
from mailer.store.database import open_store, transaction
from mailer.store.models import database
from tests.cli.town import Town

CANARIES = """
[canary]
addresses = ["probe@docomo.ne.jp", "probe@town.example.jp"]
"""


@pytest.fixture
def raised(town: Town) -> str:
    """The name of an alarm that stands."""
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        Alarm.insert(
            id="A1B2C3D4",
            kind=Kind.OUR_FAULT.value,
            subject="gmail auth_failed",
            words="550 5.7.26",
            count=3,
            raised_at=0,
            last_at=1000,
            cleared_by="",
            news=1,
        ).execute()
    database.close()
    return "A1B2C3D4"


@pytest.fixture
def watched(town: Town) -> Town:
    """A town with canaries, and a broadcast that they ride in."""
    town.config.write_text(town.config.read_text() + CANARIES)
    text = town.write("text.txt", "駅前に不審者が出ました。\n")
    town.json("broadcast", "send", "--all", "--subject", "不審者情報", "--text-file", text, "--urgent")
    return town


def test_nothing_to_show(town: Town) -> None:
    assert town.json("alarms", "list") == []
    assert "No alarm stands." in town.done("alarms", "list")
    assert town.json("canaries", "list") == []
    assert "[canary] addresses" in town.done("canaries", "list")
    assert town.json("status")["alarms"] == {"standing": 0, "failing": []}


def test_one_that_stands(town: Town, raised: str) -> None:
    (one,) = town.json("alarms", "list")
    assert (one["id"], one["kind"], one["count"], one["cleared_at"]) == (raised, "our_fault", 3, None)
    why = Reason.AUTH_FAILED.meaning.english
    assert f"Mail was refused for a fault of ours: gmail {why}" in town.done("alarms", "list")
    shown = town.json("alarms", "show", raised)
    assert (shown["delivered"], shown["told"], one["delivered"]) == (False, [], False)
    assert "“mimamori queue flush --site gmail”" in shown["advice"]
    for words in ("550 5.7.26", "queue flush --site gmail"):
        assert words in town.done("alarms", "show", raised)
    assert town.json("status")["alarms"]["standing"] == 1


def test_it_is_ended_by_name_and_shown_then_only_among_the_ended(town: Town, raised: str) -> None:
    assert "Alarms ended: 1" in town.done("alarms", "clear", raised, "--reason", "DNS is mended")
    assert town.json("alarms", "list") == []
    (one,) = town.json("alarms", "list", "--ended")
    assert one["cleared_by"].startswith("cli:")
    entry = town.json("audit", "list")[0]
    assert (entry["action"], entry["detail"]["why"], entry["detail"]["alarms"]) == (
        "alarm.clear",
        "DNS is mended",
        [raised],
    )


@pytest.mark.parametrize("verb", ["show", "clear"])
def test_a_name_that_nothing_has(town: Town, raised: str, verb: str) -> None:
    result = town.type("alarms", verb, "A0")
    assert result.exit_code == 1
    assert "There is no alarm A0" in result.stderr


@pytest.mark.parametrize("words", [(), ("A1B2C3D4", "--all")])
def test_to_end_all_must_be_said(town: Town, raised: str, words: tuple[str, ...]) -> None:
    assert town.type("alarms", "clear", *words).exit_code == 2
    assert town.json("alarms", "clear", "--all") == {"alarms": 1}


def test_the_ways_out_are_tried(town: Town) -> None:
    raised = town.json("alarms", "test")
    assert raised["kind"] == "test"
    assert raised["id"] in town.done("alarms", "list")


def test_canaries_are_shown_with_their_ride(watched: Town) -> None:
    docomo, other = watched.json("canaries", "list")
    assert (docomo["carrier"], docomo["last"]["state"], docomo["alarms"]) == ("docomo", "waiting", [])
    assert other["carrier"] == "town.example.jp"
    shown = watched.json("broadcast", "show", docomo["last"]["broadcast"])
    assert [one["address"] for one in shown["canaries"]] == ["probe@docomo.ne.jp", "probe@town.example.jp"]
    assert "probe@docomo.ne.jp" in watched.done("canaries", "list")
    assert "probe@docomo.ne.jp" in watched.done("broadcast", "show", shown["id"])
    items = [json.loads(line) for line in watched.done("--json", "queue", "list").splitlines()]
    assert [item["address"] for item in items if item["canary"]] == ["probe@docomo.ne.jp", "probe@town.example.jp"]


def test_a_webhook_gets_its_secret_from_init(town: Town) -> None:
    town.config.write_text(town.config.read_text() + '[alarm]\nwebhook = "https://monitor.example.jp/"\n')
    (made,) = town.json("init")["created"]
    assert Path(made).read_text().startswith("whsec_")
    assert Path(made).stat().st_mode & 0o777 == 0o640
    assert town.json("init")["created"] == []
