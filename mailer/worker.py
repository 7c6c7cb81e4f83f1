"""How is one sending process put together?

The configuration, the store, the keys and the network of one worker meet here; `mailer.app` starts as many as there are
cores. As long as it lives it holds a shared lock on a file in the state directory, so that the next mailer knows when
the workers of a killed one are gone.
"""

import asyncio
import contextlib
import fcntl
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from config import Settings, load_carriers, read_dkim_key
from mailer.appliance import open_office
from mailer.clock import SteadyClock, elapsed
from mailer.dispatcher.dispatcher import Dispatcher, Means
from mailer.dispatcher.letters import Desk, Letters
from mailer.files import open_shared
from mailer.keyring import Keyring
from mailer.net.dial import Dialler
from mailer.net.resolver import Resolver
from mailer.net.routes import Routing
from mailer.service.office import Office
from mailer.store.reader import Reader
from mailer.store.writer import Writer

LOCK = "workers.lock"
POLL_SECONDS = 0.1


async def run(settings: Settings, name: str, workers: int, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Send until `stop` is set, as one of so many workers; `ready` is called once mail can be sent."""
    with alive(settings.state.directory):
        clock = SteadyClock()
        office = replace(open_office(settings), clock=clock)
        writer, reader = Writer(), Reader()
        means = replace(_means(settings, office, writer, reader), worker=name, workers=workers, set_clock=clock.shift)
        try:
            ready()
            await Dispatcher(means).run(stop)
        finally:
            await asyncio.to_thread(reader.close)
            await asyncio.to_thread(writer.close)


@contextlib.contextmanager
def alive(directory: Path) -> Iterator[None]:
    """Hold the lock that all workers share."""
    with open_shared(directory / LOCK) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


async def all_gone(directory: Path) -> None:
    """Return when no worker lives."""
    with open_shared(directory / LOCK) as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(POLL_SECONDS)
            else:
                return


def _means(settings: Settings, office: Office, writer: Writer, reader: Reader) -> Means:
    monotonic = asyncio.get_running_loop().time
    return Means(
        office=office,
        writer=writer,
        reader=reader,
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
        elapsed=elapsed,
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
