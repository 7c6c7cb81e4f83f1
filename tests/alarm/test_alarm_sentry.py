"""Is somebody called for a service that does not come up, whatever is broken, and once?"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailer.language import spoken, use
from mailer.sentry import ALERT, NOTICE, main

UNIT = "mimamori-mailer.service"
RUNS, FAILED, STARTS, STOPPED = "active", "failed", "activating", "inactive"
SHOWN = "Result={result}\nId={unit}\nActiveState={state}\nSubState=sub\n"


@dataclass
class Sentry:
    """A sentry with a configuration, what systemd says, and a program that writes down what it is told."""

    directory: Path
    log: pytest.CaptureFixture[str]

    def __post_init__(self) -> None:
        program = self.directory / "told.sh"
        program.write_text(f"#!/bin/sh\n[ ! -e {self.directory}/deaf ] || exit 3\ncat >>{self.directory}/told\n")
        program.chmod(0o755)
        self.alarm = f'[alarm]\ncommand = ["{program}"]\n'
        self.configure()

    def configure(self, more: str = "") -> None:
        (self.directory / "mimamori.toml").write_text(self.alarm + more)

    def look(self, **states: str) -> str:
        """Look once at the mailer in a state and a webhook that runs; return what was logged."""
        shown = [
            SHOWN.format(unit=UNIT, state=states["mailer"], result="exit-code"),
            SHOWN.format(unit="mimamori-webhook.service", state=states.get("webhook", RUNS), result="success"),
        ]
        units = self.directory / "units"
        units.write_text("\n".join(shown))
        paths = ("--config", self.directory / "mimamori.toml", "--memory", self.directory, units)
        main([*map(str, paths)])
        return self.log.readouterr().err

    @property
    def told(self) -> list[dict[str, Any]]:
        """What the program was told, in order."""
        file = self.directory / "told"
        text = file.read_text() if file.exists() else ""
        return [json.loads(one if one.endswith("}") else one + "}") for one in text.replace("}{", "}\n{").splitlines()]

    def events(self) -> list[tuple[str, str, str]]:
        return [(one["data"]["event"], one["data"]["kind"], one["data"]["subject"]) for one in self.told]


RAISED, CLEARED = ("raised", "not_running", UNIT), ("cleared", "not_running", UNIT)


@pytest.fixture
def sentry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Sentry]:
    before = spoken()
    yield Sentry(tmp_path, capsys)
    use(before)


def test_a_service_that_failed_is_told_of_once_and_its_end_too(sentry: Sentry) -> None:
    assert ALERT in sentry.look(mailer=FAILED)
    assert sentry.events() == [RAISED]
    assert sentry.look(mailer=FAILED) == ""
    assert sentry.look(mailer=STARTS) == ""
    assert NOTICE in sentry.look(mailer=RUNS)
    assert sentry.events() == [RAISED, CLEARED]
    assert len({one["data"]["id"] for one in sentry.told}) == 1
    assert sentry.look(mailer=RUNS) == ""
    assert sentry.events() == [RAISED, CLEARED]


def test_one_that_is_still_starting_at_the_second_look_does_not_come_up(sentry: Sentry) -> None:
    assert sentry.look(mailer=STARTS) == ""
    assert sentry.events() == []
    sentry.look(mailer=STARTS)
    assert sentry.events() == [RAISED]


@pytest.mark.parametrize("state", [RUNS, STOPPED])
def test_nobody_is_called_for_a_service_that_runs_or_was_stopped(sentry: Sentry, state: str) -> None:
    assert sentry.look(mailer=STARTS) + sentry.look(mailer=state) + sentry.look(mailer=STARTS) == ""
    assert sentry.told == []


def test_what_is_wrong_with_the_rest_of_the_configuration_does_not_matter(sentry: Sentry) -> None:
    sentry.configure("\n[domain]\nname = 7\n[web2]\n")
    sentry.look(mailer=FAILED)
    assert sentry.events() == [RAISED]


@pytest.mark.parametrize("broken", ["\n[", "free_megabytes = 0\n"])
def test_while_the_configuration_cannot_be_read_the_ways_known_last_are_taken(sentry: Sentry, broken: str) -> None:
    sentry.look(mailer=RUNS)
    sentry.configure(broken)
    assert "mimamori.toml" in sentry.look(mailer=FAILED)
    assert sentry.events() == [RAISED]


def test_without_any_way_the_log_is_told(sentry: Sentry) -> None:
    sentry.alarm = ""
    sentry.configure("[")
    assert f"{ALERT}alarm A" in sentry.look(mailer=FAILED)
    assert sentry.told == []


def test_a_way_that_fails_is_tried_again_at_the_next_look(sentry: Sentry) -> None:
    (sentry.directory / "deaf").touch()
    assert "was not told by command" in sentry.look(mailer=FAILED)
    (sentry.directory / "deaf").unlink()
    sentry.look(mailer=FAILED)
    assert sentry.events() == [RAISED]


def test_a_memory_without_sense_is_none(sentry: Sentry) -> None:
    (sentry.directory / "sentry.json").write_text('{"standing": [{}]}')
    sentry.look(mailer=FAILED)
    assert sentry.events() == [RAISED]
