"""What does the main job look like, start to end, on the machine of whoever is curious?

The FAQ's 11 schools, 2,000 fictional households and the simulated town: a safety broadcast goes out,
bounces and receipts come back, the result per school is printed, and the roster accounting is proved. Then
the pages stay up until Ctrl-C, or with `--once` everything ends: exit status 0 if the accounting holds.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from config import Settings, load, load_schools
from mailer.cli import output
from mailer.domain.school import Schools
from mailer.language import _, use
from mailer.rehearsal.appliance import Trial, TrialFailed, free_port, town
from mailer.rehearsal.population import roster

HASTE = 60.0
SEED = 2026
LIMIT_SECONDS = 50.0
SETTLE_SECONDS = 6.0
SUBJECT = "【緊急】不審者情報"
TEXT = """本日15時20分ごろ、滝川第一小学校の正門の近くで、児童に声をかける不審な人物が目撃されました。
40歳ぐらいの男性、身長170センチぐらい、黒い上着、灰色の帽子です。

・お子さまが外にいる場合は、すぐに連絡を取ってください。
・登下校はできるだけ複数でするよう、お子さまに話してください。
・不審な人物を見かけたら、110番に通報してください。
"""


def main() -> int:
    """Run the demo; return the exit status."""
    parser = argparse.ArgumentParser(prog="sh deploy/demo.sh")
    parser.add_argument("--once", action="store_true", help=_("exit after the result instead of keeping the pages up"))
    parser.add_argument("--households", type=int, default=2000)
    given = parser.parse_args()
    use("ja")
    with tempfile.TemporaryDirectory(prefix="mimamori-demo-") as name:
        return _run(Path(name), given.households, once=given.once)


def _run(directory: Path, households: int, *, once: bool) -> int:
    began = time.monotonic()
    inbound = free_port()
    options = ["--haste", str(HASTE), "--seed", str(SEED), "--inbound", f"127.0.0.1:{inbound}"]
    with town(*options) as ports:
        trial = Trial(directory, dns=ports["dns"], port=ports["port"], inbound=inbound)
        trial.type("init")
        settings = load(trial.config)
        schools = load_schools(settings)
        _import(trial, schools, households)
        with trial.serving():
            sent = _broadcast(trial)
            holds = _result(trial, schools, sent, time.monotonic() - began)
            if not once:
                _stay(trial, settings)
    return 0 if holds else 1


def _import(trial: Trial, schools: Schools, households: int) -> None:
    file = trial.directory / "roster.csv"
    file.write_text(roster(households, schools.open(), SEED), encoding="utf-8")
    done = trial.type("households", "import", str(file))
    output.say(_("Registered: {count} fictional households of {schools} schools").format(
        count=done["created"], schools=len(schools.open())
    ))  # fmt: skip


def _broadcast(trial: Trial) -> dict[str, Any]:
    file = trial.directory / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    words = ("--all", "--urgent", "--receipt", "--subject", SUBJECT, "--text-file", str(file))
    sent: dict[str, Any] = trial.type("broadcast", "send", *words)
    output.say(_("Broadcast {id}: {recipients} recipients in {households} households").format(**sent))
    _follow(trial, sent)
    return sent


def _follow(trial: Trial, sent: dict[str, Any]) -> None:
    """Show how it goes until nobody waits any more, then give receipts and bounces a moment to come back."""
    end = time.monotonic() + LIMIT_SECONDS
    done = 0
    with output.progress(sys.stderr.isatty(), _("accepted"), sent["recipients"]) as advance:
        while time.monotonic() < end:
            shown = trial.type("broadcast", "show", sent["id"])
            settled = sent["recipients"] - shown["waiting"] - shown["deferred"]
            advance(settled - done)
            done = settled
            if done == sent["recipients"]:
                break
            time.sleep(0.3)
    time.sleep(SETTLE_SECONDS)


def _result(trial: Trial, schools: Schools, sent: dict[str, Any], seconds: float) -> bool:
    recipients = trial.type("broadcast", "recipients", sent["id"])
    heads = [_("school"), _("recipients"), _("accepted"), _("deferred"), _("refused"), _("returned"), _("confirmed")]
    output.table(heads, [_row(school.name, school.code, recipients) for school in schools.open()])
    shown = trial.type("broadcast", "show", sent["id"])
    households = {word: shown[word] for word in ("households", "confirmed", "not_opened")}
    output.say(_("Households: {households}; confirmed {confirmed}; not opened {not_opened}").format(**households))
    output.say(_("From start to result: {seconds} s").format(seconds=round(seconds)))
    return _proved(trial, sent["id"])


def _proved(trial: Trial, broadcast: str) -> bool:
    try:
        trial.type("broadcast", "verify", broadcast)
    except TrialFailed as failed:
        output.note(str(failed))
        return False
    output.say(_("The roster accounting holds to the last address."))
    return True


def _row(name: str, code: str, recipients: list[dict[str, Any]]) -> list[object]:
    ours = [one for one in recipients if code == one["school"]]
    states = [one["state"] for one in ours]
    counts = [states.count(word) for word in ("accepted", "deferred", "refused")]
    returned = sum(one["evidence"]["stage"] == "dsn" for one in ours if one["evidence"])
    return [name, len(ours), *counts, returned, sum(one["confirmed"] for one in ours)]


def _stay(trial: Trial, settings: Settings) -> None:
    output.say(_("The pages are at {url} until Ctrl-C.").format(url=trial.base_url))
    output.say(_("Try the verbs with: mimamori --config {file} …").format(file=trial.config))
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        output.note(_("The demo ends."))


if __name__ == "__main__":
    sys.exit(main())
