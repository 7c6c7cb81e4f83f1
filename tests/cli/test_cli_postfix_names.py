"""Do the links with Postfix's names do what somebody expects who knows Postfix?"""

import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.postfix_names import PROGRAMS, program
from mailer.schedule.queue_id import queue_number
from mailer.store.database import transaction
from mailer.store.models import QueueItem
from tests.cli.town import Town

ROOT = Path(__file__).resolve().parents[2]


def call(town: Town, name: str, *words: str, stdin: str | None = None) -> Result:
    """Call a program as its link does."""
    result = CliRunner().invoke(
        program(f"/usr/local/libexec/mimamori/{name}")[1], words, input=stdin, env={"MIMAMORI_CONFIG": str(town.config)}
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def states(town: Town) -> dict[str, str]:
    numbers = ("Q1", "Q2")
    return {number: town.json("queue", "show", number)["state"] for number in numbers}


def tried(town: Town, name: str) -> None:
    """Let an item look as if an attempt at it had been made."""
    with town.office(), transaction():
        QueueItem.update(attempts=1).where(QueueItem.id == int(queue_number(name))).execute()


@pytest.mark.parametrize("name", PROGRAMS)
def test_options_that_are_not_served_are_mistakes_in_usage(town: Town, name: str) -> None:
    for words in (["-c", "/etc/postfix"], ["-X"], ["elsewhere"]):
        assert call(town, name, *words).exit_code == 2


def test_a_link_is_the_program_of_its_name(town: Town, tmp_path: Path) -> None:
    script = tmp_path / "mimamori"
    script.write_text(f"#!{sys.executable}\nfrom mailer.cli import main\nmain()\n")
    script.chmod(0o755)
    (tmp_path / "mailq").symlink_to(script)
    own = {**os.environ, "PYTHONPATH": str(ROOT), "MIMAMORI_CONFIG": str(town.config)}
    said = subprocess.run([tmp_path / "mailq"], env=own, capture_output=True, text=True, check=True)
    assert said.stdout == "Mail queue is empty\n"
    said = subprocess.run([script, "mailq"], env=own, capture_output=True, text=True, check=True)
    assert said.stdout == "Mail queue is empty\n"


def test_the_installer_makes_a_link_for_each_name() -> None:
    script = (ROOT / "deploy" / "install.sh").read_text(encoding="utf-8")
    found = re.search(r"for name in ([a-z ]+); do\n    ln -sf .*/libexec/mimamori/", script)
    assert found is not None
    assert set(found[1].split()) == set(PROGRAMS)


def test_the_queue_is_listed_in_columns_and_as_json_lines(town: Town, broadcast: str) -> None:
    town.done("queue", "suspend", "--domain", "gmail.com", "--reason", "工事")
    assert call(town, "mailq", "-v").stdout == call(town, "postqueue", "-vp").stdout == town.done("mailq")
    assert call(town, "mailq").stdout == call(town, "postqueue", "-p").stdout == town.done("mailq")
    entries = [json.loads(line) for line in call(town, "postqueue", "-j").stdout.splitlines()]
    assert [entry["queue_id"] for entry in entries] == ["Q1", "Q2"]
    assert set(entries[0]) == {
        "queue_name",
        "queue_id",
        "arrival_time",
        "message_size",
        "forced_expire",
        "sender",
        "recipients",
    }
    assert re.fullmatch(r"suspended by cli:\S+: 工事", entries[1]["recipients"][0]["delay_reason"])


@pytest.mark.parametrize(
    ("words", "items"),
    [(["-f"], 2), (["-s", "gmail.com"], 1), (["-s", "docomo"], 1), (["-s", "x.example"], 0), (["-i", "Q2"], 1)],
)
def test_postqueue_flushes_all_or_a_site_or_an_item(town: Town, broadcast: str, words: list[str], items: int) -> None:
    assert call(town, "postqueue", *words).exit_code == 0
    entry = town.json("audit", "list", "--limit", "1")[0]
    assert (entry["action"], entry["detail"]["items"]) == ("queue.flush", items)


@pytest.mark.parametrize("words", [[], ["-p", "-j"], ["-f", "-i", "Q1"], ["-i", "1"]])
def test_postqueue_wants_exactly_one_order(town: Town, words: list[str]) -> None:
    assert call(town, "postqueue", *words).exit_code == 2


def test_postsuper_holds_releases_requeues_and_deletes(town: Town, broadcast: str) -> None:
    assert call(town, "postsuper", "-h", "Q1").stderr == "postsuper: Placed on hold: 1 message\n"
    assert states(town) == {"Q1": "held", "Q2": "waiting"}
    assert call(town, "postsuper", "-H", "ALL").stderr == "postsuper: Released from hold: 1 message\n"
    assert call(town, "postsuper", "-h", "-", stdin="Q1\nQ2 rest\n\n").exit_code == 0
    assert states(town) == {"Q1": "held", "Q2": "held"}
    assert call(town, "postsuper", "-r", "ALL").stderr == "postsuper: Requeued: 2 messages\n"
    assert call(town, "postsuper", "-d", "Q1", "-h", "Q2").exit_code == 0
    assert states(town) == {"Q1": "cancelled", "Q2": "held"}
    assert call(town, "postsuper", "-d", "ALL").stderr == "postsuper: Deleted: 1 message\n"
    assert town.json("broadcast", "verify", broadcast)["ok"]


def test_postsuper_names_what_there_is_not(town: Town, broadcast: str) -> None:
    result = call(town, "postsuper", "-d", "Q1", "-d", "Q9")
    assert (result.exit_code, "there is no queue item Q9" in result.stderr) == (1, True)
    assert states(town) == {"Q1": "waiting", "Q2": "waiting"}
    assert call(town, "postsuper", "-d", "x").exit_code == 2


def test_postcat_shows_the_mail_as_it_leaves_but_unsigned(town: Town, broadcast: str) -> None:
    result = call(town, "postcat", "-q", "Q1")
    assert "without the DKIM signatures" in result.stderr
    assert "*** ENVELOPE RECORDS incoming/Q1 ***\n" in result.stdout
    assert "recipient: a..b@docomo.ne.jp\n" in result.stdout
    assert "DKIM-Signature" not in result.stdout
    assert call(town, "postcat", "-h", "-q", "Q1").stdout.replace("\r", "").startswith('To: "a..b"@docomo.ne.jp\n')
    body = b64decode(call(town, "postcat", "-b", "-q", "Q1").stdout).decode()
    assert body.startswith("駅前に不審者が出ました。")
    assert "http://127.0.0.1:8080/r/" in body
    assert call(town, "postcat", "-q", "Q9").exit_code == 1


def test_mailq_and_postcat_tell_one_size(town: Town, broadcast: str) -> None:
    entries = [json.loads(line) for line in town.done("mailq", "--json").splitlines()]
    sizes = {entry["queue_id"]: entry["message_size"] for entry in entries}
    for name, size in sizes.items():
        assert f"message_size: {size}\n" in call(town, "postcat", "-e", "-q", name).stdout
        assert size > len(call(town, "postcat", "-h", "-b", "-q", name).stdout_bytes) > 500
    assert sum(sizes.values()) // 1024 == int(re.findall(r"-- (\d+) Kbytes in 2 Requests", town.done("mailq"))[0])


def test_qshape_counts_by_age_and_domain_or_carrier(town: Town, broadcast: str) -> None:
    lines = call(town, "qshape").stdout.splitlines()
    assert lines[0].split() == ["T", "5", "10", "20", "40", "80", "160", "320", "640", "1280", "1280+"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["TOTAL", "2", "2"],
        ["docomo.ne.jp", "1", "1"],
        ["gmail.com", "1", "1"],
    ]
    town.done("queue", "hold", "Q1")
    lines = call(town, "qshape", "--carrier", "-b", "3", "-t", "10", "-l", "hold").stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["T", "10", "20", "20+"],
        ["TOTAL", "1", "1", "0", "0"],
        ["docomo", "1", "1", "0", "0"],
    ]
    assert call(town, "qshape", "deferred").stdout.splitlines()[1].split() == ["TOTAL"] + ["0"] * 11


