"""Is it said where people look, and to whoever sends, that no mail leaves?"""

import pytest

from mailer.liveness import WORKERS, alive, is_sending
from mailer.store import space
from tests.cli.town import Town

SEND = ("broadcast", "send", "--all", "--subject", "x", "--text-file", "-", "--urgent")
STOPPED = "The mailer does not run, and no mail leaves"


def test_without_a_mailer_a_broadcast_is_accepted_and_waits(town: Town) -> None:
    sent = town.type(*SEND, stdin="x")
    assert "Accepted for sending" in sent.stdout
    assert STOPPED in sent.stderr
    shown = town.type("status")
    assert STOPPED in shown.stderr
    assert "does not run" in shown.stdout
    assert town.json("status")["mailer_runs"] is False


def test_nothing_is_said_while_a_mailer_runs(town: Town) -> None:
    with alive(town.directory / "state"):
        assert town.type(*SEND, stdin="x").stderr == ""
        assert town.type("status").stderr == ""
        assert town.json("status")["mailer_runs"] is True


def test_a_full_disk_is_named(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "RESERVE", 1 << 62)
    with alive(town.directory / "state"):
        assert "The disk is full, and no mail leaves" in town.type(*SEND, stdin="x").stderr
        assert "The disk is full, and no mail leaves" in town.type("status").stderr
        assert town.json("status")["store"]["full"] is True


def test_what_cannot_be_found_out_is_not_said(town: Town) -> None:
    (town.directory / "state" / WORKERS).mkdir()
    assert is_sending(town.directory / "state") is None
    assert town.type("status").stderr == ""
    assert town.json("status")["mailer_runs"] is None
