"""How is the mailer put together?

The one place where the configuration, the store, the keys and the network of the sending service meet. One mailer
works on a store at a time: a lock on a file in the state directory sees to it, so that what another one claimed is
known to be lost when this one starts.

Raises `AnotherMailer`.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from config import Settings, load_carriers, read_dkim_key
from mailer.appliance import open_office
from mailer.clock import SteadyClock
from mailer.dispatcher.dispatcher import Dispatcher, Means
from mailer.dispatcher.letters import Desk, Letters
from mailer.ids import random_id
from mailer.keyring import Keyring
from mailer.net.dial import Dialler
from mailer.net.resolver import Resolver
from mailer.net.routes import Routing
from mailer.service.office import Office
from mailer.store.writer import Writer
from mailer.timers import keep_time


class AnotherMailer(Exception):
    """A mailer already works on this store."""


async def run(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Send until `stop` is set; `ready` is called once mail can be sent."""
    with only_mailer(settings.state.directory):
        clock = SteadyClock()
        office = replace(open_office(settings), clock=clock)
        writer = Writer()
        means = _means(settings, office, writer)
        timers = asyncio.create_task(keep_time(office, writer, clock))
        try:
            ready()
            await Dispatcher(means).run(stop)
        finally:
            timers.cancel()
            await asyncio.to_thread(writer.close)


@contextlib.contextmanager
def only_mailer(directory: Path) -> Iterator[None]:
    """Hold the lock that only one mailer can hold; it is free again at once when the process dies."""
    path = directory / "mailer.lock"
    with os.fdopen(_lock_file(path), "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnotherMailer(f"{path}: another mailer works on this store; stop that one first") from None
        yield


def _lock_file(path: Path) -> int:
    """Open it; whoever makes it, root by hand or the service's user, the group may lock it too, whatever the umask."""
    try:
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, os.O_RDWR)
    os.fchmod(made, 0o660)
    return made


def _means(settings: Settings, office: Office, writer: Writer) -> Means:
    monotonic = asyncio.get_running_loop().time
    return Means(
        office=office,
        writer=writer,
        letters=_letters(settings, office),
        carriers=load_carriers(settings),
        resolver=Resolver(
            settings.dns.nameservers,
            timeout=settings.dns.timeout,
            lifetime=settings.dns.lifetime,
            monotonic=monotonic,
        ),
        routing=Routing(
            own=frozenset({settings.domain.hostname.lower()}),
            most_addresses=settings.delivery.max_mx_hosts,
            permit_private=settings.delivery.permit_private_destinations,
        ),
        dialler=Dialler(
            hostname=settings.domain.hostname,
            port=settings.delivery.port,
            starttls=settings.delivery.starttls,
            source_addresses=tuple(settings.delivery.source_addresses),
            monotonic=monotonic,
        ),
        worker=f"{os.getpid()}-{random_id('W')}",
    )


def _letters(settings: Settings, office: Office) -> Letters:
    keyring = Keyring(partial(read_dkim_key, settings))
    return Letters(
        Desk(
            domain=office.domain,
            base_url=office.base_url,
            schools=office.schools,
            receipt_key=office.receipt_key,
            verp=office.verp,
            signers=keyring.signers,
        )
    )
