"""Which sockets does a service listen on?

Those the service manager opened for it (sd_listen_fds(3), told apart by FileDescriptorName=), so that a
service needs no right to open a port below 1024; without a service manager those of `listen` in the
settings. Raises `ListenError` when an address cannot be bound.
"""

import os
import socket
from collections.abc import Mapping, Sequence

FIRST_PASSED = 3
BACKLOG = 512


class ListenError(OSError):
    """An address cannot be listened on; the words say which and why."""


def listening(
    name: str, addresses: Sequence[tuple[str, int]], environ: Mapping[str, str] = os.environ
) -> list[socket.socket]:
    """Return listening TCP sockets: those passed under `name`, else new ones for each (host, port).

    Nothing passed and no addresses gives an empty list: the service then has no door.
    """
    return _passed(name, environ) or _bound(addresses)


def _passed(name: str, environ: Mapping[str, str]) -> list[socket.socket]:
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(environ.get("LISTEN_FDS", "0"))
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    numbers = range(FIRST_PASSED, FIRST_PASSED + count)
    return [_adopt(number) for number, given in zip(numbers, names, strict=False) if given == name]


def _adopt(number: int) -> socket.socket:
    os.set_inheritable(number, False)
    return socket.socket(fileno=number)


def _bound(addresses: Sequence[tuple[str, int]]) -> list[socket.socket]:
    opened: list[socket.socket] = []
    try:
        for host, port in addresses:
            opened.append(_bind(host, port))
    except OSError as error:
        for each in opened:
            each.close()
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ListenError(f"{host}:{port}: cannot be listened on ({reason})") from error
    return opened


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=False)
    made.setblocking(False)
    return made
