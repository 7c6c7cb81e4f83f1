"""Does the mail of every domain end together, in its order, and none wait for ever?"""

from collections import Counter
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.schedule.turns import Turns

Thing = TypeVar("Thing")
SIZES = {"docomo.ne.jp": 280, "ezweb.ne.jp": 200, "i.softbank.jp": 120, "school.example": 2}


def size(domain: str) -> int:
    return SIZES.get(domain, 1)


def take(turns: Turns[Thing]) -> Thing:
    (thing,) = turns.take_some(lambda first: 1)
    return thing


def all_taken(turns: Turns[Thing]) -> list[Thing]:
    return [take(turns) for _ in range(len(turns))]


def test_all_end_together_however_many_they_are() -> None:
    turns = Turns[tuple[str, int]](size)
    for domain, number in SIZES.items():
        for place in range(number):
            turns.add(domain, (domain, place))
    taken = all_taken(turns)
    half = Counter(domain for domain, _ in taken[: len(taken) // 2])
    assert half == {domain: pytest.approx(number / 2, abs=1) for domain, number in SIZES.items()}


def test_each_domain_has_its_first_turn_at_once() -> None:
    turns = Turns[int](size)
    for domain in SIZES:
        for place in range(10):
            turns.add(domain, place)
    assert [take(turns) for _ in SIZES] == [0] * len(SIZES)


def test_who_comes_late_goes_on_from_here() -> None:
    turns = Turns[str](size)
    for _ in range(100):
        turns.add("ezweb.ne.jp", "au")
    for _ in range(50):
        take(turns)
    for _ in range(70):
        turns.add("docomo.ne.jp", "docomo")
    taken = Counter(take(turns) for _ in range(48))
    assert taken == {"docomo": pytest.approx(28, abs=1), "au": pytest.approx(20, abs=1)}


def test_who_comes_back_at_once_has_no_more_than_its_part() -> None:
    turns = Turns[str](size)
    for _ in range(1000):
        turns.add("ezweb.ne.jp", "au")
    taken = []
    for _ in range(300):
        turns.add("school.example", "school")  # one at a time, and always there
        taken.append(take(turns))
    assert taken.count("school") == pytest.approx(300 * 2 / 202, abs=2)


def test_nothing_is_left_and_nothing_can_be_taken_then() -> None:
    turns = Turns[int](size)
    turns.add("docomo.ne.jp", 1)
    turns.add("ezweb.ne.jp", 2)
    assert sorted(turns.clear()) == [1, 2]
    assert len(turns) == 0
    with pytest.raises(IndexError):
        take(turns)


@given(st.lists(st.one_of(st.none(), st.sampled_from([*SIZES, "other.example"]))))
def test_nothing_is_lost_or_overtaken_within_a_domain(steps: list[str | None]) -> None:
    turns, came, went = Turns[tuple[str, int]](size), Counter[str](), Counter[str]()
    for domain in steps:
        if domain is not None:
            turns.add(domain, (domain, came[domain]))
            came[domain] += 1
        elif turns:
            owner, place = take(turns)
            assert place == went[owner]
            went[owner] += 1
        assert len(turns) == came.total() - went.total()
    for owner, place in all_taken(turns):
        assert place == went[owner]
        went[owner] += 1
    assert went == came


@given(
    st.lists(st.tuples(st.sampled_from(["a.example", "docomo.ne.jp", "school.example"]), st.booleans())),
    st.integers(0, 40),
)
def test_what_is_withdrawn_is_not_taken_and_the_others_keep_their_order(
    added: list[tuple[str, bool]], before: int
) -> None:
    turns = Turns[tuple[str, int, bool]](size)
    things = [(domain, place, unwanted) for place, (domain, unwanted) in enumerate(added)]
    for thing in things:
        turns.add(thing[0], thing)
    taken = [take(turns) for _ in range(min(before, len(turns)))]
    withdrawn = turns.withdraw(lambda thing: thing[2])
    assert all(unwanted for _, _, unwanted in withdrawn)
    left = all_taken(turns)
    assert not any(unwanted for _, _, unwanted in left)
    assert sorted([*taken, *withdrawn, *left]) == sorted(things)
    for domain in {domain for domain, _, _ in left}:
        places = [place for one, place, _ in left if one == domain]
        assert places == sorted(places)


def test_withdrawing_gives_nobody_a_turn_that_was_another_s() -> None:
    turns = Turns[str](size)
    for _ in range(1000):
        turns.add("ezweb.ne.jp", "au")
        turns.add("docomo.ne.jp", "docomo")
        turns.add("school.example", "school")
    taken = []
    for _ in range(300):
        turns.add("gone.example", "gone")
        assert turns.withdraw(lambda thing: thing == "gone") == ["gone"]
        taken.append(take(turns))
    assert Counter(taken)["school"] == pytest.approx(300 * 2 / 482, abs=2)
