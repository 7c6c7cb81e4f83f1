"""Do staff see who rests, whom to call, and can they have an address tried again?"""

import csv
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mailer.carrier.wave import Lot
from mailer.language import use
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import dispatch, suspension, wave
from mailer.service.office import Office
from mailer.store.database import transaction
from mailer.store.models import QueueItem
from tests.appliance import Appliance, sinks
from tests.cli.town import HEADER, Town

DEAD = "unknown-dead@d01.example"
ROSTER = f"""{HEADER}
t-daiichi,2,1組,滝川一郎,=滝川花子,hanako,dead@docomo.ne.jp,full@gmail.com,grandma@example.co.jp,,1
t-daiichi,1,1組,滝川二郎,滝川花子,hanako2,dead@docomo.ne.jp,good@gmail.com,,,1
t-daini,3,2組,空知三郎,空知太郎,taro,-dead@ezweb.ne.jp,,,,1
t-daini,1,1組,空知四郎,空知太郎,taro4,,,family@example.co.jp,,1
t-daini,1,1組,空知五郎,空知太郎,taro5,dead@docomo.ne.jp,,,,0
"""
SAID = {
    "dead@docomo.ne.jp": (
        "hard",
        Evidence("rcpt", "mx", code=550, enhanced="5.1.1", text="Unknown user", reason="address_unknown"),
    ),
    "-dead@ezweb.ne.jp": (
        "hard",
        Evidence("rcpt", "mx", code=550, enhanced="5.1.1", text="Unknown\x1b[2J user", reason="address_unknown"),
    ),
    "full@gmail.com": (
        "soft",
        Evidence("rcpt", "mx", code=552, enhanced="5.2.2", text="over quota", reason="mailbox_full"),
    ),
}


@pytest.fixture
def followed(bare_town: Town) -> Town:
    """A town after two broadcasts at which some addresses were refused, a little later."""
    bare_town.done("init")
    bare_town.done("households", "import", bare_town.write("roster.csv", ROSTER))
    text = bare_town.write("text.txt", "不審者\n")
    for _ in range(2):
        bare_town.done("broadcast", "send", "--all", "--subject", "不審者情報", "--text-file", text)
        with bare_town.office() as office:
            hand_over(office)
    with bare_town.office() as office:
        judge_later(office)
    return bare_town


def hand_over(office: Office) -> None:
    domains = {one.domain for one in QueueItem.select(QueueItem.domain)}
    with transaction():
        ends = []
        for one in dispatch.claim(office, domains, 100, "w0"):
            kind, said = SAID.get(one.address, ("", None))
            if said is None:
                end = Outcome(
                    Verdict.ACCEPTED, Evidence("eod", "mx", code=250, enhanced="2.0.0", text="ok"), office.clock()
                )
            else:
                end = Outcome(Verdict.REFUSED, said, office.clock(), kind=kind)
            ends.append((one.item_id, one.attempt, end))
        dispatch.settle(office, ends)


def judge_later(office: Office) -> None:
    later = office.clock() + timedelta(hours=2)
    with transaction():
        suspension.judge(replace(office, clock=lambda: later))


def test_who_rests_is_shown_with_reason_words_and_when_it_is_tried_again(followed: Town) -> None:
    found = {one["address"]: one for one in followed.json("bounce", "suspended")}
    assert set(found) == {"dead@docomo.ne.jp", "-dead@ezweb.ne.jp"}
    dead = found["dead@docomo.ne.jp"]
    assert (dead["schools"], dead["reason"], dead["label"]) == (
        ["t-daiichi", "t-daini"],
        "address_unknown",
        "宛先不明",
    )
    assert dead["evidence"] == "550 5.1.1 Unknown user"
    assert [one["kind"] for one in dead["setbacks"]] == ["hard", "hard"]
    assert dead["tried_again"] > dead["since"]
    assert [one["address"] for one in followed.json("bounce", "suspended", "--school", "t-daiichi")] == [
        "dead@docomo.ne.jp"
    ]
    shown = followed.done("bounce", "suspended")
    assert "550 5.1.1 Unknown user" in shown
    assert "\x1b" not in shown


def test_the_support_window_is_told_how_to_wake_it(followed: Town) -> None:
    assert followed.done("explain", "-dead@ezweb.ne.jp").endswith("mimamori bounce resume -dead@ezweb.ne.jp\n")
    assert "bounce resume" not in followed.done("explain", "good@gmail.com")


