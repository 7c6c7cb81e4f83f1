"""How is one sending process put together?

The configuration, the store and the network of one worker meet here; `mailer.app` starts as many as there are cores,
and signs for them: a worker speaks to strangers and has no key.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from socket import socket
from zlib import crc32

from config import Settings
from config.carriers import load_carriers
from mailer.appliance import open_office
from mailer.clock import SteadyClock, elapsed
from mailer.dispatcher.dispatcher import Dispatcher
from mailer.dispatcher.letters import Letterhead, Letters
from mailer.dispatcher.means import Means
from mailer.keeping import Keeper, keeping
from mailer.liveness import alive
from mailer.net.dial import Dialler
from mailer.net.resolver import Resolver
from mailer.net.routes import Routing
from mailer.net.single import Messenger
from mailer.replying import Means as ReplyingMeans
from mailer.replying import Replying
from mailer.report_ways import reporting_means
from mailer.reporting import keep_reporting
from mailer.serve import beat
from mailer.service.office import Office
from mailer.signatory import Signatory
from mailer.store.reader import Reader
from mailer.store.writer import Writer
from mailer.tls_tally import Tally
from mailer.transport_security import TransportSecurity, transport_security

#: The worker that sends reports, and what mail to the schools led to: they go to strangers, and so not from the process
#: that has the keys.
REPORTER = "worker-1"


@dataclass(frozen=True, slots=True)
class Place:
    """What a worker's parent gives it: its number, how many workers there are, and the socket to who signs."""

    number: int
    workers: int
    signatory: socket

    @property
    def name(self) -> str:
        """The name under which it claims and leases."""
        return f"worker-{self.number}"

    def looks_first(self, domain: str) -> bool:
        """Tell whether this worker looks up a domain's way before the others: each domain has one that does."""
        return crc32(domain.encode()) % self.workers == self.number - 1


async def run(settings: Settings, place: Place, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Send until `stop` is set; `ready` is called once mail can be sent."""
    with alive(settings.state.directory):
        clock = SteadyClock()
        office = replace(open_office(settings), clock=clock, receiver=load_carriers(settings).name)
        writer, reader = Writer(), Reader()
        signatory = await Signatory.at(place.signatory)
        means = _means(settings, office, writer, reader, signatory)
        means = replace(
            means,
            worker=place.name,
            workers=place.workers,
            follow_clock=clock.follow_if,
            looks_first=place.looks_first,
        )
        tally = Tally(clock, writer)
        tls = transport_security(settings, office, writer, means.resolver, tally.observe)
        means = _protected(means, tls)
        keepers: list[Keeper] = [tls.keep_fresh, tally.keep_counting, beat]
        if place.name == REPORTER:
            keepers.append(partial(keep_reporting, office, writer, reporting_means(settings, signatory.sign)))
            keepers.append(Replying(office, writer, _replying(means, signatory)).keep)
        try:
            async with keeping(*keepers):
                ready()
                await Dispatcher(means).run(stop)
        finally:
            await tally.flush()
            signatory.close()
            await asyncio.to_thread(reader.close)
            await asyncio.to_thread(writer.close)


def _means(settings: Settings, office: Office, writer: Writer, reader: Reader, signatory: Signatory) -> Means:
    monotonic = asyncio.get_running_loop().time
    return Means(
        office=office,
        writer=writer,
        reader=reader,
        letters=_letters(settings, office),
        signatory=signatory,
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
            require_tls=frozenset(settings.delivery.require_tls_for),
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


def _protected(means: Means, tls: TransportSecurity) -> Means:
    """Let connections be as receivers demand."""
    routing = replace(means.routing, dane=tls.dane, sts=tls.sts, observe=tls.observe)
    dialler = replace(means.dialler, contexts=tls.contexts, observe=tls.observe, memory=tls.memory)
    return replace(means, routing=routing, dialler=dialler)


def _replying(means: Means, signatory: Signatory) -> ReplyingMeans:
    messenger = Messenger(means.resolver, means.routing, means.dialler)
    return ReplyingMeans(means.reader, messenger, signatory.sign, means.routing.require_tls)


def _letters(settings: Settings, office: Office) -> Letters:
    return Letters(
        Letterhead(
            domain=office.domain,
            base_url=office.base_url,
            schools=office.schools,
            receipt_key=office.receipt_key,
            verp=office.verp,
            require_tls=frozenset(settings.delivery.require_tls_for),
        )
    )
