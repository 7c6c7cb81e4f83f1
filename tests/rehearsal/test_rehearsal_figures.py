"""Do the curves say what the town's journal says, with the guardians' haste taken out?"""

import pytest

from mailer.rehearsal.figures import Events, Prediction, Recipient, Watch, predict_from

SENT = 1_000_000.0


def recipient(address: str, *households: int, carrier: str = "docomo", open: bool = False) -> Recipient:
    """Return a recipient; carriers are labelled by their own names."""
    return Recipient(address, carrier, carrier.upper(), households or (1,), open)


def events(*lines: tuple[str, str, float]) -> Events:
    """Return events from lines of kind, address and seconds since the broadcast was sent."""
    found = Events()
    for kind, address, at in lines:
        found.note(kind, address, SENT + at)
    return found


def predicted(recipients: list[Recipient], found: Events, *, ended: float = 60.0, haste: float = 10.0) -> Prediction:
    """Return the prediction of a watch of `ended` seconds."""
    return predict_from(recipients, found, Watch(SENT, SENT + ended, haste))


def test_delays_of_guardians_are_stretched_back_and_acceptance_is_not() -> None:
    found = events(("received", "a@x", 4.0), ("answered", "a@x", 4.5), ("opened", "a@x", 10.0))
    prediction = predicted([recipient("a@x")], found)
    assert prediction.total.accepted == (4.5,)
    assert prediction.total.confirmed == (4.0 + 6.0 * 10,)
    assert prediction.horizon == pytest.approx(4.5 + 55.5 * 10)


def test_only_the_first_copy_counts_and_other_lines_are_passed_over() -> None:
    found = events(("answered", "a@x", 1.0), ("answered", "a@x", 9.0), ("reported", "a@x", 2.0))
    assert predicted([recipient("a@x")], found).total.accepted == (1.0,)


def test_confirmations_beyond_what_everybody_was_watched_for_are_left_out() -> None:
    found = events(
        ("received", "early@x", 1.0),
        ("answered", "early@x", 1.0),
        ("opened", "early@x", 59.0),
        ("received", "late@x", 50.0),
        ("answered", "late@x", 50.0),
        ("opened", "late@x", 52.0),
    )
    prediction = predicted([recipient("early@x"), recipient("late@x")], found)
    assert prediction.horizon == pytest.approx(150.0)
    assert prediction.total.confirmed == (70.0,)


def test_a_kept_mail_without_reply_may_be_opened_before_it_is_accepted() -> None:
    found = events(("received", "a@x", 1.0), ("opened", "a@x", 2.0), ("answered", "a@x", 20.0))
    assert predicted([recipient("a@x")], found).total.confirmed == (11.0,)


def test_times_count_those_that_can_be_reached() -> None:
    people = [recipient(f"{number}@x") for number in range(12)]
    found = events(*(("answered", f"{number}@x", float(number)) for number in range(1, 11)))
    total = predicted(people, found).total
    assert (total.recipients, total.refused, total.open) == (12, 2, 0)
    assert [total.until(share) for share in (50, 90, 99, 100)] == [5.0, 9.0, 10.0, 10.0]


def test_whoever_still_waits_keeps_the_last_time_unknown() -> None:
    people = [recipient("a@x"), recipient("b@x", open=True)]
    total = predicted(people, events(("answered", "a@x", 3.0))).total
    assert (total.until(50), total.until(100), total.refused) == (3.0, None, 0)


def test_a_household_is_reached_by_the_first_of_its_addresses() -> None:
    people = [recipient("a@x", 1, 2), recipient("b@x", 1), recipient("c@x", 3, open=True), recipient("d@x", 4)]
    found = events(("answered", "a@x", 7.0), ("answered", "b@x", 3.0), ("received", "b@x", 3.0), ("opened", "b@x", 4.0))
    households = predicted(people, found).households
    assert (households.recipients, households.open, households.refused) == (4, 1, 1)
    assert households.accepted == (3.0, 7.0)
    assert households.confirmed == (13.0,)


def test_carriers_come_with_the_largest_first() -> None:
    people = [recipient("a@x", carrier="au"), recipient("b@x"), recipient("c@x"), recipient("d@x", carrier="")]
    curves = predicted(people, events()).carriers
    assert [(curve.name, curve.recipients) for curve in curves] == [("docomo", 2), ("", 1), ("au", 1)]
    assert curves[0].label == "DOCOMO"


def test_nothing_accepted_has_no_times() -> None:
    total = predicted([recipient("a@x")], events()).total
    assert (total.until(50), total.until_confirmed(50), total.confirmed_share) == (None, None, 0.0)
