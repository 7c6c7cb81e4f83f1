"""Can staff send, follow, cancel and prove a broadcast by the command?"""

import json
import re
from datetime import timedelta

import pytest

from config.schools import SHIPPED
from mailer.schedule.queue_id import queue_number
from mailer.service import dispatch
from mailer.store.database import open_store, transaction
from mailer.store.models import Announcement, QueueItem, database
from tests.cli.town import Town

TOLD = ("waiting", "accepted", "deferred", "refused", "expired", "cancelled", "held")


def test_what_is_sent_has_the_words_of_the_surface(town: Town) -> None:
    text = town.write("text.txt", "本文\n")
    sent = town.json(
        *("broadcast", "send", "--school", "t-daini", "--school", "t-daiichi", "--subject", "件名", "--text-file", text)
    )
    assert sent.pop("id").startswith("B")
    assert sent == {
        "schools": ["t-daiichi", "t-daini"],
        "households": 2,
        "recipients": 2,
        "excluded": {"option_off": 1, "slot_3_or_4": 1},
        "not_before": None,
        "suspended": 0,
    }


def test_who_waits_because_of_a_stop_is_told(town: Town) -> None:
    town.done("queue", "suspend", "--carrier", "docomo", "--reason", "工事")
    words = ("broadcast", "send", "--all", "--subject", "x", "--text-file", "-")
    result = town.type(*words, stdin="x")
    assert result.stderr.startswith("1 addresses wait because this is suspended: carrier docomo; see")
    assert town.json(*words, "--urgent", stdin="x")["suspended"] == 1
    town.done("queue", "resume", "--all")
    assert "wait because" not in town.type(*words, stdin="x").stderr


def test_people_are_told_that_it_was_accepted_for_sending(town: Town) -> None:
    said = town.done("broadcast", "send", "--all", "--subject", "x", "--text-file", "-", stdin="本文")
    assert "Accepted for sending: B" in said
    assert "2 recipients of 2 households" in said


@pytest.mark.parametrize("content", ["﨑①～".encode("cp932"), b"\xef\xbb\xbf" + "﨑①～".encode(), "﨑①～".encode()])
def test_the_text_may_be_utf8_or_cp932(town: Town, content: bytes) -> None:
    town.done("broadcast", "send", "--all", "--subject", "x", "--text-file", town.write("text.txt", content))
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    assert Announcement.get().text == "﨑①～"
    database.close()


def test_a_text_of_no_known_charset_is_refused(town: Town) -> None:
    damaged = "一行目\n二行目".encode()[:-1]
    result = town.type("broadcast", "send", "--all", "--subject", "x", "--text-file", "-", stdin=damaged)
    assert result.exit_code == 1
    assert "Line 2" in result.stderr


@pytest.mark.parametrize("to", [(), ("--all", "--city", "takikawa"), ("--all", "--school", "t-daini")])
def test_it_must_be_said_to_whom_once(town: Town, to: tuple[str, ...]) -> None:
    result = town.type("broadcast", "send", *to, "--subject", "x", "--text-file", "-", stdin="x")
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--city", "yubari"), "no open school in yubari"),
        (("--all", "--subject", "a\nb"), "one line"),
        (("--school", "t-toei"), "no address is eligible"),
    ],
)
def test_refusals_say_why(town: Town, words: tuple[str, ...], said: str) -> None:
    result = town.type("broadcast", "send", "--subject", "x", "--text-file", "-", *words, stdin="x")
    assert result.exit_code == 1
    assert said in result.stderr
    assert town.json("broadcast", "list") == []


