"""Do bounces come back to their queue item, and only ours?"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.message.verp import Verp

VERP = Verp(bytes(range(32)), "mail.example.jp")


@given(st.integers(0, 2**63 - 1))
def test_a_reverse_path_is_read_back_in_any_case(item_id: int) -> None:
    local, domain = VERP.make(item_id).split("@")
    assert domain == "mail.example.jp"
    assert re.fullmatch(r"[a-z0-9-]{1,64}", local)
    assert VERP.read(local) == VERP.read(local.upper()) == VERP.read(local.title()) == item_id


def test_the_same_item_has_the_same_path_and_another_key_another() -> None:
    assert VERP.make(7) == VERP.make(7)
    assert VERP.make(7) != Verp(bytes(32), "mail.example.jp").make(7)


@given(st.text())
def test_no_invented_local_part_is_taken(local_part: str) -> None:
    assert VERP.read(local_part) is None


def test_nothing_close_to_a_real_one_is_taken() -> None:
    local = VERP.make(123456).split("@")[0]
    for place in range(len(local)):
        for sign in ("x", "2", "-", "\u212a", ""):
            changed = local[:place] + sign + local[place + 1 :]
            if changed != local:
                assert VERP.read(changed) is None, changed
    other = VERP.make(123457).split("@")[0]
    assert VERP.read(local.rpartition("-")[0] + "-" + other.rpartition("-")[2]) is None
    assert VERP.read(local.replace("b-", "b-0")) is None
    assert VERP.read(local + "\n") is None
    assert VERP.read(VERP.make(123456)) is None


def test_a_negative_number_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="queue item"):
        VERP.make(-1)


@given(st.integers(0, 2**63 - 1))
def test_the_reverse_paths_of_single_mails_are_others(number: int) -> None:
    singles = VERP.of_singles()
    local = singles.make(number).split("@")[0]
    assert re.fullmatch(r"s-[a-z0-9-]{1,62}", local)
    assert singles.read(local) == singles.read(local.upper()) == number
    assert (VERP.read(local), singles.read(VERP.make(number).split("@")[0])) == (None, None)
    assert VERP.read("b" + local[1:]) is None
