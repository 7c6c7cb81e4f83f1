"""How does a mail server of Debian's come to lie here unpacked, without being installed?

Debian takes one mail server at a time, so the package and the libraries it names are fetched and unpacked beside
each other into a tree of their own: a root directory for one server, down to its own C library. Trees are kept in the
directory for temporary files, of which nobody else may write a byte; delete it to fetch anew.

Raises `Lacking` where a machine cannot do that.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

USELESS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian")
MERGED = ("bin", "sbin", "lib", "lib64")
FOLLOWED = ("lib", "zlib")
COMMAND_SECONDS = 240


class Lacking(Exception):
    """This machine lacks something that the test needs; the words say what."""


def tree(package: str, *more: str) -> Path:
    """Return the tree of a package with its libraries and `more` packages; fetch it the first time."""
    with _cache() as cache:
        ready = cache / "+".join((package, *more))
        if not ready.exists():
            with tempfile.TemporaryDirectory(dir=cache) as directory:
                made = Path(directory) / "tree"
                _unpack(_fetch([package, *more], Path(directory)), made)
                made.rename(ready)
        return ready


@contextmanager
def _cache() -> Iterator[Path]:
    """Hold the cache alone: two test runs must not fetch the same at the same time."""
    cache = Path(tempfile.gettempdir()) / f"mimamori-test-servers-{os.getuid()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    found = cache.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or cache.is_symlink():
        raise Lacking(f"{cache} is open to others; remove it")
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield cache


def _closure(packages: Sequence[str]) -> list[str]:
    """Return the packages and every library that they, or those, depend on."""
    found = list(packages)
    asked: list[str] = []
    while new := [package for package in found if package not in asked]:
        asked += new
        lines = _run("apt-cache", "depends", "--important", *new).splitlines()
        named = [line.partition("Depends: ")[2] for line in lines if line.startswith("  ")]
        found += dict.fromkeys(name for name in named if name.startswith(FOLLOWED) and name not in found)
    return found


def _fetch(packages: Sequence[str], directory: Path) -> list[Path]:
    try:
        _run("apt-get", "download", *_closure(packages), cwd=directory)
    except Lacking:
        _run("apt-get", "update")  # a fresh machine knows no packages yet
        _run("apt-get", "download", *_closure(packages), cwd=directory)
    return sorted(directory.glob("*.deb"))


def _unpack(files: Sequence[Path], root: Path) -> None:
    root.mkdir()
    for file in files:
        _run("dpkg-deb", "--extract", str(file), str(root))
    for name in MERGED:
        if not (root / name).exists() and (root / "usr" / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for useless in (*(root / name for name in USELESS), *root.glob("usr/lib/*/gconv")):
        shutil.rmtree(useless, ignore_errors=True)


def _run(*command: str, cwd: Path | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise Lacking(f"Debian packages cannot be fetched here: {error}") from error
    if done.returncode:
        raise Lacking(f"Debian packages cannot be fetched here: {' '.join(command[:3])}: {done.stderr.strip()[-300:]}")
    return done.stdout
