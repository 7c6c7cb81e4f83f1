"""What has gone wrong with the store that was opened?"""

import apsw
from peewee import PeeweeException

#: What it may still raise: locked for too long, a full disk, a damaged file.
FAILURES = (PeeweeException, apsw.Error)


def flush_failed(error: Exception) -> bool:
    """Tell whether an error says that the disk did not keep what it was given (fsync or fdatasync failed)."""
    code = getattr(_told(error), "extendedresult", 0)
    return code in (apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC)


def is_locked(error: Exception) -> bool:
    """Tell whether somebody else kept the store locked for longer than we wait.

    Where that is the index of its log, as when a process stands still in the middle of a checkpoint, SQLite waits ten
    seconds by itself and calls it a protocol error (https://sqlite.org/rescode.html#protocol).
    """
    return isinstance(_told(error), apsw.BusyError | apsw.ProtocolError)


def is_full(error: Exception) -> bool:
    """Tell whether there was no room for a change."""
    return isinstance(_told(error), apsw.FullError)


def _told(error: Exception) -> Exception:
    """Return SQLite's own error, which peewee may have wrapped."""
    told: Exception = getattr(error, "orig", error)
    return told
