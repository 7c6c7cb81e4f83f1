"""Can an operator see and steer the queue by the command?"""

import json
import re
from datetime import UTC, datetime

import pytest

from mailer.schedule.outcome import Evidence, Outcome, SmtpSession, Verdict
from mailer.service import dispatch
from mailer.store.database import change, transaction
from tests.cli.town import Town


def queue(town: Town, *words: str) -> dict[str, str]:
    lines = town.done("--json", "queue", "list", *words).splitlines()
    return {item["id"]: item["state"] for item in map(json.loads, lines)}


def test_items_are_listed_by_what_they_have_in_common(town: Town, broadcast: str) -> None:
    assert queue(town) == {"Q1": "waiting", "Q2": "waiting"}
    assert queue(town, "--carrier", "docomo") == {"Q1": "waiting"}
    assert queue(town, "--site", "gmail.com") == queue(town, "--site", "google") == {"Q2": "waiting"}
    assert queue(town, "--broadcast", broadcast, "Q2") == {"Q2": "waiting"}
    assert queue(town, "--carrier", "au") == queue(town, "--broadcast", "B0") == {}
    assert queue(town, "--limit", "1") == {"Q1": "waiting"}
    assert "a..b@docomo.ne.jp" in town.done("queue", "list")


def test_a_carrier_without_items_is_not_the_whole_queue(town: Town, broadcast: str) -> None:
    assert town.json("queue", "hold", "--carrier", "au") == {"items": 0, "until": None, "urgent": 0, "under_way": 0}
    assert town.json("queue", "remove", "--site", "nowhere.example") == {"items": 0, "under_way": 0}
    assert set(queue(town).values()) == {"waiting"}


def test_items_are_held_with_a_reason_and_released(town: Town, broadcast: str) -> None:
    assert town.json("queue", "hold", "Q1", "--reason", "au is down") == {
        "items": 1,
        "until": None,
        "urgent": 0,
        "under_way": 0,
    }
    assert queue(town) == {"Q1": "held", "Q2": "waiting"}
    assert town.json("audit", "list", "--limit", "1")[0]["detail"]["why"] == "au is down"
    assert "Held by an operator." in town.done("queue", "show", "q1")
    assert town.json("queue", "release", "--all") == {"items": 1}
    assert town.json("queue", "flush") == {"items": 2, "suspended": 0}


def test_removed_items_stay_in_the_accounting(town: Town, broadcast: str) -> None:
    assert town.json("queue", "remove", "Q1") == {"items": 1, "under_way": 0}
    assert queue(town) == {"Q2": "waiting"}
    assert town.json("queue", "show", "Q1")["state"] == "cancelled"
    assert town.json("broadcast", "verify", broadcast)["ok"]


def test_the_whole_queue_is_not_steered_by_a_forgotten_option(town: Town, broadcast: str) -> None:
    for verb in ("hold", "release", "remove"):
        assert town.type("queue", verb).exit_code == 2
    assert set(queue(town).values()) == {"waiting"}


@pytest.mark.parametrize("verb", ["hold", "release", "remove", "flush"])
def test_items_that_there_are_not_are_named_and_nothing_is_half_done(town: Town, broadcast: str, verb: str) -> None:
    town.done("queue", "hold", "Q2")
    before = town.done("--json", "queue", "list")
    for form in ((), ("--json",)):
        result = town.type(*form, "queue", verb, "Q1", "qff", "Q2", "Q10", "QFF")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "Nothing was done: there is no queue item QFF, Q10." in result.stderr
    assert town.done("--json", "queue", "list") == before


@pytest.mark.parametrize("verb", ["flush", "hold", "release", "remove"])
def test_a_broadcast_that_there_is_not_is_named(town: Town, verb: str) -> None:
    words = ["--yes"] if verb == "remove" else []
    result = town.type("queue", verb, "--broadcast", "B0", *words)
    assert result.exit_code == 1
    assert "There is no broadcast or notice B0" in result.stderr