def test_postsuper_means_the_queues_that_stand_after_all(town: Town, broadcast: str) -> None:
    assert call(town, "postsuper", "-h", "ALL", "deferred").stderr == "postsuper: Placed on hold: 0 messages\n"
    assert call(town, "postsuper", "-h", "Q1", "incoming", "deferred").stderr.endswith(" 1 message\n")
    assert call(town, "postsuper", "-r", "ALL", "hold").stderr == "postsuper: Requeued: 1 message\n"
    assert states(town) == {"Q1": "waiting", "Q2": "waiting"}
    tried(town, "Q2")
    assert call(town, "postsuper", "-h", "Q2", "-r", "ALL", "hold", "deferred").stderr.endswith(" 1 message\n")
    assert call(town, "postsuper", "-d", "ALL", "deferred").stderr == "postsuper: Deleted: 1 message\n"
    assert states(town) == {"Q1": "waiting", "Q2": "cancelled"}


def test_what_a_suspension_keeps_is_told_to_who_has_it_tried(town: Town, broadcast: str) -> None:
    town.done("queue", "suspend", "--domain", "gmail.com")
    for words in (["postqueue", "-f"], ["postqueue", "-i", "Q2"], ["postsuper", "-r", "ALL"]):
        assert "Suspended, and not tried before that ends: 1." in call(town, *words).stderr
    assert call(town, "postqueue", "-i", "Q1").stderr == ""


