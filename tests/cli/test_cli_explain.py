"""Does the support window get its answer by the command, in words to be read aloud and as a document?"""

import re

import pytest

from mailer.domain.explain_words import WHY
from mailer.language import translate
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import dispatch
from mailer.store.database import transaction
from tests.cli.town import Town

HANAKO = "a..b@docomo.ne.jp"
OK = Evidence("eod", "mfsmax.docomo.ne.jp[192.0.2.1]:25", code=250, enhanced="2.0.0", text="Ok\x1b[2J", tls="TLSv1.3")


def accept(town: Town) -> None:
    """Have docomo accept what is due."""
    with town.office() as office, transaction():
        claims = dispatch.claim(office, ["docomo.ne.jp"], 100, "w0")
        end = Outcome(Verdict.ACCEPTED, OK, office.clock())
        dispatch.settle(office, [(one.item_id, one.attempt, end) for one in claims])


def test_a_program_gets_the_whole_check_list(town: Town, broadcast: str) -> None:
    accept(town)
    found = town.json("explain", HANAKO)
    assert found["broadcast"] == broadcast
    assert found["subject"] == {"asked": HANAKO, "household": 1, "school": "t-daiichi", "slots": [1]}
    assert [(one["item"], one["applies"]) for one in found["items"]] == [
        (1, None),
        (2, False),
        (3, None),
        (4, False),
        (5, False),
        (6, False),
        (7, False),
    ]
    assert (found["answer"]["item"], found["answer"]["word"], found["answer"]["also"]) == (1, "accepted", [])
    assert "mfsmax.docomo.ne.jp" in found["answer"]["text"]
    assert "t-daiichi@mail.mimamori-iwamizawa.jp" in found["answer"]["advice"]
    (mail,) = found["mails"]
    assert (mail["address"], mail["state"], mail["slots"], mail["reading"]) == (HANAKO, "accepted", [1], None)
    (other,) = found["others"]
    assert (other["subject"]["household"], other["answer"]["word"]) == (2, "accepted")
    assert found["meant"] == []


def test_a_mail_that_was_put_off_has_one_word_in_every_verb(town: Town, broadcast: str) -> None:
    with town.office() as office, transaction():
        claims = dispatch.claim(office, ["docomo.ne.jp"], 100, "w0")
        later = Outcome(Verdict.DEFERRED, OK, office.clock())
        dispatch.settle(office, [(one.item_id, one.attempt, later) for one in claims])
    for words in (("broadcast", "recipients", broadcast), ("explain", HANAKO)):
        assert "waiting for another try" in town.done(*words)


def test_what_is_planned_hides_nothing_that_has_left(town: Town) -> None:
    text = town.write("text.txt", "遠足のお知らせ\n")
    words = ("broadcast", "send", "--all", "--subject", "遠足", "--text-file", text)
    planned = town.json(*words, "--at", "2099-04-01T08:00", "--expires", "1d")["id"]
    for asked in (HANAKO, "1"):
        assert town.json("explain", asked)["broadcast"] == planned
    left = town.json(*words)["id"]
    town.json(*words, "--at", "2099-04-02T08:00")
    for asked in (HANAKO, "1"):
        assert town.json("explain", asked)["broadcast"] == left


def test_of_other_addresses_of_the_household_only_the_slot_is_told(town: Town, broadcast: str) -> None:
    told = town.done("explain", HANAKO) + town.done("explain", "--json", HANAKO)
    assert "hanako@gmail.com" not in told
    assert "work@example.co.jp" not in told
    assert town.json("explain", HANAKO)["elsewhere"] == [
        {"slot": 2, "state": "waiting"},
        {"slot": 3, "state": "slot_3_or_4"},
    ]
    assert "hanako@gmail.com" in town.done("explain", "1")


def test_a_clerk_reads_it_aloud(town: Town, broadcast: str, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(town)
    monkeypatch.setenv("MIMAMORI_LANGUAGE", "ja")
    told = town.done("explain", HANAKO)
    assert re.search(r"お答え ①: アドレス1へのメールは、\d{4}年\d+月\d+日（.）\d+:\d\d:\d\d にNTTドコモ", told)
    assert "  → ① 迷惑メールに振り分けられていないか" in told
    assert "  → ③ それでも見当たらないときは" in told
    assert "② メンテナンス              該当しない" in told
    assert told.count("チェックリスト") == 2
    assert "\x1b" not in told


def test_an_option_that_is_off_and_an_address_that_looks_like_one_of_a_command(town: Town, broadcast: str) -> None:
    assert "Answer ⑤: “Receive broadcasts” was switched off" in town.done("explain", "-abc@ezweb.ne.jp")
    assert town.json("explain", "-abc@ezweb.ne.jp", "--broadcast", broadcast)["answer"]["item"] == 5


def test_what_looks_like_it_is_asked_about(town: Town) -> None:
    assert "Is a..b@docomo.ne.jp meant perhaps? It is registered" in town.done("explain", "a..b@docomo.co.jp")
    assert town.json("explain", "A..B@docomo.ne.jp")["meant"] == [
        {"address": HANAKO, "household": None, "registered": True}
    ]
    assert town.json("explain", "x@ezeweb.ne.jp")["meant"] == [
        {"address": "x@ezweb.ne.jp", "household": None, "registered": False}
    ]
    assert "Is household 2 meant perhaps? Please ask." in town.done("explain", "２")
    assert town.json("explain", "２")["meant"] == [{"address": None, "household": 2, "registered": True}]


def test_what_is_no_address_says_what_is_wrong_with_it(town: Town) -> None:
    assert "The address contains a space." in town.done("explain", "a b@docomo.ne.jp")
    assert town.json("explain", "hanako")["answer"]["word"] == "unusable"


def test_whom_and_what_there_is_not(town: Town) -> None:
    for words, said in [(("99",), "no household"), ((HANAKO, "--broadcast", "B0000000"), "no broadcast")]:
        result = town.type("explain", *words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert said in result.stderr


def test_no_sentence_says_in_japanese_that_a_mail_arrived() -> None:
    assert not [words for words in WHY.values() if re.search("届き|届け|届いた|到達|配達", translate("ja", words))]