@pytest.mark.parametrize("name", ["Q0", "Q-1", "Q1_0", "Q8000000000000000", "Qx", "1"])
def test_what_cannot_be_a_queue_id_is_a_mistake_in_usage(town: Town, name: str) -> None:
    for verb in ("show", "hold"):
        result = town.type("queue", verb, name)
        assert result.exit_code == 2
        assert f"{name} is no queue id" in result.stderr
    assert town.type("queue", "show", "Q7FFFFFFFFFFFFFFF").exit_code == 1


def test_an_unknown_carrier_names_those_that_are(town: Town) -> None:
    result = town.type("queue", "list", "--carrier", "nttdocomo")
    assert result.exit_code == 2
    assert "docomo" in result.stderr


def test_mailq_looks_like_postfix(town: Town, broadcast: str) -> None:
    town.done("queue", "hold", "Q2")
    said = town.done("mailq").splitlines()
    assert said[0] == "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"
    assert said[1].startswith("Q1  ")
    assert said[1].endswith("t-daiichi@mail.mimamori-iwamizawa.jp")
    assert said[2] == " " * 41 + "a..b@docomo.ne.jp"
    assert any(line.startswith("Q2! ") for line in said)
    assert said[-1] == "-- 3 Kbytes in 2 Requests."


def test_mailq_has_the_lines_of_postqueue(town: Town, broadcast: str) -> None:
    entries = [json.loads(line) for line in town.done("mailq", "--json").splitlines()]
    assert [(one["queue_name"], one["queue_id"]) for one in entries] == [("incoming", "Q1"), ("incoming", "Q2")]
    assert entries[0]["recipients"] == [{"address": "a..b@docomo.ne.jp"}]


def test_an_empty_queue_says_so(town: Town) -> None:
    assert town.done("mailq") == "Mail queue is empty\n"
    assert town.done("--json", "mailq") == ""
    assert "Nothing waits" in town.done("queue", "list")


def test_the_status_counts_what_waits(town: Town, broadcast: str) -> None:
    status = town.json("status")
    assert (status["households"], status["addresses"], status["schools"]) == (3, 4, 11)
    assert status["queue"]["ordinary"]["waiting"] == 2
    assert status["last"]["id"] == broadcast
    assert status["store"]["free_octets"] > 0
    said = town.done("status")
    assert broadcast in said
    assert f"({town.directory}/state)" in said


def test_a_part_is_suspended_for_a_time_with_a_reason_and_resumed(town: Town, broadcast: str) -> None:
    told = town.json("queue", "suspend", "--carrier", "docomo", "--reason", "docomo工事", "--for", "2h")
    assert (told.pop("before"), told.pop("empty")) == (None, False)
    assert {told[name] for name in ("site", "domain", "school", "broadcast")} == {None}
    assert (told["carrier"], told["reason"], told["items"]) == ("docomo", "docomo工事", 1)
    assert town.json("queue", "suspended") == [told] == town.json("status")["suspended"]
    kept = {
        item["id"]: item["suspended"] for item in map(json.loads, town.done("queue", "list", "--json").splitlines())
    }
    assert kept == {"Q1": True, "Q2": False}
    for words in (["queue", "list"], ["queue", "suspended"], ["status"]):
        assert "docomo工事" in town.done(*words)
    assert "waiting, suspended" in town.done("queue", "show", "Q1")
    assert town.json("audit", "list", "--limit", "1")[0]["detail"]["why"] == "docomo工事"
    assert town.json("queue", "resume", "--site", "docomo") == {"resumed": 1, "items": 1}
    assert town.json("queue", "suspended") == []


def test_who_suspends_is_told_what_waits_and_may_expire(town: Town, broadcast: str) -> None:
    result = town.type("queue", "suspend", "--broadcast", broadcast)
    assert f"Suspended: broadcast {broadcast} (until it is resumed)." in result.stdout
    assert "Items that wait there: 2. They may expire" in result.stderr
    assert f"has no end of its own; “mimamori queue resume --broadcast {broadcast}” ends it." in result.stderr
    assert "Add --reason next time" in result.stderr
    result = town.type("queue", "suspend", "--domain", "gmail.com", "--for", "2h", "--reason", "工事")
    assert "Japan time)." in result.stdout
    assert "no end" not in result.stderr
    assert "--reason" not in result.stderr
    result = town.type("queue", "resume", "--broadcast", broadcast)
    assert "Items that nothing suspended keeps any longer: 1\n" in result.stderr