def test_postsuper_says_which_queues_there_are(town: Town, broadcast: str) -> None:
    result = call(town, "postsuper", "-d", "ALL", "corrupt")
    assert result.exit_code == 2
    assert "no queue corrupt here. There are: incoming" in result.stderr
    assert states(town) == {"Q1": "waiting", "Q2": "waiting"}
    assert call(town, "postsuper", "-d", "Q1", "Q2").exit_code == 2


def test_postcat_takes_grouped_options_and_many_items(town: Town, broadcast: str) -> None:
    header = call(town, "postcat", "-h", "-q", "Q1").stdout
    assert call(town, "postcat", "-qh", "Q1").stdout == call(town, "postcat", "-vhq", "Q1").stdout == header
    assert call(town, "postcat", "-q", "Q1", "-h").stdout == header
    assert call(town, "postcat", "-beq", "Q1").stdout.startswith("message_size: ")
    assert call(town, "postcat", "-q", "Q1", "Q2").stdout.count("*** ENVELOPE RECORDS ") == 2
    assert call(town, "postcat", "-q", "Q1", "Q9").exit_code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["postcat", "Q1"], "no queue files here"),
        (["postcat", "-q"], "no queue files here"),
        (["postcat", "-oq", "Q1"], "-o: There are no queue files here"),
        (["postcat", "-c", "/etc/postfix", "-q", "Q1"], "MIMAMORI_CONFIG"),
        (["postsuper", "-e", "ALL"], "-d gives an item up"),
        (["postsuper", "-s"], "need repair"),
        (["postqueue", "-c", "/etc/postfix", "-p"], "MIMAMORI_CONFIG"),
        (["qshape", "-c", "/etc/postfix"], "MIMAMORI_CONFIG"),
        (["qshape", "bounce"], "no queue bounce here"),
    ],
)
def test_what_only_postfix_has_is_refused_with_a_reason(
    town: Town, broadcast: str, words: list[str], said: str
) -> None:
    result = call(town, *words)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_qshape_counts_by_sender_and_parent_domain(town: Town, broadcast: str) -> None:
    tried(town, "Q2")
    rows = [line.split()[:3] for line in call(town, "qshape", "-s", "incoming", "deferred").stdout.splitlines()[1:]]
    assert rows == [["TOTAL", "2", "2"], ["mail.mimamori-iwamizawa.jp", "2", "2"]]
    rows = [line.split()[:2] for line in call(town, "qshape", "-p", "-m", "1").stdout.splitlines()[1:]]
    assert rows == [["TOTAL", "1"], [".ne.jp", "1"], ["docomo.ne.jp", "1"]]
    assert len(call(town, "qshape", "-p").stdout.splitlines()) == 3
    assert len(call(town, "qshape", "-n", "1", "-N", "1000", "incoming", "deferred").stdout.splitlines()) == 3
    lines = call(town, "qshape", "-sp", "-m1").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["TOTAL", ".mimamori-iwamizawa.jp", "mail.mimamori-iwamizawa.jp"]
    assert call(town, "qshape", "--carrier", "-p").exit_code == 2


def test_qshape_is_as_wide_as_wanted(town: Town, broadcast: str) -> None:
    lines = call(town, "qshape", "-w", "120").stdout.splitlines()
    assert {len(line) for line in lines} == {120}
    lines = call(town, "qshape", "-s", "-w", "1").stdout.splitlines()
    assert lines[2].startswith("+mori-iwamizawa.jp 2")
