"""How does a bare Debian come to lie here, and what runs in it?

debootstrap makes a minimal tree of a release once and keeps it in the directory for temporary files; every test works
on a copy. Commands run in it as in a machine of their own (systemd-nspawn), in an environment that is as good as
empty: no locale, no log, no service manager. Needs root; delete the directory to fetch anew.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.boot import network

ROOT = Path(__file__).resolve().parents[2]
RELEASES = ("bookworm", "trixie")
TOOLS = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux"}
CHECKOUT = "/src"
BARE_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
FETCH_SECONDS = 900
NSPAWN = ("systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--timezone=off")


@dataclass(frozen=True)
class Done:
    """A command that ended: its exit status and all that it said."""

    status: int
    said: str


@dataclass(frozen=True)
class Tree:
    """The root directory of a Debian."""

    root: Path

    def run(
        self, *command: str, user: str = "root", online: bool = True, seconds: float = 600, **variables: str
    ) -> Done:
        """Run a command in the tree, as if at a machine without a service manager."""
        reach = [f"--bind-ro={bind}" for bind in network.binds()] if online else ["--private-network"]
        given = {**BARE_ENVIRONMENT, **(network.environment() if online else {})}
        home = "/root" if user == "root" else f"/home/{user}"
        words = ("env", "-i", f"HOME={home}", *(f"{name}={value}" for name, value in given.items()), *command)
        place = (f"--directory={self.root}", f"--chdir={CHECKOUT}", f"--user={user}", "--pipe", "--as-pid2")
        return run(*NSPAWN, *place, *reach, *words, seconds=seconds)

    def check(self, *command: str, user: str = "root", online: bool = True, seconds: float = 900) -> str:
        """Run a command that must succeed; return what it said."""
        done = self.run(*command, user=user, online=online, seconds=seconds)
        assert done.status == 0, f"{' '.join(command)}: {done.status}\n{done.said[-6000:]}"
        return done.said

    def path(self, inside: str) -> Path:
        """Return where a path of the tree lies for everyone else."""
        return self.root / inside.lstrip("/")


@contextmanager
def bare_tree(release: str) -> Iterator[Tree]:
    """Yield a bare tree of a release with a copy of this checkout in it; it is gone afterwards."""
    with _cache() as cache:
        pristine = _pristine(cache, release)
        directory = Path(tempfile.mkdtemp(prefix=f"{release}.", dir=cache))
        root = directory / "vm"
        check("cp", "-a", "--reflink=auto", str(pristine), str(root))
    try:
        tree = Tree(root)
        leave_out = shutil.ignore_patterns(".*", "__pycache__")
        shutil.copytree(ROOT, tree.path(CHECKOUT), ignore=leave_out)
        yield tree
    finally:
        check("rm", "-rf", "--one-file-system", str(directory))


def run(*command: str, seconds: float = 60) -> Done:
    """Run a command here, and take what it starts along when it takes too long."""
    done = subprocess.run(
        ("setpriv", "--pdeathsig", "KILL", "timeout", "--kill-after=10", str(seconds), *command),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"))


def check(*command: str, seconds: float = 120) -> str:
    """Run a command here that must succeed."""
    done = run(*command, seconds=seconds)
    assert done.status == 0, f"{' '.join(command)}: {done.status}\n{done.said[-6000:]}"
    return done.said


@contextmanager
def _cache() -> Iterator[Path]:
    """Hold the cache alone; nobody else may have written a byte of it."""
    cache = Path(tempfile.gettempdir()) / f"mimamori-test-trees-{os.getuid()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    found = cache.lstat()
    assert found.st_uid == os.getuid(), f"{cache} belongs to somebody else; remove it"
    assert not cache.is_symlink(), f"{cache} is a link; remove it"
    assert found.st_mode & 0o077 == 0, f"{cache} is open to others; remove it"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield cache


def _pristine(cache: Path, release: str) -> Path:
    pristine = cache / release
    if not pristine.exists():
        with tempfile.TemporaryDirectory(dir=cache) as directory:
            made = Path(directory) / "tree"
            check("debootstrap", "--variant=minbase", release, str(made), seconds=FETCH_SECONDS)
            made.rename(pristine)
    return pristine