@pytest.mark.parametrize(
    ("key", "words", "done"),
    [
        ("broadcasts", ("--all",), False),
        ("broadcasts", ("--city", "takikawa"), False),
        ("broadcasts", ("--school", "t-daini"), False),
        ("receipts", ("--all", "--receipt"), False),
        ("receipts", ("--all",), True),
    ],
)
def test_what_a_city_does_not_use_is_refused(town: Town, key: str, words: tuple[str, ...], done: bool) -> None:
    shipped = SHIPPED.read_text(encoding="utf-8")
    label = 'label = "滝川市"\n'
    own = town.write("schools.toml", re.sub(f"({label}(?:.*\n)*?{key} = )true", r"\1false", shipped, count=1))
    town.config.write_text(f'{town.config.read_text()}[schools]\nfile = "{own}"\n')
    result = town.type("broadcast", "send", *words, "--subject", "x", "--text-file", "-", stdin="x")
    assert result.exit_code == (0 if done else 1)
    assert (f"(滝川市: [city.takikawa] {key} = false)" in result.stderr) is not done
    assert len(town.json("broadcast", "list")) == done


@pytest.mark.parametrize(
    ("option", "value"), [("--at", "2026-13-01T00:00"), ("--expires", "soon"), ("--city", "tokyo")]
)
def test_what_cannot_be_read_is_a_mistake_in_usage(town: Town, option: str, value: str) -> None:
    result = town.type("broadcast", "send", "--subject", "x", "--text-file", "-", option, value, stdin="x")
    assert result.exit_code == 2
    assert value in result.stderr


def test_an_hour_that_is_over_sends_nothing(town: Town) -> None:
    words = ("broadcast", "send", "--all", "--subject", "x", "--text-file", "-", "--at")
    result = town.type(*words, "2020-04-01T08:00", stdin="x")
    assert result.exit_code == 2
    assert "--at 2020-04-01 08:00" in result.stderr
    assert "leave --at out" in result.stderr
    assert town.json("broadcast", "list") == []
    with town.office() as office:
        this_minute = office.clock() - timedelta(seconds=30)
    town.done(*words, this_minute.isoformat(), stdin="x")


def test_times_and_durations_are_taken(town: Town) -> None:
    words = ("--all", "--subject", "x", "--text-file", "-", "--at", "2099-01-01T08:00", "--expires", "2h", "--urgent")
    shown = town.json("broadcast", "show", town.json("broadcast", "send", *words, stdin="x")["id"])
    assert (shown["not_before"], shown["expires_at"]) == ("2099-01-01T08:00:00+09:00", "2099-01-01T10:00:00+09:00")
    assert (shown["lane"], shown["state"]) == ("safety", "scheduled")


def test_who_sends_later_is_told_when_it_leaves(town: Town) -> None:
    words = ("broadcast", "send", "--all", "--subject", "x", "--text-file", "-")
    assert "leaves" not in town.done(*words, stdin="x")
    assert town.json(*words, stdin="x")["not_before"] is None
    later = (*words, "--at", "2099-01-01T08:00+02:00")
    said = town.done(*later, stdin="x")
    assert "It leaves on 2099-01-01 15:00:00 Japan time; until then" in said
    assert town.json(*later, stdin="x")["not_before"] == "2099-01-01T15:00:00+09:00"


def test_the_figures_add_up(town: Town, broadcast: str) -> None:
    shown = town.json("broadcast", "show", broadcast)
    assert sum(shown[word] for word in TOLD) == shown["recipients"] == 2
    assert shown["confirmed"] + shown["machine_only"] + shown["not_opened"] == shown["households"] == 2
    assert town.json("broadcast", "list") == [shown]
    said = town.done("broadcast", "show", broadcast)
    assert "滝川第一小学校" in said
    assert "slot 3 or 4" in said


def test_who_was_not_reached_is_a_list_of_its_own(town: Town, broadcast: str) -> None:
    everybody = town.done("--json", "broadcast", "recipients", broadcast).splitlines()
    assert town.done("--json", "broadcast", "recipients", broadcast, "--unreached").splitlines() == everybody
    first = json.loads(everybody[0])["queue_id"]
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        QueueItem.update(state="accepted").where(QueueItem.id == queue_number(first)).execute()
    database.close()
    assert town.done("--json", "broadcast", "recipients", broadcast, "--unreached").splitlines() == everybody[1:]


