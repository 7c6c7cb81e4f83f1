"""Is exactly one key of each algorithm active, and does a new one wait for its record?"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailer.domain.alarm import Kind
from mailer.service import alarm, audit, keys
from mailer.service.office import Office
from mailer.standing.key import KeyRefused, KeyState
from mailer.store.database import transaction

if TYPE_CHECKING:
    from tests.conftest import FakeClock

RSA, ED = "v=DKIM1; k=rsa; p=MIIB", "v=DKIM1; k=ed25519; p=11qY"


def register(office: Office, selector: str, algorithm: str, state: KeyState) -> None:
    keys.register(office, selector, algorithm, RSA if algorithm == "rsa" else ED, state, "test")


def states() -> dict[str, str]:
    return {key.selector: key.state.value for key in keys.list_()}


def test_active_selectors_are_rsa_first(office: Office) -> None:
    assert keys.active_selectors() == ()
    register(office, "a-ed", "ed25519", KeyState.ACTIVE)
    register(office, "b-rsa", "rsa", KeyState.ACTIVE)
    assert keys.active_selectors() == ("b-rsa", "a-ed")


def test_a_new_key_waits_and_replaces_the_old_one_of_its_kind(office: Office, clock: "FakeClock") -> None:
    register(office, "r1", "rsa", KeyState.ACTIVE)
    register(office, "e1", "ed25519", KeyState.ACTIVE)
    clock.advance(days=1)
    register(office, "r2", "rsa", KeyState.PENDING)
    assert keys.active_selectors() == ("r1", "e1")
    keys.activate(office, "r2", "test")
    assert states() == {"e1": "active", "r1": "retired", "r2": "active"}
    assert keys.active_selectors() == ("r2", "e1")


def test_a_second_active_key_retires_the_first(office: Office) -> None:
    register(office, "r1", "rsa", KeyState.ACTIVE)
    register(office, "r2", "rsa", KeyState.ACTIVE)
    assert states() == {"r1": "retired", "r2": "active"}


def test_what_is_kept_is_what_was_registered(office: Office, clock: "FakeClock") -> None:
    register(office, "r1", "rsa", KeyState.PENDING)
    (key,) = keys.list_()
    assert (key.algorithm, key.record, key.created_at) == ("rsa", RSA, clock.now)
    assert [(entry.action, entry.object) for entry in audit.list_()] == [("keys.new", "r1")]


@pytest.mark.parametrize("selector", ["", "A1", "a_b", "-a", "a-", "a.b", "a" * 64, "a\n", "鍵"])
def test_a_selector_is_one_label(office: Office, selector: str) -> None:
    with pytest.raises(KeyRefused) as refused:
        register(office, selector, "rsa", KeyState.PENDING)
    assert refused.value.reason == "bad_selector"


def test_what_cannot_be_done_is_refused(office: Office) -> None:
    register(office, "r1", "rsa", KeyState.ACTIVE)
    refusals: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: register(office, "r1", "rsa", KeyState.PENDING), "selector_taken"),
        (lambda: register(office, "d1", "dsa", KeyState.PENDING), "bad_algorithm"),
        (lambda: keys.activate(office, "r1", "test"), "not_pending"),
        (lambda: keys.activate(office, "r9", "test"), "unknown_selector"),
    )
    for work, reason in refusals:
        with pytest.raises(KeyRefused) as refused:
            work()
        assert refused.value.reason == reason


def test_an_active_key_that_cannot_be_read_is_one_alarm_until_it_can(office: Office) -> None:
    for troubles in ({"r1": "/k/r1.pem: there is no such file", "e1": "damaged"}, {"r1": "/k/r1.pem: gone"}):
        with transaction():
            keys.watch(office, troubles)
    (standing,) = alarm.list_()
    assert (standing.kind, standing.subject, standing.count) == (Kind.KEYS, "r1", 1)
    assert standing.words == "/k/r1.pem: there is no such file"
    with transaction():
        keys.watch(office, {})
    assert alarm.list_() == []
    assert {one.cleared_by for one in alarm.list_(ended=True)} == {alarm.BY_ITSELF}
