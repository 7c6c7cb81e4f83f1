"""What is the smallest town in which the dispatcher can be seen at work?

A real store, a real DNS server, and real SMTP receivers on loopback; the dispatcher runs in the test's own loop.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from mailer.carrier.group import Carriers, Manners
from mailer.clock import elapsed, system_clock
from mailer.dispatcher.dispatcher import Dispatcher
from mailer.dispatcher.letters import Letterhead, Letters
from mailer.dispatcher.means import Means
from mailer.domain.household import Entry
from mailer.keyring import Keyring
from mailer.message.keys import public_value
from mailer.net.dial import Dialler
from mailer.net.resolver import Resolver
from mailer.net.routes import Routing
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.dns import DnsServer, Records
from mailer.rehearsal.ledger import Ledger
from mailer.rehearsal.moods import Mood
from mailer.rehearsal.receiver import Receiver, Surroundings
from mailer.service import broadcast, keys, roster
from mailer.service.office import Office
from mailer.standing.key import KeyState
from mailer.store.reader import Reader
from mailer.store.writer import Writer

KEYS = Path(__file__).parents[1] / "message" / "keys"
FREE = Manners(20, 100, None, None, 300)


@dataclass
class Town:
    """Domains and their receivers; `ledger(domain)` tells what really arrived."""

    office: Office
    dns: DnsServer
    receivers: Mapping[str, Receiver]
    port: int
    manners: Manners = FREE
    groups: Carriers | None = None
    sites: dict[str, Any] = field(default_factory=dict)

    def ledger(self, domain: str) -> Ledger:
        """Return what the receiver of a domain took."""
        return self.receivers[domain].desk.ledger

    def received(self) -> list[str]:
        """Return every recipient of every mail that came in whole, copies included."""
        return [
            address
            for receiver in self.receivers.values()
            for mail in receiver.desk.ledger.received
            for address in mail.recipients
        ]

    def register(self, addresses: list[str]) -> None:
        """Register one household for each address."""
        entries = [
            (line, Entry("t-daiichi", "1", "1", f"児童{line}", f"保護者{line}", f"login{line}", {1: address}, True))
            for line, address in enumerate(addresses, start=1)
        ]
        roster.import_entries(self.office, entries, "test")

    def send(self, *, urgent: bool = True, receipt: bool = True, expires: timedelta | None = None) -> str:
        """Send a broadcast to the school and return its id."""
        request = broadcast.BroadcastRequest(
            ("t-daiichi",),
            "不審者情報",
            "15時20分ごろ、\n校門の近くで。\n",
            receipt,
            urgent,
            "test",
            expires=expires,
            selectors=("rsa", "ed"),
        )
        return broadcast.send(self.office, request).id

    def show(self, announcement: str) -> dict[str, Any]:
        """Return what `broadcast show` says."""
        return broadcast.show(self.office, announcement)

    async def run_until(self, done: Callable[[], bool], seconds: float = 20.0) -> None:
        """Run a dispatcher until `done`, then stop it cleanly."""
        async with self.dispatching():
            await until(done, seconds)

    @contextlib.asynccontextmanager
    async def dispatching(self, worker: str = "worker-1", workers: int = 1) -> AsyncIterator[Dispatcher]:
        """Run a dispatcher, one of so many that share the queue, as long as the block lasts."""
        writer = Writer()
        stop = asyncio.Event()
        reader = Reader()
        dispatcher = Dispatcher(replace(self._means(writer, reader), worker=worker, workers=workers))
        running = asyncio.create_task(dispatcher.run(stop))
        try:
            yield dispatcher
        finally:
            stop.set()
            await running
            await asyncio.to_thread(reader.close)
            await asyncio.to_thread(writer.close)

    def _means(self, writer: Writer, reader: Reader) -> Means:
        office, monotonic = self.office, asyncio.get_running_loop().time
        head = Letterhead(office.domain, office.base_url, office.schools, office.receipt_key, office.verp)
        return Means(
            office,
            writer,
            reader,
            Letters(head),
            OwnKeys(Keyring(_pem)),
            self.groups or Carriers((), (), self.manners),
            Resolver([("127.0.0.1", self.dns.port)], timeout=1.0, lifetime=3.0, monotonic=monotonic),
            Routing(frozenset({"mx.ours.example"}), 5, True),
            Dialler("mx.ours.example", self.port, True, (), monotonic),
            elapsed,
        )


@dataclass
class OwnKeys:
    """A signatory in the same process."""

    keyring: Keyring

    async def sign(self, selectors: Sequence[str], digests: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
        """Sign at once."""
        return [[self.keyring.sign(name, one) for name, one in zip(selectors, mail, strict=True)] for mail in digests]


def _pem(selector: str) -> bytes:
    return (KEYS / {"rsa": "rsa2048.pem", "ed": "ed25519.pem"}[selector]).read_bytes()


async def until(done: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until `done`; fail with TimeoutError after some seconds."""
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 - the state waited for is in a store that tells nobody of its changes
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def town(office: Office, moods: Mapping[str, Mood], **terms: Any) -> AsyncIterator[Town]:
    """Build a town with a receiver for each domain and its mood."""
    receivers: dict[str, Receiver] = {}
    zone: dict[str, Records] = {}
    port = random.randrange(20_000, 60_000)
    for number, (domain, mood) in enumerate(moods.items(), start=1):
        desk = Desk(domain, mood, Ledger(domain, keep=None))
        receivers[domain] = Receiver(desk, Surroundings(system_clock))
        address = f"127.0.77.{number}"
        await receivers[domain].listen([address], port)
        zone[domain] = Records(mx=((10, f"mx.{domain}"),))
        zone[f"mx.{domain}"] = Records(a=(address,))
    for selector, algorithm in (("rsa", "rsa"), ("ed", "ed25519")):
        keys.register(office, selector, algorithm, public_value(_pem(selector)), KeyState.ACTIVE, "test")
    dns = DnsServer(zone)
    await dns.start()
    try:
        yield Town(office, dns, receivers, port, **terms)
    finally:
        for receiver in receivers.values():
            await receiver.stop()
        await dns.stop()
