"""Does a maintenance window do what the FAQ promises, from the notice to the all-clear, on real processes?

The notice reaches slots 1 to 4 of everyone registered whatever the option says; in the window the pages answer 503 with
the planned end, ordinary mail waits, and safety mail leaves.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from mailer.clock import system_clock
from mailer.domain.moment import JAPAN
from tests.appliance import Appliance, sinks

ROSTER = """school,grade,class,child,guardian,login,address1,address2,address3,address4,receives_broadcasts
t-daiichi,1,1,児童一,保護者一,m1,one@d01.example,two@d01.example,three@d01.example,four@d01.example,1
t-nishi,2,1,児童二,保護者二,m2,five@d01.example,,,,0
"""
BROADCAST = ("broadcast", "send", "--all", "--subject", "お知らせ", "--text-file")


def moment(seconds: float) -> str:
    """Return a time from now as people type it."""
    return (system_clock() + timedelta(seconds=seconds)).astimezone(JAPAN).isoformat(timespec="milliseconds")


def wait_for(done: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until `done`, or fail."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def received(journal: Path) -> list[str]:
    """Return the addresses whose mail came in, in order."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
    return [line["address"].partition("@")[0] for line in lines if line["kind"] == "received"]


def get(url: str) -> tuple[int, dict[str, str], str]:
    """Return status, headers and text of a page."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


def test_a_window_from_notice_to_end(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    roster, text = tmp_path / "roster.csv", tmp_path / "text.txt"
    roster.write_text(ROSTER, encoding="utf-8")
    text.write_text("本文\n", encoding="utf-8")
    with sinks("--domains", "1", "--journal", str(journal), "--net", "83") as ports:
        appliance = Appliance(tmp_path, dns=ports["dns"], port=ports["port"])
        appliance("households", "import", str(roster))
        with appliance.serving():
            pages = f"http://127.0.0.1:{appliance.web}"
            window = appliance("maintenance", "plan", "--from", moment(8), "--to", moment(18), "--lead", "1d")
            wait_for(lambda: sorted(received(journal)) == ["five", "four", "one", "three", "two"], 7.5)
            assert get(f"{pages}/r/nothing")[0] == 404
            wait_for(lambda: get(f"{pages}/r/nothing")[0] == 503)
            status, headers, page = get(f"{pages}/")
            assert status == 503
            assert 0 < int(headers["Retry-After"] if "Retry-After" in headers else headers["retry-after"]) <= 11
            assert "メンテナンス" in page
            assert get(f"{pages}/healthz")[0] == 200
            ordinary = appliance(*BROADCAST, str(text))["id"]
            urgent = appliance(*BROADCAST, str(text), "--urgent")["id"]
            wait_for(lambda: appliance("broadcast", "show", urgent)["accepted"] == 2, 4.0)
            assert appliance("broadcast", "show", ordinary)["waiting"] == 2
            wait_for(lambda: appliance("broadcast", "show", ordinary)["accepted"] == 2)
            assert get(f"{pages}/")[0] == 200
            assert appliance("maintenance", "show", window["id"])["id"] == window["id"]
