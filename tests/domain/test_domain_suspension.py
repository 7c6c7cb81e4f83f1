"""Does an address rest when it has to, never too soon, and never for a mail that arrived since?"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.domain.suspension import Kind, Setback, Terms, cause

START = datetime(2026, 4, 1, tzinfo=UTC)
TERMS = Terms()
KINDS = {"h": Kind.HARD, "s": Kind.SOFT, "c": Kind.COMPLAINT}


def setback(announcement: str, day: float, kind: Kind) -> Setback:
    sent = START + timedelta(days=day)
    return Setback(announcement, sent, sent + timedelta(seconds=5), kind, "address_unknown", f"550 day {day:g}")


def history(written: str, every: float = 1) -> list[Setback]:
    """Read a history: a letter is what an announcement brought, `.` nothing, `+` that the next is on the same one."""
    found: list[Setback] = []
    number = -1
    for letter in written:
        if letter == "+":
            number -= 1
            continue
        number += 1
        if letter in KINDS:
            found.append(setback(f"B{number}", number * every, KINDS[letter]))
    return found


@pytest.mark.parametrize(
    ("written", "every", "rests"),
    [
        ("", 1, False),
        ("h", 1, False),
        ("h+h", 1, False),
        ("hh", 1, True),
        ("h......h", 30, True),
        ("hsssh", 1, True),
        ("s", 1, False),
        ("sssssssss", 10, False),
        ("ssssssssss", 1, False),
        ("ssssssssss", 3, False),
        ("ssssssssss", 3.4, True),
        ("hsssssssss", 3.4, True),
        ("c", 1, True),
    ],
)
def test_an_address_rests_after_enough(written: str, every: float, rests: bool) -> None:
    assert (cause(history(written, every), None, TERMS) is not None) is rests


@pytest.mark.parametrize(
    ("written", "accepted_on", "rests"),
    [
        ("hh", 0.5, False),
        ("hh", 2, False),
        ("hhh", 0.5, True),
        ("hh", -1, True),
        ("c", 5, True),
    ],
)
def test_what_was_accepted_since_clears_what_was_said_before(written: str, accepted_on: float, rests: bool) -> None:
    accepted = START + timedelta(days=accepted_on)
    assert (cause(history(written), accepted, TERMS) is not None) is rests


def test_a_mail_accepted_while_another_was_still_tried_is_the_better_sign() -> None:
    """The first was refused after a day of deferrals; in the meantime the second was taken."""
    late = Setback("B0", START, START + timedelta(days=1), Kind.HARD, "address_unknown", "")
    assert cause([late, setback("B2", 2, Kind.HARD)], START + timedelta(hours=1), TERMS) is None


def test_the_setback_that_is_told_is_the_last_of_its_kind() -> None:
    found = cause(history("hhs"), None, TERMS)
    assert found is not None
    assert found.words == "550 day 1"


@pytest.mark.parametrize(
    ("terms", "written", "rests"),
    [
        (Terms(hard=1, broadcasts=1), "h", True),
        (Terms(hard=3, broadcasts=2), "hh", False),
        (Terms(hard=3, broadcasts=2), "hh+h", True),
        (Terms(hard=3, broadcasts=3), "hh+h", False),
        (Terms(soft_broadcasts=2, soft_span=timedelta(days=1)), "ss", True),
    ],
)
def test_the_town_may_be_more_or_less_patient(terms: Terms, written: str, rests: bool) -> None:
    assert (cause(history(written), None, terms) is not None) is rests


@pytest.mark.parametrize(
    ("reason", "reach_test", "days"),
    [
        ("address_unknown", timedelta(days=30), 30),
        ("mailbox_full", timedelta(days=30), 30),
        ("domain_unknown", timedelta(days=30), 1),
        ("not_accepting", timedelta(hours=12), 0.5),
        ("complaint", timedelta(days=30), None),
        ("address_unknown", None, None),
        ("domain_unknown", None, None),
    ],
)
def test_when_an_address_is_tried_again(reason: str, reach_test: timedelta | None, days: float | None) -> None:
    expected = None if days is None else timedelta(days=days)
    assert Terms(reach_test=reach_test).tested_after(reason) == expected


SETBACKS = st.lists(
    st.builds(setback, st.sampled_from(["B1", "B2", "B3"]), st.integers(0, 60), st.sampled_from([Kind.HARD, Kind.SOFT]))
)


@given(SETBACKS, st.none() | st.integers(0, 61))
def test_an_address_never_rests_without_two_setbacks_since_its_last_acceptance(
    setbacks: list[Setback], day: int | None
) -> None:
    accepted = None if day is None else START + timedelta(days=day)
    since = [one for one in setbacks if accepted is None or one.sent_at >= accepted]
    if cause(setbacks, accepted, TERMS) is not None:
        assert len({one.announcement_id for one in since if one.kind is Kind.HARD}) >= 2
    assert cause(list(reversed(setbacks)), accepted, TERMS) in [None, *since]


@given(SETBACKS, SETBACKS, st.none() | st.integers(0, 61))
def test_more_setbacks_never_wake_an_address(first: list[Setback], more: list[Setback], day: int | None) -> None:
    accepted = None if day is None else START + timedelta(days=day)
    if cause(first, accepted, TERMS) is not None:
        assert cause([*first, *more], accepted, TERMS) is not None
