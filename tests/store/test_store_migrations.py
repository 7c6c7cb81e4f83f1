"""Do the migrations make exactly the tables that the models describe?"""

from pathlib import Path

import pytest

from mailer.store.database import Sqlite, StoreError, open_store
from mailer.store.schema import TABLES

HISTORY = "schema_migration"


def schema(store: Sqlite) -> dict[str, str]:
    """Return the statement that makes each table and index, but for the history of migrations."""
    rows = store.execute_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: sql for name, sql in rows if not name.startswith(HISTORY)}


def test_the_migrated_schema_is_that_of_the_models(store: Sqlite, tmp_path: Path) -> None:
    fresh = Sqlite(str(tmp_path / "fresh.db"))
    with fresh.bind_ctx(TABLES):
        fresh.create_tables(TABLES)
        expected = schema(fresh)
        fresh.close()
    assert schema(store) == expected


def test_a_store_without_its_schema_is_refused_unless_it_may_be_made(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="0001_first"):
        open_store(f"sqlite:///{tmp_path}/empty.db")


def test_a_store_of_a_newer_program_is_refused_and_left_alone(store: Sqlite, tmp_path: Path) -> None:
    store.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")
    before = schema(store)
    store.close()
    with pytest.raises(StoreError, match="newer"):
        open_store(f"sqlite:///{tmp_path}/mimamori.db", create=True)
    store.connect()
    assert schema(store) == before
