"""Which DKIM keys sign our mail?

A key is registered with its public half; the private half is a file that only the mailer reads. A new key is pending
until its record stands in DNS; then it is activated, and the active key of the same algorithm retires. `init`
registers the first ones as active. What was announced goes on to be signed with the keys of its hour.
While the mailer cannot read an active one an alarm stands. Raises `KeyRefused`.
"""

from collections.abc import Mapping

from mailer.domain.alarm import Kind
from mailer.service import alarm
from mailer.service.audit import record
from mailer.service.office import Office
from mailer.standing.key import ALGORITHMS, Key, KeyRefused, KeyState, check_key
from mailer.store import alarms, keys
from mailer.store.database import transaction


def register(office: Office, selector: str, algorithm: str, public: str, state: KeyState, actor: str) -> Key:
    """Write down a new key ("rsa" or "ed25519"); `public` is the value of its DNS record. Raises KeyRefused."""
    check_key(selector, algorithm)
    with transaction():
        if keys.get(selector):
            raise KeyRefused("selector_taken", selector)
        key = Key(selector, algorithm, public, state, office.clock())
        keys.add(key)
        if state is KeyState.ACTIVE:
            _retire_others(key)
        record(office, actor, "keys.new", selector, algorithm=algorithm, state=state.value)
    return key


def activate(office: Office, selector: str, actor: str) -> None:
    """Sign with a pending key from now on; the active one of its algorithm retires. Raises KeyRefused."""
    with transaction():
        key = keys.get(selector)
        if key is None:
            raise KeyRefused("unknown_selector", selector)
        if key.state is not KeyState.PENDING:
            raise KeyRefused("not_pending", selector)
        _retire_others(key)
        keys.set_state(selector, KeyState.ACTIVE)
        record(office, actor, "keys.activate", selector)


def list_() -> list[Key]:
    """Return all keys, the oldest first."""
    return keys.all_()


def active_selectors() -> tuple[str, ...]:
    """Return the selectors that sign what is announced now: RSA first, which every receiver reads."""
    active = [key for key in keys.all_() if key.state is KeyState.ACTIVE]
    return tuple(key.selector for key in sorted(active, key=lambda key: ALGORITHMS.index(key.algorithm)))


def watch(office: Office, troubles: Mapping[str, str]) -> None:
    """Raise an alarm for each active key that cannot be read, and end those that are over; inside a Writer.

    `troubles` says why, by selector.
    """
    standing = alarms.standing(Kind.KEYS)
    for selector in standing - troubles.keys():
        alarm.clear(office, Kind.KEYS, selector)
    for selector in troubles.keys() - standing:
        alarm.raise_(office, Kind.KEYS, selector, troubles[selector])


def _retire_others(key: Key) -> None:
    for other in keys.all_():
        if other.selector != key.selector and other.algorithm == key.algorithm and other.state is KeyState.ACTIVE:
            keys.set_state(other.selector, KeyState.RETIRED)