def test_an_address_is_tried_again_once_staff_say_so(followed: Town) -> None:
    assert followed.json("bounce", "resume", "dead@DOCOMO.ne.jp", "--reason", "電話で確認") == {
        "address": "dead@DOCOMO.ne.jp",
        "rested": True,
    }
    assert [one["address"] for one in followed.json("bounce", "suspended")] == ["-dead@ezweb.ne.jp"]
    assert followed.done("bounce", "resume", "-dead@ezweb.ne.jp") == "-dead@ezweb.ne.jp gets mail again.\n"
    assert followed.done("bounce", "suspended") == "No address rests.\n"


def test_what_counts_against_an_address_that_does_not_rest_yet_may_be_forgiven(followed: Town) -> None:
    assert followed.json("bounce", "resume", "full@gmail.com")["rested"] is False
    assert [one["child"] for one in followed.json("households", "call-list", "--school", "t-daiichi")] == []


def test_what_does_not_rest_cannot_be_resumed(followed: Town) -> None:
    result = followed.type("bounce", "resume", "good@gmail.com")
    assert result.exit_code == 1
    assert "does not rest" in result.stderr
    assert "a space" in followed.type("bounce", "resume", "a b@gmail.com").stderr


def test_what_looks_like_a_resting_address_is_asked_about_and_never_taken(followed: Town) -> None:
    asked = "Is dead@docomo.ne.jp meant perhaps? Please ask."
    for typed in ("Dead@docomo.ne.jp", "ｄｅａｄ＠docomo.ne.jp", "<dead@docomo.ne.jp>", "dead@docomo.co.jp"):
        result = followed.type("bounce", "resume", typed)
        assert (result.exit_code, asked in result.stderr) == (1, True), result.stderr
    assert "meant" not in followed.type("bounce", "resume", "good@gmail.com").stderr
    assert len(followed.json("bounce", "suspended")) == 2


def test_the_call_list_names_who_is_not_reached_and_why(followed: Town) -> None:
    found = followed.json("households", "call-list", "--all")
    assert [(one["child"], [(slot["slot"], slot["state"]) for slot in one["slots"]]) for one in found] == [
        ("滝川一郎", [(1, "rests"), (2, "fails")]),
        ("空知四郎", []),
        ("空知三郎", [(1, "rests")]),
    ]
    assert found[0]["slots"][1]["label"] == "メールボックス満杯"
    assert found[0]["slots"][1]["faq_item"] == 3
    assert [one["child"] for one in followed.json("households", "call-list", "--school", "t-daiichi")] == ["滝川一郎"]
    shown = followed.done("households", "call-list", "--all")
    assert "No address is registered in slots 1 and 2." in shown
    assert "滝川二郎" not in shown
    assert "quota exceeded" in shown


