"""How much room is left for the store, and did something fail because there was none?

SQLite says “full” when it cannot write a change. When there is no room for the small file that its readers share, it
speaks of an I/O error; only the disk itself tells that one from a broken disk.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw

#: What opening the store needs beside it: SQLite makes its shared index in steps of 32 KiB.
ROOM_TO_OPEN = 64 * 1024
#: With less than this nothing new is begun: what is under way can still be written down.
RESERVE = 8 * 1024 * 1024


def free_octets(directory: Path) -> int:
    """Return how many octets we may still write in a directory."""
    return shutil.disk_usage(directory).free


def is_short(directory: Path) -> bool:
    """Tell whether so little room is left in a directory that nothing new may be begun."""
    return free_octets(directory) < RESERVE


def ran_out(error: BaseException, directory: Path) -> bool:
    """Tell whether a failure of the store in this directory came from a full disk."""
    causes = list(_causes(error))
    if any(isinstance(cause, apsw.FullError) for cause in causes):
        return True
    return any(isinstance(cause, apsw.IOError) for cause in causes) and free_octets(directory) < ROOM_TO_OPEN


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
