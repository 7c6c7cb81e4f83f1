"""Does a rehearsal run from end to end on loopback, and does it leave nothing behind?"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import config
from config import ConfigError, Settings, load
from mailer.rehearsal.prediction import Limits, Sighting, Tail, predict

RATE = re.compile(r"(messages_per_second = \{ value = )\d+")


def settings_in(directory: Path, more: str = "") -> Settings:
    """Return the settings of an installation that was never made: a rehearsal needs no more."""
    file = directory / "mimamori.toml"
    file.write_text(f'[state]\ndirectory = "{directory}/state"\n{more}', encoding="utf-8")
    return load(file)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for temporary files that only this test uses."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return place


def processes_of(place: Path) -> list[str]:
    """Return the command lines of living processes that name this place."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in lines if str(place) in line]


def test_a_small_town_is_rehearsed_and_nothing_is_left(tmp_path: Path, scratch: Path) -> None:
    seen: list[Sighting] = []
    limits = Limits(accepting=8, watching=2, haste=600)
    prediction = predict(settings_in(tmp_path), 40, seed=3, limits=limits, told=seen.append)
    total = prediction.total
    assert 25 <= total.recipients <= 60
    assert total.recipients == len(total.accepted) + total.refused + total.open == seen[-1].recipients
    assert total.accepted
    assert all(0 < at < 45 for at in total.accepted)
    assert total.confirmed
    assert total.confirmed[-1] <= prediction.horizon
    assert {"docomo", "au", "google"} <= {curve.name for curve in prediction.carriers}
    assert sum(curve.recipients for curve in prediction.carriers) == total.recipients
    assert prediction.households.accepted
    assert not list(scratch.iterdir())
    assert not processes_of(scratch)
    assert not (tmp_path / "state").exists()


def test_the_pace_is_that_of_this_installation(tmp_path: Path, scratch: Path) -> None:
    shipped = Path(config.__file__).with_name("carriers.toml").read_text(encoding="utf-8")
    before, head, after = shipped.partition("[carrier.docomo.manners]")
    slow = tmp_path / "carriers.toml"
    slow.write_text(before + head + RATE.sub(r"\g<1>1", after, count=2), "utf-8")
    settings = settings_in(tmp_path, f'[carriers]\nfile = "{slow}"\n')
    limits = Limits(accepting=3, watching=0, haste=600)
    prediction = predict(settings, 60, seed=3, limits=limits, told=lambda _now: None)
    docomo = next(curve for curve in prediction.carriers if curve.name == "docomo")
    assert 1 <= len(docomo.accepted) <= 8
    assert docomo.open == docomo.recipients - len(docomo.accepted) - docomo.refused > 0
    assert docomo.until(100) is None


def test_ctrl_c_stops_and_removes_everything(tmp_path: Path, scratch: Path) -> None:
    settings_in(tmp_path)
    words = [sys.executable, "-m", "mailer", "--config", str(tmp_path / "mimamori.toml"), "rehearse"]
    child = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # As at a terminal: where the tests run in the background, the shell has them ignore Ctrl-C, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 30
    while not list(scratch.glob("*/serve.log")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(scratch)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 1
    assert "Traceback" not in err + out
    assert not list(scratch.iterdir())
    assert not processes_of(scratch)


def test_a_list_that_cannot_be_read_is_named_before_anything_starts(tmp_path: Path, scratch: Path) -> None:
    missing = tmp_path / "carriers.toml"
    settings = settings_in(tmp_path, f'[carriers]\nfile = "{missing}"\n')
    with pytest.raises(ConfigError, match=r"carriers\.toml"):
        predict(settings, 5, seed=1, limits=Limits(), told=lambda _now: None)
    assert not list(scratch.iterdir())


def test_half_a_line_of_a_growing_journal_is_left_for_later(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    lines = [json.dumps({"kind": "answered", "address": f"{name}@x", "at": 5.0}) + "\n" for name in "ab"]
    journal.write_text(lines[0] + lines[1][:9])
    tail = Tail(journal)
    assert set(tail.read().answered) == {"a@x"}
    journal.write_text("".join(lines))
    assert set(tail.read().answered) == {"a@x", "b@x"}
