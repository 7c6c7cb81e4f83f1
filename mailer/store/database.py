"""How is the store opened, and what is one transaction?

SQLite through apsw, because the SQLite of Debian 12 can corrupt a WAL when two processes write (fixed in
3.51.3). synchronous=FULL: what was committed survives a power cut. Every write is one `transaction`.

Raises `StoreError` when the file cannot be opened, is newer than this program or runs on an unsafe SQLite.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw
from peewee import PeeweeException
from playhouse.apsw_ext import APSWDatabase

from mailer.store.models import database

SAFE_SQLITE = (3, 51, 3)
MIGRATIONS = Path(__file__).with_name("migrations")
HISTORY = "schema_migration"
APPLIED = "SELECT name FROM schema_migration"
PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    "foreign_keys": 1,
    "temp_store": "memory",
    "cache_size": -16_000,
    "wal_autocheckpoint": 4_000,
    "journal_size_limit": 64 * 1024 * 1024,
}
BUSY_SECONDS = 30


class StoreError(Exception):
    """The store cannot be used; the words say why and what to do."""


class Sqlite(APSWDatabase):  # type: ignore[misc]  # peewee ships no types for its apsw support
    """SQLite through apsw; times of peewee's own tables (the history of migrations) are stored as text."""

    def _add_conn_hooks(self, conn: apsw.Connection) -> None:
        conn.convert_binding = lambda _cursor, _number, value: str(value)
        super()._add_conn_hooks(conn)


def open_store(url: str, *, create: bool = False) -> Sqlite:
    """Open the store at `sqlite:///PATH`, bind the models to it and return it.

    With `create` a missing file is made; pending migrations are applied, each whole or not at all.
    Without it a missing file or a pending migration is a StoreError, so that no verb changes a schema by accident.
    """
    path = _path(url)
    if not create and not path.exists():
        raise StoreError(f"{path}: there is no store here; run `mimamori init` first")
    _refuse_unsafe_sqlite()
    opened = Sqlite(str(path), pragmas=PRAGMAS, timeout=BUSY_SECONDS)
    try:
        opened.connect()
    except (PeeweeException, apsw.Error) as error:
        raise StoreError(f"{path}: cannot be opened ({error})") from error
    if create:
        # The three services run as users of one group; SQLite gives its side files the mode of this one.
        path.chmod(0o660)
    database.initialize(opened)
    _migrate(opened, path, apply=create)
    return opened


def _path(url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise StoreError(f"[database] url {parts.scheme}: only sqlite:///PATH is served by this version")
    return Path(parts.path)


def _refuse_unsafe_sqlite() -> None:
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < SAFE_SQLITE:
        raise StoreError(f"SQLite {apsw.sqlite_lib_version()} may corrupt the store; 3.51.3 or newer is needed")


def _migrate(opened: Sqlite, path: Path, *, apply: bool) -> None:
    known, applied = {step.stem for step in MIGRATIONS.glob("[0-9]*.py")}, _applied(opened)
    if newer := sorted(applied - known):
        raise StoreError(f"{path}: written by a newer mimamori ({newer[-1]}) and left as it was; install that one")
    pending = sorted(known - applied)
    if pending and not apply:
        raise StoreError(f"{path}: its schema lacks {pending[0]}; run `mimamori init` to bring it up to date")
    if pending:
        from playhouse.migrations import Runner

        Runner(opened, str(MIGRATIONS), table_name=HISTORY).up()


def _applied(opened: Sqlite) -> set[str]:
    """Return the migrations that the store has had."""
    if not opened.table_exists(HISTORY):
        return set()
    return {name for (name,) in opened.execute_sql(APPLIED)}


@contextmanager
def transaction() -> Iterator[None]:
    """One whole change: all of it is durable when the block ends, or none of it happened.

    The write lock is taken at the start, so that nothing read inside can be out of date when it is written.
    """
    with database.atomic("IMMEDIATE"):
        yield


def prove_writable() -> None:
    """Write what stands there already: nothing changes, and yet a page must reach the disk; in a transaction."""
    ((number,),) = select("PRAGMA user_version")
    change(f"PRAGMA user_version = {number:d}")


def executemany(sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run one statement for many rows; for the queue's hot path, where a model per row is too slow."""
    if rows:
        database.connection().cursor().executemany(sql, rows)


def rows(sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the rows of one query one by one, as far as somebody asks for them."""
    return iter(database.connection().cursor().execute(sql, parameters))


def select(sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Return all rows of one query."""
    return list(database.connection().cursor().execute(sql, parameters))


def version() -> int:
    """Return a number that changes whenever another connection has committed; asking costs next to nothing."""
    return int(select("PRAGMA data_version")[0][0])


def select_each(sql: str, parameters: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return the rows of one query asked once for each row of parameters, in their order."""
    return list(database.connection().cursor().executemany(sql, parameters)) if parameters else []


def change(sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> int:
    """Run one statement and return how many rows it changed."""
    cursor = database.connection().cursor()
    cursor.execute(sql, parameters)
    return int(cursor.connection.changes())
