"""Does the mail of every domain end together, in its order, and none wait for ever?"""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.schedule.turns import Turns

SIZES = {"docomo.ne.jp": 280, "ezweb.ne.jp": 200, "i.softbank.jp": 120, "school.example": 2}


def size(domain: str) -> int:
    return SIZES.get(domain, 1)


def all_taken(turns: Turns[tuple[str, int]]) -> list[tuple[str, int]]:
    return [turns.take() for _ in range(len(turns))]


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
    assert [turns.take() for _ in SIZES] == [0] * len(SIZES)


def test_who_comes_late_goes_on_from_here() -> None:
    turns = Turns[str](size)
    for _ in range(100):
        turns.add("ezweb.ne.jp", "au")
    for _ in range(50):
        turns.take()
    for _ in range(70):
        turns.add("docomo.ne.jp", "docomo")
    taken = Counter(turns.take() for _ in range(48))
    assert taken == {"docomo": pytest.approx(28, abs=1), "au": pytest.approx(20, abs=1)}


def test_who_comes_back_at_once_has_no_more_than_its_part() -> None:
    turns = Turns[str](size)
    for _ in range(1000):
        turns.add("ezweb.ne.jp", "au")
    taken = []
    for _ in range(300):
        turns.add("school.example", "school")  # one at a time, and always there
        taken.append(turns.take())
    assert taken.count("school") == pytest.approx(300 * 2 / 202, abs=2)


def test_nothing_is_left_and_nothing_can_be_taken_then() -> None:
    turns = Turns[int](size)
    turns.add("docomo.ne.jp", 1)
    turns.add("ezweb.ne.jp", 2)
    assert sorted(turns.clear()) == [1, 2]
    assert len(turns) == 0
    with pytest.raises(IndexError):
        turns.take()


@given(st.lists(st.one_of(st.none(), st.sampled_from([*SIZES, "other.example"]))))
def test_nothing_is_lost_or_overtaken_within_a_domain(steps: list[str | None]) -> None:
    turns, came, went = Turns[tuple[str, int]](size), Counter[str](), Counter[str]()
    for domain in steps:
        if domain is not None:
            turns.add(domain, (domain, came[domain]))
            came[domain] += 1
        elif turns:
            owner, place = turns.take()
            assert place == went[owner]
            went[owner] += 1
        assert len(turns) == came.total() - went.total()
    for owner, place in all_taken(turns):
        assert place == went[owner]
        went[owner] += 1
    assert went == came
