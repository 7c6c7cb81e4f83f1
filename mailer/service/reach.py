"""Which households does a broadcast reach, and whom must the school call instead?

An address is out of reach when it rests, and already when its last mail was refused for a reason that its guardian can
mend: a school should not wait for the second broadcast. What a wave of refusals said is held against nobody here: yet
that mail did not arrive, so as long as the wave is not judged the address is undecided, and its school is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from mailer.domain.household import Household
from mailer.domain.reach import Figures, HouseholdReach, State, Trouble, figures, reach_of
from mailer.domain.suspension import Kind
from mailer.service import wave
from mailer.service.audit import record
from mailer.service.office import Office
from mailer.smtp.address import AddressError, parse_address
from mailer.store import registry, suspensions
from mailer.store.database import transaction

__all__ = ["Figures", "HouseholdReach", "State"]


def troubles() -> dict[str, Trouble]:
    """Return what speaks against addresses, by their keys."""
    waves = {name: wave.since(name) for name in wave.frozen()}
    last: dict[State, dict[str, suspensions.Kept]] = {State.UNDECIDED: {}, State.FAILS: {}}
    for one in suspensions.open_():
        state = State.UNDECIDED if _is_of_a_wave(one, waves.get(one.receiver)) else State.FAILS
        last[state][one.address_key] = one
    resting = {one.address_key: Trouble(State.RESTS, one.since, one.reason, one.evidence) for one in suspensions.all_()}
    undecided, failing = (
        {
            key: Trouble(state, one.setback.at, one.setback.reason, one.setback.words)
            for key, one in found.items()
            if key not in resting and not suspensions.was_accepted(key, one.setback.sent_at)
        }
        for state, found in last.items()
    )
    return undecided | failing | resting


def _is_of_a_wave(one: suspensions.Kept, since: datetime | None) -> bool:
    """Tell whether a setback may be a wave's, which stands since then; a reader complains in none."""
    if one.setback.kind is Kind.COMPLAINT:
        return False
    in_wave = since is not None and one.setback.at >= since
    return in_wave or one.standing == suspensions.WAVE


def of_households(households: Sequence[Household]) -> list[HouseholdReach]:
    """Return how the addresses of these households stand."""
    known = troubles()
    return [reach_of(household, known) for household in households]


def last_accepted(address: str, since: datetime) -> datetime | None:
    """Return when the last mail to an address was accepted, after `since`, that did not come back; or None."""
    try:
        return suspensions.accepted_at(parse_address(address).key, since)
    except AddressError:
        return None


def call_list(office: Office, schools: Sequence[str], actor: str) -> list[HouseholdReach]:
    """Return the households of these schools that want broadcasts and have no working address; the book says who asked.

    They come by school, grade and class.
    """
    known = troubles()
    found = [one for school in schools for one in _of_school(school, known) if one.must_be_called]
    with transaction():
        record(office, actor, "households.call_list", " ".join(schools), households=len(found))
    return found


def by_school(schools: Sequence[str]) -> dict[str, Figures]:
    """Return for each of these schools how many households have two, one and no working address."""
    known = troubles()
    return {school: figures(_of_school(school, known)) for school in schools}


def _of_school(school: str, known: Mapping[str, Trouble]) -> Iterator[HouseholdReach]:
    households = sorted(registry.registered(school), key=lambda one: (one.entry.grade, one.entry.class_name, one.id))
    return (reach_of(household, known) for household in households)
