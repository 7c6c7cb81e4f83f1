"""Is an MTA-STS policy read as its domain means it, and nothing else taken for one?"""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.smtp.sts import LONGEST_AGE, StsInvalid, read_id, read_policy

GOOD = "version: STSv1\r\nmode: enforce\r\nmx: mx1.town.example\r\nmx: *.Backup.example\r\nmax_age: 86400\r\n"


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (['"v=STSv1; id=20160831085700Z;"'], "20160831085700Z"),
        (['"v=STSv1;id=a"'], "a"),
        (['"v=STSv1; i" "d=20160831; x=y"'], "20160831"),
        (['"v=spf1 -all"', '"v=STSv1; id=1"'], "1"),
        (['"v=STSv1; id=1; id=2"'], "1"),
        (['"v=STSv1; id=1"', '"v=STSv1; id=2"'], None),
        (['"v=STSv2; id=1"'], None),
        (['"v=STSv1"'], None),
        (['"v=STSv1; id="'], None),
        (['"v=STSv1; id=a b"'], None),
        (['"v=STSv1; id=' + "1" * 33 + '"'], None),
        ([], None),
    ],
)
def test_the_id_in_the_dns(records: list[str], expected: str | None) -> None:
    assert read_id(records) == expected


def test_a_policy() -> None:
    policy = read_policy(GOOD)
    assert (policy.mode, policy.mx, policy.max_age) == ("enforce", ("mx1.town.example", "*.backup.example"), 86400)
    assert policy.lines == tuple(GOOD.split("\r\n")[:-1])
    assert read_policy(GOOD.replace("\r\n", "\n")).mx == policy.mx


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("mx1.town.example", True),
        ("MX1.town.example", True),
        ("mx2.town.example", False),
        ("a.backup.example", True),
        ("a.b.backup.example", False),
        ("backup.example", False),
        ("xbackup.example", False),
    ],
)
def test_a_star_stands_for_one_label(host: str, named: bool) -> None:
    assert read_policy(GOOD).names(host) is named


def test_of_a_field_said_twice_the_first_counts_and_unknown_ones_are_left_alone() -> None:
    policy = read_policy(GOOD + "mode: none\nmax_age: 1\nfuture: yes: really\n")
    assert (policy.mode, policy.max_age) == ("enforce", 86400)


def test_a_policy_of_none_needs_no_mx_and_no_policy_holds_for_more_than_a_year() -> None:
    assert read_policy("version: STSv1\nmode: none\nmax_age: 4000000000\n").max_age == LONGEST_AGE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>not found</html>",
        GOOD.replace("STSv1", "STSv2"),
        GOOD.replace("enforce", "Enforce"),
        GOOD.replace("mode: enforce\r\n", ""),
        GOOD.replace("86400", "-1"),
        GOOD.replace("86400", "１"),
        GOOD.replace("86400", "1" * 11),
        GOOD.replace("mx: mx1.town.example\r\nmx: *.Backup.example\r\n", ""),
        GOOD.replace("*.Backup", "*"),
        GOOD.replace("*.Backup", "a.*.b"),
        GOOD.replace("mx1.town.example", "mx1 town"),
    ],
)
def test_no_policy(text: str) -> None:
    with pytest.raises(StsInvalid):
        read_policy(text)


@given(st.text())
def test_any_text_is_a_policy_or_is_refused(text: str) -> None:
    with contextlib.suppress(StsInvalid):
        read_policy(text)
