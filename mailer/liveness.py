"""Which processes of the mailer live?

One mailer works on a store at a time, and its workers may outlive it by some seconds: each process holds a lock on a
file in the state directory, which is free again at once when it dies, however it does.

Raises `AnotherMailer`.
"""

import asyncio
import contextlib
import fcntl
import itertools
import logging
from collections.abc import Iterator
from pathlib import Path

from mailer.files import open_shared

MAILER, WORKERS = "mailer.lock", "workers.lock"
POLL_SECONDS = 0.1
#: An orphan ends within some seconds.
POLLS_UNTIL_TOLD = 200

log = logging.getLogger(__name__)


class AnotherMailer(Exception):
    """A mailer already works on this store."""


@contextlib.contextmanager
def only_mailer(directory: Path) -> Iterator[None]:
    """Hold the lock that only one mailer can hold."""
    path = directory / MAILER
    with open_shared(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnotherMailer(f"{path}: another mailer works on this store; stop that one first") from None
        yield


@contextlib.contextmanager
def alive(directory: Path) -> Iterator[None]:
    """Hold the lock that all workers share."""
    with open_shared(directory / WORKERS) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def is_sending(directory: Path) -> bool | None:
    """Tell whether a worker lives; None where that cannot be found out. Reading only: nothing is made."""
    try:
        with (directory / WORKERS).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


async def all_gone(directory: Path) -> None:
    """Return when no worker lives; say so in the log while one does that should not."""
    with open_shared(directory / WORKERS) as lock:
        for polls in itertools.count():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if polls % POLLS_UNTIL_TOLD == POLLS_UNTIL_TOLD - 1:
                    log.error("%s: a worker of an earlier mailer does not end; nothing is sent until it has", lock.name)
                await asyncio.sleep(POLL_SECONDS)
            else:
                return
