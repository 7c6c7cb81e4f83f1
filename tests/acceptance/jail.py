"""How does an unpacked mail server run as if it were installed, and touch nothing outside?

In a root directory of its own (chroot): the package's tree by hard links, users and groups that exist only there, the
two devices that servers open, and the configuration of the test. It listens on addresses 127.x.y.z of this machine
at a port that was free, and dies with the test run. Needs root; raises `Lacking` where a machine does not let it.
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.packages import Lacking

START_SECONDS = 20.0
STOP_SECONDS = 10.0
DEVICES = {"null": (1, 3), "urandom": (1, 9)}
#: Who owns the mailboxes; like every number here it means nothing outside of the jail.
KEEPER = 64103
BOXES = "/var/mail/boxes"


@dataclass
class Jail:
    """A root directory for one server. `users` are the server's own, each with a group of its name."""

    root: Path
    users: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def build(cls, tree: Path, root: Path, users: Mapping[str, int]) -> "Jail":
        """Link the tree into `root` and furnish it."""
        if os.statvfs(root.parent).f_flag & os.ST_NOEXEC:
            raise Lacking(f"programs may not be run from {root.parent}")
        shutil.copytree(tree, root, symlinks=True, copy_function=_link)
        jail = cls(root, {**users, "keeper": KEEPER})
        jail._name_users()
        jail._make_devices()
        jail.directory("/tmp", mode=0o1777)
        jail.directory(BOXES, "keeper")
        return jail

    def path(self, inside: str) -> Path:
        """Return where a path inside the jail lies for everyone else."""
        return self.root / inside.lstrip("/")

    def directory(self, inside: str, owner: str = "", group: str = "", mode: int = 0o755) -> None:
        """Make a directory (and those above it) that belongs to a user and group, root where none is named."""
        path = self.path(inside)
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, self.users.get(owner, 0), self.users.get(group or owner, 0))
        path.chmod(mode)

    def file(self, inside: str, content: str, owner: str = "", mode: int = 0o644) -> None:
        """Write a file."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # it may be linked to the tree, which is to stay as it is
        path.write_text(content, encoding="utf-8")
        os.chown(path, self.users.get(owner, 0), 0)
        path.chmod(mode)

    def own(self, inside: str, owner: str, group: str, mode: int) -> None:
        """Give a program of the package to a user and group that exist only here; the tree stays as it is."""
        program = self.path(inside)
        copy = program.with_name(f"{program.name}.own")
        shutil.copy2(program, copy)
        os.chown(copy, self.users.get(owner, 0), self.users.get(group, 0))
        copy.chmod(mode)
        copy.replace(program)

    def _name_users(self) -> None:
        named = {"root": 0, "nobody": 65534, **self.users}
        self.file("/etc/passwd", "".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in named.items()))
        self.file("/etc/group", "".join(f"{name}:x:{number}:\n" for name, number in named.items()))

    def _make_devices(self) -> None:
        self.directory("/dev")
        try:
            for name, (major, minor) in DEVICES.items():
                path = self.path(f"/dev/{name}")
                os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))
                path.chmod(0o666)
                path.open("rb").close()
        except OSError as error:
            raise Lacking(f"no device can be made in a directory of the test: {error}") from error


def need_root() -> None:
    """Raise Lacking for whoever may not change the root directory."""
    if os.getuid() != 0:
        raise Lacking("an unpacked mail server runs in a root directory of its own, which takes root")


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)  # another file system


@dataclass
class Server:
    """A server that runs in its jail; `address` is one where it listens."""

    jail: Jail
    process: subprocess.Popen[bytes]
    address: str
    port: int

    @classmethod
    def start(cls, jail: Jail, command: Sequence[str], address: str, port: int) -> "Server":
        """Start a command that stays in the foreground and wait until it listens."""
        output = (jail.root / "output").open("wb")
        with output:
            process = subprocess.Popen(
                ("setpriv", "--pdeathsig", "KILL", "chroot", str(jail.root), *command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            )
        server = cls(jail, process, address, port)
        try:
            wait_until(server._listens, START_SECONDS, server.log)
        except BaseException:
            server.stop()
            raise
        return server

    def stop(self) -> None:
        """End the server and what it started."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def mails(self) -> Iterator[bytes]:
        """Yield every mail that lies in its mailboxes (Maildir), as it lies there."""
        for path in sorted(self.jail.path(BOXES).glob("*/new/*")):
            yield path.read_bytes()

    def log(self) -> str:
        """Return what the server said so far."""
        files = [self.jail.root / "output", *self.jail.path("/var/log").rglob("*")]
        return "\n".join(path.read_text("utf-8", "replace") for path in files if path.is_file())

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            socket.create_connection((self.address, self.port), 1).close()
        except OSError:
            return False
        return True


def free_port(addresses: Sequence[str]) -> int:
    """Return a port that is free at all these addresses of this machine."""
    for _ in range(100):
        port = random.randrange(20_000, 32_000)  # below what the system gives to outgoing connections
        if all(_is_free(address, port) for address in addresses):
            return port
    raise Lacking("no port is free on all loopback addresses")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def wait_until(done: Callable[[], object], seconds: float, explain: Callable[[], object] = str) -> None:
    """Wait until `done` is true; fail with what `explain` says after some seconds."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, explain()
        time.sleep(0.03)
