"""Are hosts tried in the order of RFC 5321 §5.1?"""

import pytest

from mailer.smtp.route import NULL, MxRecord, NoRoute, hosts_in_order

US = frozenset({"mx.ours.example"})


def keep(_hosts: list[str]) -> None:
    """Stand for chance that changes nothing."""


def reverse(hosts: list[str]) -> None:
    """Stand for chance that turns the order round."""
    hosts.reverse()


def order(*exchanges: tuple[int, str]) -> list[str]:
    return hosts_in_order("town.example", [MxRecord(*one) for one in exchanges], US, keep)


def test_lowest_preference_goes_first() -> None:
    assert order((20, "b.example"), (10, "a.example"), (30, "c.example")) == ["a.example", "b.example", "c.example"]


def test_equals_are_shuffled_and_others_are_not() -> None:
    exchanges = [MxRecord(10, "a.example"), MxRecord(10, "b.example"), MxRecord(20, "c.example")]
    assert hosts_in_order("town.example", exchanges, US, reverse) == ["b.example", "a.example", "c.example"]


def test_without_mx_the_domain_is_its_own_host() -> None:
    assert order() == ["town.example"]


def test_a_host_named_twice_is_tried_once_at_its_better_place() -> None:
    assert order((10, "a.example"), (20, "a.example")) == ["a.example"]


def test_null_mx_is_permanent() -> None:
    with pytest.raises(NoRoute) as caught:
        order((0, NULL))
    assert (caught.value.permanent, caught.value.enhanced, caught.value.reason) == (True, "5.1.10", "not_accepting")


def test_null_mx_beside_others_is_passed_over() -> None:
    assert order((0, NULL), (10, "a.example")) == ["a.example"]


def test_ourselves_and_everything_behind_us_is_left_out() -> None:
    assert order((10, "a.example"), (20, "mx.ours.example"), (20, "b.example"), (30, "c.example")) == ["a.example"]


def test_when_only_we_are_left_the_mail_would_loop() -> None:
    with pytest.raises(NoRoute) as caught:
        order((10, "mx.ours.example"), (20, "b.example"))
    assert (caught.value.permanent, caught.value.enhanced) == (True, "5.4.6")
