"""Which DKIM keys has the domain, and in which state is each? Public halves only; the private ones are the mailer's."""

from mailer.standing.key import Key, KeyState
from mailer.store.models import DkimKey


def add(key: Key) -> None:
    """Write a new key; its selector must be new."""
    DkimKey.insert(
        selector=key.selector,
        algorithm=key.algorithm,
        public_key=key.record,
        state=key.state.value,
        created_at=key.created_at,
    ).execute()


def get(selector: str) -> Key | None:
    """Return the key of a selector, or None."""
    row = DkimKey.get_or_none(DkimKey.selector == selector)
    return None if row is None else _key(row)


def all_() -> list[Key]:
    """Return all keys, the oldest first."""
    return [_key(row) for row in DkimKey.select().order_by(DkimKey.created_at, DkimKey.selector)]


def set_state(selector: str, state: KeyState) -> None:
    """Write a key's new state."""
    DkimKey.update(state=state.value).where(DkimKey.selector == selector).execute()


def _key(row: DkimKey) -> Key:
    return Key(row.selector, row.algorithm, row.public_key, KeyState(row.state), row.created_at)
