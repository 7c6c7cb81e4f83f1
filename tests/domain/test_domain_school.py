"""Is what a city does not use found, whichever of its schools is meant?"""

import pytest

from mailer.domain.school import City, School, Schools

ALL = ("a", "b", "c")


def schools(**cities: tuple[bool, bool]) -> Schools:
    """Return a school in each of three cities, with the (broadcasts, receipts) given for some of them."""
    towns = zip(ALL, ("iwamizawa", "takikawa", "yubari"), strict=True)
    listed = [School(code, code, f"{code}@x", city, "elementary", order) for order, (code, city) in enumerate(towns)]
    switches = {code: City(code, code, *pair) for code, pair in cities.items()}
    return Schools({one.code: one for one in listed}, switches)


@pytest.mark.parametrize(
    ("cities", "codes", "receipt", "expected"),
    [
        ({}, ALL, True, None),
        ({"takikawa": (True, True)}, ALL, True, None),
        ({"takikawa": (False, True)}, ALL, False, ("takikawa", "broadcasts")),
        ({"takikawa": (False, True)}, ("a", "c"), True, None),
        ({"takikawa": (True, False)}, ALL, False, None),
        ({"takikawa": (True, False)}, ("b",), True, ("takikawa", "receipts")),
        ({"takikawa": (False, False)}, ALL, True, ("takikawa", "broadcasts")),
        ({"yubari": (False, False), "takikawa": (True, False)}, ALL, True, ("takikawa", "receipts")),
    ],
)
def test_the_first_city_that_does_not_use_it(
    cities: dict[str, tuple[bool, bool]], codes: tuple[str, ...], receipt: bool, expected: tuple[str, str] | None
) -> None:
    found = schools(**cities).switched_off(codes, receipt=receipt)
    assert (found and (found[0].code, found[1])) == expected


def test_a_closed_school_is_followed_to_the_one_that_took_its_children() -> None:
    into = {"a": "b", "b": "c", "c": None, "d": "nowhere"}
    listed = [School(code, code, f"{code}@x", "yubari", "elementary", 0, merged_into=to) for code, to in into.items()]
    known = Schools({one.code: one for one in listed})
    assert [known.successor(one).code for one in known] == ["c", "c", "c", "d"]