def test_recipients_come_as_json_lines(town: Town, broadcast: str) -> None:
    rows = [json.loads(line) for line in town.done("--json", "broadcast", "recipients", broadcast).splitlines()]
    assert [row["address"] for row in rows] == ["a..b@docomo.ne.jp", "hanako@gmail.com"]
    assert set(rows[0]) >= {"address", "slots", "households", "state", "possible_duplicate", "evidence"}
    assert "a..b@docomo.ne.jp" in town.done("broadcast", "recipients", broadcast)


def test_the_accounting_is_proved_and_disproved(town: Town, broadcast: str) -> None:
    assert town.json("broadcast", "verify", broadcast) == {"id": broadcast, "ok": True, "problems": []}
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        QueueItem.get_by_id(1).delete_instance()
    database.close()
    result = town.type("--json", "broadcast", "verify", broadcast)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"]


def test_what_has_not_left_is_cancelled(town: Town, broadcast: str) -> None:
    cancelled = town.json("broadcast", "cancel", broadcast)
    assert (cancelled["stopped"], cancelled["state"], cancelled["cancelled"]) == (2, "cancelled", 2)


def test_what_is_under_way_when_it_is_cancelled_is_told_apart(town: Town, broadcast: str) -> None:
    with town.office() as office, transaction():
        dispatch.claim(office, ["docomo.ne.jp"], 9, "w")
    said = town.done("broadcast", "cancel", broadcast, "--yes")
    assert f"{broadcast} is cancelled. Recipients it will not go to any more: 1. Accepted before: 0." in said
    assert "Under way, and may still leave: 1." in said


def test_programs_are_told_what_is_under_way_when_it_is_cancelled(town: Town, broadcast: str) -> None:
    with town.office() as office, transaction():
        dispatch.claim(office, ["docomo.ne.jp"], 9, "w")
    told = town.json("broadcast", "cancel", broadcast)
    assert (told["stopped"], told["under_way"], told["more"]) == (1, 1, False)


def test_cancelling_too_late_says_so_and_changes_nothing(town: Town, broadcast: str) -> None:
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        QueueItem.update(state="accepted", attempts=1).execute()
    database.close()
    before = town.json("broadcast", "show", broadcast)
    late = town.type("broadcast", "cancel", broadcast)
    assert late.exit_code == 1
    assert f"Nothing of {broadcast} was left to cancel; it stays as it was: finished, accepted 2." in late.stderr
    assert late.stdout == ""
    for_programs = town.type("--json", "broadcast", "cancel", broadcast)
    assert for_programs.exit_code == 1
    assert json.loads(for_programs.stdout) == {**before, "stopped": 0, "under_way": 0, "more": False}
    assert town.json("broadcast", "show", broadcast) == before


def test_waiting_ends_when_nothing_waits(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def mailer_works(_seconds: float) -> None:
        with transaction():
            QueueItem.update(state="accepted", attempts=1).execute()

    monkeypatch.setattr("time.sleep", mailer_works)
    words = ("broadcast", "send", "--all", "--subject", "x", "--text-file", "-", "--wait")
    shown = town.json(*words, stdin="x")
    assert (shown["state"], shown["accepted"], shown["waiting"]) == ("finished", 2, 0)
    assert "accepted by the carrier" in town.done(*words, stdin="x")


def test_without_a_key_nothing_is_sent(town: Town) -> None:
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        database.execute_sql("UPDATE dkim_key SET state = 'retired'")
    database.close()
    result = town.type("broadcast", "send", "--all", "--subject", "x", "--text-file", "-", stdin="x")
    assert result.exit_code == 1
    assert "DKIM key" in result.stderr


def test_who_stops_waiting_is_told_that_it_goes_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def control_c(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", control_c)
    result = town.type("broadcast", "send", "--all", "--subject", "x", "--text-file", "-", "--wait", stdin="x")
    assert result.exit_code == 1
    assert "goes on" in result.stderr
    assert town.json("broadcast", "list")[0]["state"] == "sending"
