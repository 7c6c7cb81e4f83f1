"""How is a small file written so that it is whole or not there, and never over another?"""

import os
import stat
from pathlib import Path
from typing import IO


def write_new(path: Path, text: str, *, mode: int) -> bool:
    """Write a file that is not there yet, whole and synced; return False and change nothing if it is there.

    The file appears under its name only when all of it is on the disk. Raises OSError.
    """
    make_directory(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as out:
        os.fchmod(out.fileno(), mode)
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    _sync_directory(path.parent)
    return True


def open_shared(path: Path) -> IO[str]:
    """Open a file, made if it is not there; whoever makes it, root or the service's user, the group may use it, too."""
    try:
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.fdopen(os.open(path, os.O_RDWR), "r+")
    os.fchmod(made, 0o660)
    return os.fdopen(made, "r+")


def make_directory(path: Path) -> None:
    """Make a directory that is not there yet, open to its owner and readable to its group, whatever the umask."""
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        return
    # What it took from the directory above (set-group-ID) stays.
    path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o777 | 0o750)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