def test_who_holds_for_a_time_is_told_until_when_and_what_of_it_is_urgent(town: Town, broadcast: str) -> None:
    words = ("--all", "--subject", "x", "--text-file", "-", "--urgent")
    town.done("broadcast", "send", *words, stdin="x")
    result = town.type("queue", "hold", "--carrier", "docomo", "--for", "2h")
    assert re.search(r"Items held: 2 \(until 20..-..-.. ..:..:.. Japan time\)\.", result.stdout)
    assert "Urgent mail is held like any other: 1 of what" in result.stderr
    assert town.done("queue", "release", "--carrier", "docomo") == "Items released: 2\n"
    held = town.json("queue", "hold", "Q1", "--for", "90s")
    assert (held["items"], held["urgent"], held["until"]) == (1, 0, town.json("queue", "show", "Q1")["held_until"])
    assert "until they are released" in town.done("queue", "hold", "Q2")
    assert town.done("queue", "hold", "Q2") == "Items held: 0\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hold",), "Items held: 1 ("),
        (("remove", "--yes"), "Items removed: 1\n"),
        (("suspend",), "Suspended: broadcast"),
    ],
)
def test_what_is_under_way_is_told_apart_from_what_is_stopped(
    town: Town, broadcast: str, words: tuple[str, ...], said: str
) -> None:
    with town.office() as office, transaction():
        dispatch.claim(office, ["docomo.ne.jp"], 9, "w")
    for_people = town.type("queue", *words, "--broadcast", broadcast)
    assert said in for_people.stdout
    assert "Under way, and may still leave: 1." in for_people.stderr
    told = town.json("queue", *words, "--broadcast", broadcast)
    assert told["under_way"] == 1


@pytest.mark.parametrize("verb", ["hold", "suspend"])
@pytest.mark.parametrize("length", ["3651d", "9999999d", "999999h"])
def test_too_long_a_stop_is_told_as_such(town: Town, broadcast: str, verb: str, length: str) -> None:
    result = town.type("queue", verb, "--broadcast", broadcast, "--for", length)
    assert result.exit_code == 2
    assert f"'--for': '{length}' is too long: at most 3650d." in result.stderr


def test_who_resumes_what_is_not_suspended_is_told_so(town: Town, broadcast: str) -> None:
    assert town.done("queue", "resume", "--school", "t-daini") == "Nothing is suspended.\n"
    assert town.done("queue", "suspended") == "Nothing is suspended.\n"
    town.done("queue", "suspend", "--domain", "GMAIL.com", "--school", "t-daiichi")
    result = town.type("queue", "resume", "--domain", "gmail.com")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "domain gmail.com is not suspended. What is: domain gmail.com, school t-daiichi" in result.stderr
    assert "Resumed: domain gmail.com, school t-daiichi" in town.done("queue", "resume", "--all")


@pytest.mark.parametrize(
    "words", [[], ["--carrier", "nttdocomo"], ["--school", "t-sanban"], ["--domain", "localhost"], ["--for", "1h"]]
)
def test_what_is_suspended_is_named_rightly(town: Town, words: list[str]) -> None:
    assert town.type("queue", "suspend", *words).exit_code == 2
    assert town.json("queue", "suspended") == []


def test_a_broadcast_that_there_is_not_is_not_suspended(town: Town) -> None:
    result = town.type("queue", "suspend", "--broadcast", "B0")
    assert (result.exit_code, "There is no broadcast or notice B0" in result.stderr) == (1, True)


def test_items_are_held_for_a_time(town: Town, broadcast: str) -> None:
    held = town.json("queue", "hold", "--school", "t-daiichi", "--domain", "gmail.com", "--for", "1h")
    assert held["items"] == 1
    assert town.json("queue", "show", "Q2")["held_until"] == held["until"] is not None
    assert "held until" in town.done("queue", "show", "Q2")
    assert town.json("queue", "release", "--domain", "gmail.com") == {"items": 1}
    assert town.json("queue", "show", "Q2")["held_until"] is None


