"""Is a mood what its data says, and does the same address always meet the same fault?"""

import pytest

from mailer.rehearsal.moods import Fault, Forms, Mood, MoodError, Trouble, lot, mood_of, trouble_of
from mailer.rehearsal.wording import reply


@pytest.mark.parametrize("fault", list(Fault))
def test_a_local_part_chooses_its_fault(fault: Fault) -> None:
    assert trouble_of(Mood(), f"{fault}-a@example.com") == Trouble(fault)
    assert trouble_of(Mood(), f"{fault}-3-a@example.com") == Trouble(fault, 3)


@pytest.mark.parametrize(
    "address", ["a@example.com", "-abc@ezweb.ne.jp", "not-unknown-a@example.com", "unknownx-a@b.jp"]
)
def test_other_addresses_meet_none(address: str) -> None:
    assert trouble_of(Mood(), address) is None


def test_an_address_may_be_named() -> None:
    mood = Mood(addresses={"a@example.com": Trouble(Fault.FULL)})
    assert trouble_of(mood, "a@example.com") == Trouble(Fault.FULL)
    assert trouble_of(mood, "A@example.com") is None


def test_shares_are_what_they_say_and_never_change() -> None:
    mood = Mood(shares=((Trouble(Fault.UNKNOWN), 0.1), (Trouble(Fault.FILTERED), 0.3)))
    addresses = [f"user{number}@example.com" for number in range(5000)]
    drawn = [trouble_of(mood, address) for address in addresses]
    assert drawn == [trouble_of(mood, address) for address in addresses]
    assert drawn.count(Trouble(Fault.UNKNOWN)) == pytest.approx(500, abs=80)
    assert drawn.count(Trouble(Fault.FILTERED)) == pytest.approx(1500, abs=130)
    assert drawn.count(None) == pytest.approx(3000, abs=140)


def test_lots_are_even_and_differ_by_salt() -> None:
    drawn = sorted(lot("a", f"user{number}") for number in range(1000))
    assert 0 <= drawn[0] < 0.01
    assert 0.99 < drawn[-1] < 1
    assert lot("a", "user") != lot("b", "user")


def test_a_table_changes_only_what_it_names() -> None:
    base = Mood(open_share=0.5)
    table = {
        "faults": {"unknown": 0.01, "tempfail-2": 0.5},
        "addresses": {"a@example.com": "reset"},
        "wording": {"unknown": "550 nobody"},
        "capabilities": ["PIPELINING"],
        "forms": "bare",
        "greylist_seconds": 3,
        "starttls": True,
    }
    mood = mood_of(table, base)
    assert mood.shares == ((Trouble(Fault.UNKNOWN), 0.01), (Trouble(Fault.TEMPFAIL, 2), 0.5))
    assert mood.addresses == {"a@example.com": Trouble(Fault.RESET)}
    assert mood.wording.unknown == "550 nobody"
    assert (mood.capabilities, mood.forms, mood.starttls) == (("PIPELINING",), Forms.BARE, True)
    assert (mood.greylist_seconds, mood.open_share) == (3, 0.5)


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"fault": {}}, "fault: unknown key"),
        ({"shares": []}, "shares: unknown key"),
        ({"faults": {"explode": 1.0}}, "'explode': allowed are tempfail"),
        ({"faults": {"unknown": 0.6, "full": 0.6}}, "more than 1"),
        ({"greeting": "bow"}, "greeting"),
        ({"starttls": 1}, "starttls"),
        ({"slow_seconds": "1"}, "slow_seconds"),
        ({"addresses": "a"}, "addresses"),
        ({"wording": {"hello": "x"}}, "wording"),
    ],
)
def test_a_wrong_table_is_refused_by_name(table: dict[str, object], named: str) -> None:
    with pytest.raises(MoodError, match=named):
        mood_of(table, Mood())


def test_replies_are_written_as_on_the_wire() -> None:
    assert reply("250 ok") == b"250 ok\r\n"
    assert reply("421 ") == b"421 \r\n"
    assert reply("550-5.1.1 one\n550 5.1.1 two") == b"550-5.1.1 one\r\n550 5.1.1 two\r\n"
    assert reply("550 one\ntwo") == b"550-one\r\n550 two\r\n"
