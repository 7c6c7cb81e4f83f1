"""Is the store's file still the one that was opened?

SQLite goes on writing into a file that somebody has removed or replaced, and nothing looks wrong until the next start
finds another one, or none. Whoever is about to commit asks here first.
"""

from pathlib import Path

from peewee import OperationalError


class StoreGone(OperationalError):
    """The store's file was removed or replaced; the words say what to do."""


class StoreFile:
    """The file at a path, as it was when this was made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = _identity(path)

    def must_stand(self) -> None:
        """Raise StoreGone unless the path still names the same file."""
        if _identity(self.path) != self._opened:
            raise StoreGone(
                f"{self.path}: was removed or replaced while it was open; put the same file back,"
                " or restart the services if the one that is there now is meant"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
