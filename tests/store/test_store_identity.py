"""Is it noticed that the store's file was removed or replaced under us, and forgotten once it is back?"""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailer.store.database import Sqlite, change
from mailer.store.identity import StoreFile, StoreGone
from mailer.store.writer import Writer


def replace(file: Path) -> None:
    """Put another file there."""
    other = file.with_name("other")
    other.touch()
    other.replace(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file."""
    made = tmp_path / "store"
    made.touch()
    return made


@pytest.mark.parametrize("disturb", [Path.unlink, replace])
def test_a_file_that_is_another_one_or_none_is_told(file: Path, disturb: Callable[[Path], object]) -> None:
    store_file = StoreFile(file)
    store_file.must_stand()
    disturb(file)
    with pytest.raises(StoreGone, match=f"{file}: was removed or replaced"):
        store_file.must_stand()


def test_a_file_that_is_put_back_is_the_same(file: Path) -> None:
    store_file = StoreFile(file)
    file.rename(file.with_name("away"))
    file.with_name("away").rename(file)
    store_file.must_stand()


def test_a_writer_writes_nothing_while_the_file_is_away_and_goes_on_when_it_is_back(
    store: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.store.writer.TRY_SECONDS", 0.01)
    file = Path(store.database)
    writer = Writer()
    writer.submit(lambda: change("PRAGMA user_version = 1")).result(10)
    file.rename(file.with_name("away"))
    with pytest.raises(StoreGone):
        writer.submit(lambda: change("PRAGMA user_version = 2")).result(10)
    assert isinstance(writer.failure, StoreGone)
    file.with_name("away").rename(file)
    writer.submit(lambda: change("PRAGMA user_version = 3")).result(10)
    assert writer.failure is None
    writer.close()
