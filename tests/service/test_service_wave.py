"""Does a wave of refusals at one receiver freeze its addresses, raise an alarm, and end?"""

from collections.abc import Mapping

import pytest

from mailer.carrier.wave import Lot
from mailer.domain.alarm import Kind
from mailer.service import alarm, wave
from mailer.service.office import Office
from mailer.store.database import transaction
from tests.conftest import FakeClock

DOCOMO = "docomo.ne.jp"


def note(office: Office, counts: Mapping[str, Lot]) -> None:
    with transaction():
        wave.note(office, {(domain, f"mx.{domain}"): day for domain, day in counts.items()})


def waves() -> list[str]:
    return [one.subject for one in alarm.list_() if one.kind is Kind.WAVE]


def test_many_refusals_freeze_one_receiver_alone(office: Office) -> None:
    note(office, {DOCOMO: Lot(10, 90), "gmail.com": Lot(95, 5)})
    assert wave.frozen() == [DOCOMO]
    assert waves() == [DOCOMO]
    assert (wave.is_frozen(DOCOMO), wave.is_frozen("gmail.com"), wave.is_frozen("au.com")) == (True, False, False)


def test_a_day_as_usual_ends_it_and_its_alarm(office: Office, clock: FakeClock) -> None:
    note(office, {DOCOMO: Lot(10, 90)})
    clock.advance(days=1)
    note(office, {DOCOMO: Lot(100, 1)})
    with transaction():
        wave.forget(office)
    assert (wave.frozen(), waves()) == ([], [])


def test_midnight_does_not_end_it(office: Office, clock: FakeClock) -> None:
    note(office, {DOCOMO: Lot(10, 90)})
    began = wave.since(DOCOMO)
    clock.advance(days=1)
    note(office, {DOCOMO: Lot(1, 2)})
    with transaction():
        wave.forget(office)
    assert (wave.since(DOCOMO), waves()) == (began, [DOCOMO])


def test_one_that_lasts_for_days_stands_until_an_operator_calls_it_usual(office: Office, clock: FakeClock) -> None:
    note(office, {DOCOMO: Lot(1000, 10)})
    for _ in range(10):
        clock.advance(days=1)
        note(office, {DOCOMO: Lot(500, 500)})
    assert wave.is_frozen(DOCOMO)
    wave.thaw(office, DOCOMO, "test", "they refuse half of all since April")
    clock.advance(days=1)
    note(office, {DOCOMO: Lot(500, 500)})
    assert (wave.frozen(), waves()) == ([], [])


def test_an_operator_may_say_that_it_is_none(office: Office) -> None:
    note(office, {DOCOMO: Lot(10, 90)})
    wave.thaw(office, DOCOMO, "test", "the roster was old")
    assert (wave.frozen(), waves()) == ([], [])
    with pytest.raises(wave.NotFrozen):
        wave.thaw(office, DOCOMO, "test")


def test_what_is_too_old_is_forgotten(office: Office, clock: FakeClock) -> None:
    note(office, {DOCOMO: Lot(10, 90)})
    clock.advance(days=61)
    with transaction():
        wave.forget(office)
    assert not wave.is_frozen(DOCOMO)
