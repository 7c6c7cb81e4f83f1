"""Who is meant where somebody asks for an address or a household, and is the answer no wait?"""

from time import perf_counter
from typing import Any

import pytest

from mailer.domain.household import Entry
from mailer.service import (
    explain,
    roster,
)
from mailer.service.announce import NoSuchAnnouncement
from mailer.service.office import Office
from mailer.service.roster import RosterRefused
from tests.conftest import FakeClock, Register
from tests.service.asking import CARRIERS, TARO, ask, marks, rest, send, told


def test_an_address_that_nobody_registered(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    found = ask(office, "nobody@docomo.ne.jp")
    assert (found.answer.first.item, found.answer.first.text.word, found.case.household) == (4, "unregistered", None)
    assert marks(found) == "xxxo??x"
    assert explain.meant(CARRIERS, "nobody@docomo.ne.jp") == []


@pytest.mark.parametrize(
    ("typed", "item"), [("a b@docomo.ne.jp", 4), ("hanako", 4), ("a@docomo", 4), ("", 4), ("9" * 30, 4)]
)
def test_what_cannot_be_an_address(office: Office, typed: str, item: int) -> None:
    assert told(office, typed) == (item, "unusable", "do_type_again")


def test_blanks_around_an_address_are_none_of_it(office: Office, register: Register) -> None:
    register("t-daiichi", TARO)
    assert told(office, f"\u3000{TARO} ")[1] == "nothing_yet"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("a..b@docomo.co.jp", [(TARO, True)]),
        ("a..b@docomo.jp", [(TARO, True)]),
        ("a..b@docmo.ne.jp", [(TARO, True)]),
        ("a..b@docoom.ne.jp", [(TARO, True)]),
        ("A..B@docomo.ne.jp", [(TARO, True)]),
        ("ａ..ｂ@docomo.ne.jp", [(TARO, True)]),
        ("a..b @docomo.ne.jp", [(TARO, True)]),
        ("<a..b@docomo.ne.jp>", [(TARO, True)]),
        ("滝川花子 <A..B@docomo.ne.jp>", [(TARO, True)]),
        ("mailto:a..b@docomo.ne.jp", [(TARO, True)]),
        ("a..b@docomo.ne.jp.", [(TARO, True)]),
        ("a..b@docmo.ne.jp。", [(TARO, True)]),
        ("x@docomo.ne.jp。", []),
        ("x@some.example.jp。", [("x@some.example.jp", False)]),
        ("x@ezeweb.ne.jp", [("x@ezweb.ne.jp", False)]),
        ("x@gmail.con", [("x@gmail.com", False)]),
        ("x@docomo.ne.jp", []),
        ("x@some.example.jp", []),
        ("hanako", []),
    ],
)
def test_what_looks_like_it_is_asked_and_never_taken(
    office: Office, register: Register, typed: str, asked: list[tuple[str, bool]]
) -> None:
    register("t-daiichi", TARO)
    send(office)
    assert told(office, typed)[1] in ("unregistered", "unusable")
    assert [(one.address, one.registered) for one in explain.meant(CARRIERS, typed)] == asked


def test_a_number_in_full_width_digits_is_asked_and_never_taken(office: Office, register: Register) -> None:
    number = register("t-daiichi", TARO)
    typed = str(number).translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    assert told(office, f"{typed}\u3000")[1] == "unusable"
    assert explain.meant(CARRIERS, f"{typed}\u3000") == [explain.Meant("", True, number)]
    for other in (f"{typed}９", "９" * 30, "²"):
        assert explain.meant(CARRIERS, other) == []


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("ａ..ｂ＠docomo.ne.jp", [TARO]),
        ("A..b@docomo.ne.jp", [TARO]),
        ("<a..b@docomo.co.jp>", [TARO]),
        (TARO, []),
        ("hanako", []),
        ("b@example.jp", []),
    ],
)
def test_which_resting_address_is_meant(
    office: Office, register: Register, clock: FakeClock, typed: str, asked: list[str]
) -> None:
    register("t-daiichi", TARO, "b@example.jp")
    rest(TARO, clock.now, "address_unknown")
    assert explain.at_rest(typed) == asked


def test_whom_there_is_not(office: Office) -> None:
    with pytest.raises(RosterRefused):
        explain.ask(office, CARRIERS, "7")
    for name in ("B9999999", "\udcff"):
        with pytest.raises(NoSuchAnnouncement):
            explain.ask(office, CARRIERS, TARO, name)


def test_nothing_is_changed_by_asking(office: Office, register: Register, store: Any) -> None:
    register("t-daiichi", TARO)
    send(office)
    before = store.connection().changes(), store.connection().total_changes()
    told(office, TARO)
    told(office, 1)
    assert (store.connection().changes(), store.connection().total_changes()) == before


@pytest.fixture
def big_town(office: Office, clock: FakeClock) -> list[str]:
    """20 broadcasts to 5,000 addresses: 100,000 queue items, and a household in slot 3 for each."""
    entries = [
        Entry("t-daiichi", "1", "1", f"c{n}", "", f"l{n}", {1: f"a{n}@docomo.ne.jp", 3: f"b{n}@example.jp"}, True)
        for n in range(5_000)
    ]
    roster.import_entries(office, list(enumerate(entries)), "test")
    sent = []
    for _ in range(20):
        clock.advance(minutes=1)
        sent.append(send(office))
    return sent


@pytest.mark.long
@pytest.mark.parametrize("wanted", ["a4999@docomo.ne.jp", "b4999@example.jp", "4999", "gone@docomo.co.jp"])
@pytest.mark.usefixtures("big_town")
def test_a_hundred_thousand_items_are_no_wait(office: Office, wanted: str) -> None:
    began = perf_counter()
    explain.ask(office, CARRIERS, wanted)
    explain.meant(CARRIERS, wanted)
    assert perf_counter() - began < 1.0
