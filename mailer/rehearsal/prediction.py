"""How long would a broadcast to the whole town take?

A town of fictional households, an installation of its own beside the real one, and the simulated carriers,
all on loopback and in a directory that is gone at the end, also after Ctrl-C. A safety broadcast goes to
everybody at the pace of this installation's carriers.toml; the town's journal says when each address was
accepted and opened. Raises TrialFailed with what went wrong.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import Settings, load_schools
from config.carriers import load_carriers
from mailer.carrier.group import Carriers
from mailer.clock import system_clock
from mailer.rehearsal.appliance import Trial, town
from mailer.rehearsal.figures import Events, Prediction, Recipient, Watch, predict_from
from mailer.rehearsal.population import OPTION_OFF, SECOND_SLOT, SIBLING, roster

RECIPIENTS_PER_HOUSEHOLD = (1 + SECOND_SLOT) * (1 - OPTION_OFF) * (1 - SIBLING)
HASTE = 120.0
WATCH_SECONDS = 30.0
LOOK_SECONDS = 0.25
QUIET_SECONDS = 2.0
OPEN = ("waiting", "deferred")
SUBJECT = "【訓練】不審者情報"
TEXT = """これは訓練です。

本日15時20分ごろ、学校の正門の近くで、児童に声をかける不審な人物が目撃されました。
お子さまが外にいる場合は、すぐに連絡を取ってください。
不審な人物を見かけたら、110番に通報してください。
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """How far a rehearsal is: of so many recipients so many were accepted, and so many opened the URL."""

    recipients: int
    accepted: int
    opened: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds: for the last acceptance, then for guardians, who are `haste` times too early."""

    accepting: float = 900.0
    watching: float = WATCH_SECONDS
    haste: float = HASTE


class Tail:
    """The events of a journal that another process writes, read as it grows."""

    def __init__(self, path: Path) -> None:
        self.events = Events()
        self._path = path
        self._at = 0

    def read(self) -> Events:
        """Read the whole lines that are new; return all events so far."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.splitlines():
            found = json.loads(line)
            self.events.note(found["kind"], found["address"], found["at"])
        return self.events


class _Follower:
    """Follows one broadcast of a trial by the journal, which costs the sender nothing, and tells how far it is."""

    def __init__(self, trial: Trial, sent: dict[str, Any], tail: Tail, told: Callable[[Sighting], None]) -> None:
        self._trial = trial
        self._id, self._recipients = sent["id"], sent["recipients"]
        self._tail = tail
        self._told = told

    def until_settled(self, seconds: float) -> None:
        """Return when no recipient waits any more, or after so many seconds."""
        end = time.monotonic() + seconds
        accepted, since = -1, time.monotonic()
        while time.monotonic() < end:
            now = self._look()
            if now.accepted != accepted:
                accepted, since = now.accepted, time.monotonic()
            elif accepted == self._recipients or time.monotonic() - since >= QUIET_SECONDS:
                if self._settled():
                    return
                since = time.monotonic()
            time.sleep(LOOK_SECONDS)

    def watch(self, seconds: float) -> None:
        """Look at guardians for so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._look()
            time.sleep(LOOK_SECONDS)

    def _look(self) -> Sighting:
        events = self._tail.read()
        sighting = Sighting(self._recipients, len(events.answered), len(events.opened))
        self._told(sighting)
        return sighting

    def _settled(self) -> bool:
        shown = self._trial.type("broadcast", "show", self._id)
        return not any(shown[word] for word in OPEN)


def predict(
    settings: Settings,
    recipients: int,
    *,
    seed: int,
    limits: Limits,
    told: Callable[[Sighting], None],
) -> Prediction:
    """Rehearse a safety broadcast to about so many recipients; `told` hears several times a second how far it is.

    Raises ConfigError if the schools or carriers of these settings cannot be read, TrialFailed if the trial fails.
    """
    schools, carriers = load_schools(settings), load_carriers(settings)
    with _stage(settings, seed, limits.haste) as (trial, tail):
        _people(trial, roster(households_for(recipients), schools.open(), seed))
        with trial.serving():
            sent_at = system_clock().timestamp()
            sent = _send(trial)
            follower = _Follower(trial, sent, tail, told)
            follower.until_settled(limits.accepting)
            follower.watch(limits.watching)
            events, ended_at = tail.read(), system_clock().timestamp()
            found = trial.type("broadcast", "recipients", sent["id"])
    rows = found if isinstance(found, list) else [found]
    return predict_from([_recipient(row, carriers) for row in rows], events, Watch(sent_at, ended_at, limits.haste))


@contextmanager
def _stage(settings: Settings, seed: int, haste: float) -> Iterator[tuple[Trial, Tail]]:
    """Put up the town and an installation, and take both down again."""
    with tempfile.TemporaryDirectory(prefix="mimamori-rehearsal-") as name:
        directory = Path(name)
        journal = directory / "journal.jsonl"
        with town("--journal", str(journal), "--seed", str(seed), "--haste", str(haste)) as ports:
            trial = Trial(directory, dns=ports["dns"], port=ports["port"], settings=settings)
            trial.type("init")
            yield trial, Tail(journal)


def households_for(recipients: int) -> int:
    """Return how many households of the fictional town have about so many recipients."""
    return max(1, round(recipients / RECIPIENTS_PER_HOUSEHOLD))


def _people(trial: Trial, people: str) -> None:
    file = trial.directory / "roster.csv"
    file.write_text(people, encoding="utf-8")
    trial.type("households", "import", str(file))


def _send(trial: Trial) -> dict[str, Any]:
    file = trial.directory / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    words = ("--all", "--urgent", "--receipt", "--subject", SUBJECT, "--text-file", str(file))
    sent: dict[str, Any] = trial.type("broadcast", "send", *words)
    return sent


def _recipient(row: dict[str, Any], carriers: Carriers) -> Recipient:
    """Return a recipient with its carrier; one that carriers.toml does not know has neither name nor label."""
    carrier = carriers.of_domain(row["address"].rpartition("@")[2])
    return Recipient(
        address=row["address"],
        carrier=carrier.name if carrier else "",
        label=carrier.label if carrier else "",
        households=tuple(row["households"]),
        open=row["state"] in OPEN,
    )