def test_the_call_list_speaks_plain_japanese(followed: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_LANGUAGE", "ja")
    shown = followed.done("households", "call-list", "--all")
    use("en")
    assert "そのメールアドレスは存在しません。アドレスを変更していないかご確認ください（④）。" in shown


def test_what_a_wave_refused_is_told_without_blame(followed: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    with followed.office() as office, transaction():
        wave.note(office, {("gmail.com", ""): Lot(10, 90)})
    first = followed.json("households", "call-list", "--school", "t-daiichi")[0]
    slot = first["slots"][1]
    assert (slot["state"], slot["reason"], "label" in slot) == ("undecided", "mailbox_full", False)
    shown = followed.done("households", "call-list", "--school", "t-daiichi")
    assert "undecided since" in shown
    assert "The mail was refused, perhaps by a fault of the carrier" in shown
    found = followed.json("households", "reach", "--school", "t-daiichi")
    assert [(one["undecided"], one["none"]) for one in found] == [(1, 0)]
    monkeypatch.setenv("MIMAMORI_LANGUAGE", "ja")
    shown = followed.done("households", "call-list", "--all")
    use("en")
    assert "事業者側の異常の可能性があるため判定を保留しています" in shown


def test_the_call_list_goes_into_a_file_for_a_spreadsheet_and_no_cell_is_a_formula(
    followed: Town, tmp_path: Path
) -> None:
    file = tmp_path / "calls.csv"
    file.touch(0o644)
    assert "3 households" in followed.done("households", "call-list", "--all", "--csv", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes().decode("utf-8-sig")
    head, *rows = csv.reader(content.splitlines())
    assert content.count("\r\n") == 5
    assert head[:2] == ["school", "grade"]
    assert [row[3:7] for row in rows] == [
        ["滝川一郎", "'=滝川花子", "1", "dead@docomo.ne.jp"],
        ["滝川一郎", "'=滝川花子", "2", "full@gmail.com"],
        ["空知四郎", "空知太郎", "", ""],
        ["空知三郎", "空知太郎", "1", "'-dead@ezweb.ne.jp"],
    ]
    failed = followed.type("households", "call-list", "--all", "--csv", str(tmp_path / "none" / "calls.csv"))
    assert (failed.exit_code, "cannot be written" in failed.stderr) == (1, True)


def test_who_took_a_call_list_stands_in_the_book(followed: Town) -> None:
    followed.done("households", "call-list", "--city", "takikawa")
    newest = followed.json("audit", "list", "--limit", "1")[0]
    assert (newest["action"], newest["detail"]) == ("households.call_list", {"households": 3})


def test_the_schools_must_be_named(followed: Town) -> None:
    assert followed.type("households", "call-list").exit_code == 2
    assert followed.type("households", "reach", "--all", "--city", "takikawa").exit_code == 2


def test_households_are_counted_by_their_working_addresses(followed: Town) -> None:
    found = followed.json("households", "reach", "--school", "t-daini", "--school", "t-daiichi")
    assert found == [
        {
            "school": "t-daiichi",
            "name": "滝川第一小学校",
            "two": 0,
            "one": 1,
            "undecided": 0,
            "none": 1,
            "option_off": 0,
        },
        {"school": "t-daini", "name": "滝川第二小学校", "two": 0, "one": 0, "undecided": 0, "none": 2, "option_off": 1},
    ]
    assert "滝川第二小学校" in followed.done("households", "reach", "--all")


def test_a_household_shows_how_its_addresses_stand(followed: Town) -> None:
    (one,) = followed.json("households", "show", "hanako2")
    assert [(slot["state"], slot["reason"], bool(slot["last_accepted"])) for slot in one["slots"]] == [
        ("rests", "address_unknown", False),
        ("works", None, True),
    ]
    shown = followed.done("households", "show", "hanako")
    assert "the address's local part does not exist" in shown
    assert "full@gmail.com — fails since" in shown


@pytest.mark.long
def test_two_broadcasts_refused_by_a_real_receiver_put_an_address_to_rest(tmp_path: Path) -> None:
    """The whole appliance, as processes: the fourth broadcast goes to the address again because staff say so."""
    terms = '[suspension]\nwait = "1s"\n'
    with sinks("--domains", "1") as ports:
        appliance = Appliance(tmp_path, dns=ports["dns"], port=ports["port"], extra=terms)
        appliance.register([DEAD, "good@d01.example"])
        with appliance.serving("mailer"):
            for _ in range(2):
                assert appliance("broadcast", "show", waited(appliance))["refused"] == 1
            rest = until(lambda: appliance("bounce", "suspended"))
            third = appliance("broadcast", "show", waited(appliance))
            appliance("bounce", "resume", DEAD)
            fourth = appliance("broadcast", "show", waited(appliance))
        assert [(one["address"], one["reason"]) for one in rest] == [(DEAD, "address_unknown")]
        assert (third["recipients"], third["excluded"]) == (1, {"resting": 1})
        assert (fourth["recipients"], fourth["refused"]) == (2, 1)
        for one in appliance("broadcast", "list"):
            assert appliance("broadcast", "verify", one["id"])["ok"]


def waited(appliance: Appliance) -> str:
    """Send a broadcast and wait until no recipient waits."""
    return appliance.send("--wait", "--expires", "1h")


def until(ask: Callable[[], list[dict[str, Any]]], seconds: float = 30) -> list[dict[str, Any]]:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def test_of_who_complained_nothing_says_that_mail_came_back(followed: Town) -> None:
    with followed.office() as office, transaction():
        (item, *_) = QueueItem.select().where(QueueItem.address == "good@gmail.com")
        said = suspension.Noted(item.id, "gmail.com", "complaint", "complaint", "abuse")
        suspension.note(office, said)
        suspension.judge(office)
    text = followed.write("text.txt", "不審者\n")
    sent = followed.json("broadcast", "send", "--all", "--subject", "不審者情報", "--text-file", text)["id"]
    assert "coming back" not in followed.done("broadcast", "show", sent)
    followed.done("bounce", "resume", "good@gmail.com")
    told = followed.done("explain", "good@gmail.com")
    assert "because it rested. It is in use again." in told
    assert "coming back" not in told


def test_without_households_nobody_is_said_to_be_reached(bare_town: Town) -> None:
    bare_town.done("init")
    assert bare_town.done("households", "call-list", "--all") == "There is no household to be called.\n"
