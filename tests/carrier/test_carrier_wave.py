"""Is a wave of refusals told from what a receiver always refuses, and does it end?"""

from collections.abc import Sequence

import pytest

from mailer.carrier.wave import BROAD, NONE, Lot, Wave, begun, harmless_share, may_begin, usual_share, waves

USUAL = [Lot(980, 20)] * 10
WAVE = Lot(700, 300)


def since(lots: Sequence[Lot]) -> int | None:
    """Return the number of the lot with which the wave began that stands."""
    found = begun(lots)
    return found.first if found else None


@pytest.mark.parametrize(
    ("lots", "began"),
    [
        ([], None),
        ([*USUAL, Lot(980, 20)], None),
        ([*USUAL, WAVE], 10),
        ([*USUAL, Lot(0, 20)], 10),
        ([Lot(950, 50)], None),
        ([Lot(400, 600)], 0),
    ],
)
def test_a_wave_is_many_and_far_more_than_usual(lots: list[Lot], began: int | None) -> None:
    assert since(lots) == began


@pytest.mark.parametrize("lot", [Lot(970, 30), Lot(58, 2), Lot(19, 1), Lot(0, 1), Lot(0, 2), Lot(2, 2), Lot(6, 6)])
@pytest.mark.parametrize("before", [0, 20])
def test_what_a_roster_always_brings_is_none(lot: Lot, before: int) -> None:
    """An old roster, the two addresses of one household, a small domain of which half is dead."""
    assert waves([Lot(lot.mails, 0)] * before + [lot] * 3) == []


def test_the_same_few_addresses_for_ever_are_none() -> None:
    assert waves([Lot(200, 0)] + [Lot(0, BROAD - 1)] * 200) == []


def test_a_good_morning_hides_no_block() -> None:
    assert since([*USUAL, Lot(3000, 20), Lot(0, 60)]) == 11


def test_what_is_cut_into_small_lots_adds_up() -> None:
    assert since([*USUAL, *[Lot(0, 4)] * 5]) == 10
    assert since([*[Lot(5, 0)] * 10, *[Lot(0, 5)] * 2]) == 10
    assert waves([*USUAL, *[Lot(0, 4), Lot(60, 0)] * 5]) == []


def test_where_everybody_was_taken_and_nobody_is_less_is_enough() -> None:
    assert since([*[Lot(15, 0)] * 30, Lot(0, 15)]) == 30
    assert since([Lot(0, 9)]) is None
    assert since([Lot(100, 0), Lot(2, 9)]) is None


def test_a_wave_that_lasts_is_not_grown_used_to() -> None:
    assert since([*USUAL[:3], *[WAVE] * 30]) == 3
    assert since([Lot(200, 0), *[Lot(0, 19)] * 6, Lot(0, 30)]) == 1


def test_lots_as_usual_end_it() -> None:
    assert waves([*USUAL, WAVE, Lot(980, 20)]) == [Wave(10, 10, 11)]
    assert waves([*USUAL, WAVE, *[Lot(7, 0)] * 3]) == [Wave(10, 10, 13)]
    assert waves([*USUAL, WAVE, WAVE, Lot(980, 20), *USUAL, WAVE]) == [Wave(10, 10, 12), Wave(23, 23, None)]


def test_the_first_mails_of_a_new_lot_do_not_end_it() -> None:
    assert since([*USUAL, WAVE, Lot(2, 3)]) == 10
    assert since([*USUAL, WAVE, Lot(10, 19)]) == 10


def test_it_began_with_its_run_of_refusals_and_the_first_broad_one_is_told() -> None:
    assert begun([*USUAL, Lot(0, 1), Lot(0, 2), WAVE]) == Wave(10, 12, None)


def test_what_an_operator_calls_none_is_usual_from_then_on() -> None:
    thawed = [Lot(700, 300, thawed=True)] * 3
    assert begun([*USUAL, *thawed]) is None
    assert begun([*USUAL[:1], *thawed, WAVE]) is None


@pytest.mark.parametrize("refused", [20, 30, 50, 90])
def test_after_a_thaw_a_whole_block_is_seen(refused: int) -> None:
    assert since([Lot(100 - refused, refused, thawed=True)] * 9 + [Lot(0, 300)]) == 9


def test_without_history_little_is_usual() -> None:
    assert usual_share(NONE) == 0.02
    assert usual_share(Lot(0, 10_000)) > 0.98
    assert (harmless_share(NONE), harmless_share(Lot(50, 50))) == (0.1, 0.63)


def test_no_lot_begins_a_wave_that_does_not_look_like_one() -> None:
    """What is not worth a look at the history never would have been."""
    for lot in (Lot(9, 1), Lot(900, 100), Lot(1, 0)):
        assert not may_begin(lot)
        assert waves([Lot(1000, 0), *[lot] * 100]) == []
    assert may_begin(Lot(8, 1))