def test_an_item_that_may_be_there_twice_is_marked(town: Town, broadcast: str) -> None:
    assert "possibly twice" not in town.done("queue", "show", "Q1") + town.done("broadcast", "show", broadcast)
    assert town.json("broadcast", "show", broadcast)["possible_duplicates"] == 0
    with town.office():
        change("UPDATE queue_item SET possible_duplicate = 1 WHERE id = 1")
    assert re.search("^state +waiting \\(possibly twice\\)$", town.done("queue", "show", "Q1"), re.MULTILINE)
    assert "waiting (possibly twice)" in town.done("queue", "list")
    assert "waiting (possibly twice)" in town.done("broadcast", "recipients", broadcast)
    assert "Mail that may be there twice: 1 of these." in town.done("broadcast", "show", broadcast)
    assert town.json("broadcast", "show", broadcast)["possible_duplicates"] == 1
    assert town.json("broadcast", "list")[0]["possible_duplicates"] == 1


def test_removed_items_are_requeued_with_a_new_deadline(town: Town, broadcast: str) -> None:
    town.done("queue", "remove", "Q1", "--yes")
    before = town.json("queue", "show", "Q1")["expires_at"]
    assert town.json("queue", "requeue", "Q1", "Q2", "--expires", "9d", "--reason", "直した") == {
        "items": 1,
        "left": {"waiting": 1},
    }
    shown = town.json("queue", "show", "Q1")
    assert (shown["state"], shown["possible_duplicate"]) == ("waiting", False)
    assert shown["expires_at"] > before
    assert town.json("broadcast", "verify", broadcast)["ok"]
    result = town.type("queue", "requeue", "Q1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Nothing was requeued. Left as they are: waiting 1. What waits or is being sent is tried" in result.stderr
    assert town.type("queue", "requeue").exit_code == 2


def test_requeueing_what_was_accepted_names_the_option_that_it_wants(town: Town, broadcast: str) -> None:
    now = datetime(2026, 4, 10, 6, 0, tzinfo=UTC)
    taken = Outcome(Verdict.ACCEPTED, Evidence("eod", "mx[192.0.2.1]:25", code=250, text="ok"), now)
    with town.office() as office, transaction():
        dispatch.claim(office, ["docomo.ne.jp"], 9, "w")
        dispatch.settle(office, [(1, 1, taken)])
    result = town.type("queue", "requeue", "Q1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "accepted by the carrier 1. What was accepted goes a second time only with --again." in result.stderr
    result = town.type("--json", "queue", "requeue", "Q1")
    assert (result.exit_code, json.loads(result.stdout)) == (1, {"items": 0, "left": {"accepted": 1}})
    assert town.json("queue", "requeue", "Q1", "--again") == {"items": 1, "left": {}}


def test_what_an_operator_did_hides_no_reply(town: Town, broadcast: str) -> None:
    now = datetime(2026, 4, 10, 6, 0, tzinfo=UTC)
    full = Evidence("rcpt", "mx[192.0.2.1]:25", code=452, enhanced="4.2.2", text="mailbox full", reason="mailbox_full")
    with town.office() as office, transaction():
        dispatch.claim(office, ["docomo.ne.jp"], 9, "w")
        dispatch.settle(office, [(1, 1, Outcome(Verdict.DEFERRED, full, now, now))])

    def listed() -> tuple[dict[str, object], str]:
        words = ("broadcast", "recipients", broadcast, "--unreached")
        rows = [json.loads(line) for line in town.done(*words, "--json").splitlines()]
        lines = town.done(*words).splitlines()
        return rows[0], next(line for line in lines if line.startswith("Q1"))

    town.done("queue", "hold", "Q1")
    row, line = listed()
    evidence = row["evidence"]
    assert isinstance(evidence, dict)
    told = {name: evidence[name] for name in ("code", "text", "reason", "reading")}
    assert told == {"code": 452, "text": "mailbox full", "reason": "held_by_operator", "reading": "mailbox_full"}
    assert re.search(r"held for a person .*Held by an operator\. 452 mailbox full \[quota exceeded\]", line)
    town.done("queue", "release", "Q1")
    assert re.search(r"452 mailbox full \[quota exceeded\]", listed()[1])
    town.done("queue", "suspend", "--carrier", "docomo", "--reason", "工事")
    row, line = listed()
    assert row["suspended"] is True
    assert re.search(r"waiting for another try, suspended .*452 mailbox full \[", line)
    assert re.search(r"suspended by cli:\S+: 工事; host mx\[192.0.2.1\]:25 said: 452 mailbox full", town.done("mailq"))


def test_what_is_under_way_for_the_last_time_says_so(town: Town, broadcast: str) -> None:
    with town.office() as office, transaction():
        dispatch.claim(office, ["docomo.ne.jp"], 9, "w")
    assert town.json("queue", "show", "Q1")["stopping"] is None
    town.done("queue", "hold", "Q1")
    shown = town.json("queue", "show", "Q1")
    assert (shown["state"], shown["stopping"], shown["next_attempt_at"]) == ("waiting", "held_by_operator", None)
    listed = [json.loads(line)["stopping"] for line in town.done("--json", "queue", "list").splitlines()]
    assert listed == ["held_by_operator", None]
    assert town.done("queue", "list").count("waiting, being stopped") == 1
    assert re.search(r"no further try +Held by an operator\.", town.done("queue", "show", "Q1"))
    town.done("queue", "release", "Q1")
    assert "being stopped" not in town.done("queue", "list") + town.done("queue", "show", "Q1")


def test_the_conversation_of_each_attempt_is_shown(town: Town, broadcast: str) -> None:
    now = datetime(2026, 4, 10, 6, 0, tzinfo=UTC)
    session = SmtpSession(7, "mx[192.0.2.1]:25", now, 12, "ours", "", "c 20 220 mx\nh 30 250 mx")
    refused = Outcome(
        Verdict.REFUSED, Evidence("rcpt", "mx[192.0.2.1]:25", code=550, text="no\nsuch user", reason="x"), now
    )
    silent = Outcome(Verdict.DEFERRED, Evidence("rcpt", "mx[192.0.2.1]:25", text="timeout", reason="x"), now, now)
    with town.office() as office, transaction():
        dispatch.claim(office, ["docomo.ne.jp", "gmail.com"], 9, "w")
        dispatch.settle(office, [(1, 1, refused.told(session, "2531\nm 40 250 ok\nr 45"))])
        dispatch.settle(office, [(2, 1, silent.told(session, "2531\nm 40 250 ok"))])
    said = town.done("queue", "show", "Q1")
    for line in ("220 mx", "EHLO ours", "MAIL FROM:<", 'RCPT TO:<"a..b"@docomo.ne.jp>', "550-no", "550 such user"):
        assert line in said
    assert "2026-04-10 15:00:00.045  server" in said
    attempt = town.json("queue", "show", "Q1")["attempts"][0]
    assert attempt["session"] == {"peer": "mx[192.0.2.1]:25", "began": "2026-04-10T15:00:00.000+09:00", "tls": ""}
    assert attempt["transcript"][0] == {
        "at": "2026-04-10T15:00:00.012+09:00",
        "by": "connect",
        "text": "mx[192.0.2.1]:25",
    }
    assert "The server did not answer in time." in town.done("queue", "show", "Q2")
    with town.office() as office, transaction():
        dispatch.claim(office, ["gmail.com"], 9, "w")
    assert "it is under way" in town.done("queue", "show", "Q2")
    with town.office() as office, transaction():
        dispatch.recover(office, None)
    assert "it was never settled; what was said is not known." in town.done("queue", "show", "Q2")


def test_a_reply_is_shown_on_one_line_with_its_status_once(town: Town, broadcast: str) -> None:
    now = datetime(2026, 4, 10, 6, 0, tzinfo=UTC)
    text = "5.7.1 Our system\n5.7.1 has detected"
    blocked = Evidence("rcpt", "mx[192.0.2.1]:25", code=550, enhanced="5.7.1", text=text, reason="source_blocked")
    with town.office() as office, transaction():
        dispatch.claim(office, ["docomo.ne.jp"], 9, "w")
        dispatch.settle(office, [(1, 1, Outcome(Verdict.DEFERRED, blocked, now, now))])
    once = "550 5.7.1 Our system has detected"
    for words in (["queue", "list"], ["queue", "show", "Q1"], ["mailq"], ["broadcast", "recipients", broadcast]):
        assert once in town.done(*words), words
