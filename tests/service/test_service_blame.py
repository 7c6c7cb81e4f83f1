"""Is nobody put to rest in a block, and whoever is dead all the same, whenever and wherever mails are refused?"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from config import Settings
from config.carriers import load_carriers
from mailer.bounce.event import Event, Kind, ReadMail
from mailer.carrier.reason import Reason
from mailer.carrier.wave import Lot
from mailer.schedule.claim import Claimed
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import alarm, bounce, broadcast, dispatch, suspension, wave
from mailer.service.office import Office
from mailer.store import domains, suspensions
from mailer.store.database import transaction
from mailer.store.models import QueueItem
from mailer.store.suspension_models import Setback
from tests.conftest import FakeClock, Register

DOCOMO = "docomo.ne.jp"
CARRIERS = load_carriers(Settings.model_validate({}))


def note(office: Office, accepted: int, refused: int, announcement: str = "", domain: str = DOCOMO) -> None:
    """Count mails to people who are not in the store."""
    with transaction():
        wave.note(office, {(domain, ""): Lot(accepted, refused)}, announcement)


def people(register: Register, number: int, domain: str = DOCOMO) -> list[str]:
    found = [f"p{one}@{domain.format(one)}" for one in range(number)]
    for address in found:
        register("t-daiichi", address)
    return found


def send(office: Office, refused: Iterable[str] = ()) -> str:
    """Send a broadcast and hand it over; these are refused as unknown, all others accepted."""
    name = broadcast.send(office, broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", False, False, "t")).id
    unknown = frozenset(refused)
    with transaction():
        claims = dispatch.claim(office, {one.domain for one in QueueItem.select()}, 1000, "w0")
        dispatch.settle(office, [(one.item_id, one.attempt, _end(office, one, unknown)) for one in claims])
    return name


def _end(office: Office, one: Claimed, unknown: frozenset[str]) -> Outcome:
    host = f"mx.{one.domain}[192.0.2.1]:25"
    if one.address not in unknown:
        return Outcome(Verdict.ACCEPTED, Evidence("eod", host, code=250, enhanced="2.0.0", text="ok"), office.clock())
    said = Evidence("rcpt", host, code=550, enhanced="5.1.1", text="user unknown", reason="address_unknown")
    return Outcome(Verdict.REFUSED, said, office.clock(), kind="hard")


def come_back(office: Office, name: str) -> None:
    """Return each mail of a broadcast that was accepted."""
    for item in QueueItem.select().where(QueueItem.announcement == name, QueueItem.state == "accepted"):
        packed = bounce.pack(bounce.InboundFacts("", (), "192.0.2.1", item.address.encode(), item.id))
        event = Event(item.address, Kind.HARD, Reason.ADDRESS_UNKNOWN)
        with transaction():
            number, _ = bounce.keep(office, packed)
            bounce.learn(office, number, ReadMail((event,)))


def judge(office: Office, clock: FakeClock, hours: int = 3) -> int:
    """Let time pass; return how many addresses rest."""
    for _ in range(hours):
        clock.advance(hours=1)
        with transaction():
            wave.forget(office)
            while suspension.judge(office):
                pass
    return len(suspensions.all_())


def alarms() -> list[str]:
    return [one.subject for one in alarm.list_() if one.kind is alarm.Kind.WAVE]


@pytest.mark.parametrize("hours", [1, 10])
def test_who_is_dead_rests_whether_mail_comes_back_at_once_or_the_next_day(
    office: Office, clock: FakeClock, register: Register, hours: int
) -> None:
    people(register, 30)
    clock.advance(hours=11)  # 21:00 in Japan
    for _ in range(2):
        name = send(office)
        note(office, 970, 0, name)
        clock.advance(hours=hours)
        come_back(office, name)
        assert alarms() == []
        rest = judge(office, clock, hours=24 - hours)
    assert rest == 30
    assert wave.days(DOCOMO)[0][1] == Lot(970, 30)


def test_a_good_morning_puts_nobody_to_rest_in_the_afternoon(
    office: Office, clock: FakeClock, register: Register
) -> None:
    everybody = people(register, 60)
    note(office, 3000, 20, "morning")
    for _ in range(2):
        send(office, everybody)
        clock.advance(minutes=30)
    assert alarms() == [DOCOMO]
    assert judge(office, clock) == 0


def test_a_small_receiver_that_refuses_everybody_it_took_is_a_wave(
    office: Office, clock: FakeClock, register: Register
) -> None:
    everybody = people(register, 5, "kaisha.example")
    for _ in range(10):
        send(office)
        judge(office, clock, hours=24)
    for _ in range(2):
        send(office, everybody)
        rest = judge(office, clock, hours=24)
    assert (rest, alarms()) == (0, ["kaisha.example"])
    for _ in range(4):
        send(office)
        rest = judge(office, clock, hours=24)
    assert (rest, alarms(), wave.frozen()) == (0, [], [])


def test_many_small_domains_on_one_host_are_one_receiver(office: Office, clock: FakeClock, register: Register) -> None:
    office = replace(office, receiver=CARRIERS.name)
    everybody = people(register, 20, "family{}.example")
    with transaction():
        for number in range(20):
            domains.remember_site(f"family{number}.example", "mx.hosting.example")
    send(office)
    for _ in range(2):
        send(office, everybody)
        clock.advance(minutes=30)
    assert (judge(office, clock), alarms()) == (0, ["mx.hosting.example"])


def test_a_domain_on_the_hosts_of_a_carrier_is_the_carriers() -> None:
    assert wave.receiver(CARRIERS.name, DOCOMO) == "docomo"
    domains.remember_site("school.example", "google")
    assert wave.receiver(CARRIERS.name, "school.example") == "google"
    assert wave.receiver(CARRIERS.name, "unknown.example", "aspmx.l.google.com") == "google"
    assert wave.receiver(CARRIERS.name, "unknown.example") == "unknown.example"


def test_what_a_wave_refused_that_was_over_within_the_hour_is_excused(
    office: Office, clock: FakeClock, register: Register
) -> None:
    everybody = people(register, 20)
    for number in range(3):
        send(office, everybody)
        assert wave.is_frozen(DOCOMO)
        note(office, 500, 5, f"others {number}")
        assert not wave.is_frozen(DOCOMO)
        assert judge(office, clock) == 0
    assert standings() == ["wave"] * 60


def test_what_was_refused_before_or_after_a_wave_counts(office: Office, clock: FakeClock, register: Register) -> None:
    dead = people(register, 2)[:1]
    send(office, dead)
    judge(office, clock, hours=24)
    note(office, 10, 90, "block")
    send(office, dead)
    judge(office, clock, hours=24)
    note(office, 500, 5, "over")
    judge(office, clock)
    assert standings() == ["counts", "wave"]
    send(office, dead)
    assert judge(office, clock) == 1


def test_what_comes_back_in_a_wave_of_mail_taken_before_it_counts_after_it(
    office: Office, clock: FakeClock, register: Register
) -> None:
    people(register, 1)
    name = send(office)
    note(office, 500, 5, name)
    clock.advance(days=1)
    note(office, 10, 90, "block")
    come_back(office, name)
    judge(office, clock)
    assert standings() == ["wave"]
    note(office, 500, 5, "over")
    judge(office, clock)
    assert standings() == ["counts"]


def standings() -> Sequence[str]:
    return [one.standing for one in Setback.select().order_by(Setback.at)]
