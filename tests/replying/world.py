"""To whom does a test send single mails? Real DNS and receivers on loopback, for phones and for a school's mailbox."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mailer.clock import system_clock
from mailer.net.dial import Dialler
from mailer.net.resolver import Resolver
from mailer.net.routes import Routing
from mailer.net.single import Messenger
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.dns import DnsServer, Records
from mailer.rehearsal.ledger import Ledger, Mail
from mailer.rehearsal.moods import Mood
from mailer.rehearsal.receiver import Receiver, Surroundings

PHONES, CITY = "phones.example", "city.example"
ADDRESSES = {PHONES: "127.0.77.1", CITY: "127.0.77.2"}


@dataclass
class World:
    """Who is there, and at which port."""

    dns: DnsServer
    port: int
    receivers: Mapping[str, Receiver]

    def arrived(self) -> list[tuple[Mail, bytes]]:
        """Return every mail that came in whole, answered or not."""
        return [each for receiver in self.receivers.values() for each in receiver.desk.ledger.contents]

    def got(self, address: str) -> list[bytes]:
        """Return the contents of the mails that came for an address."""
        return [content for mail, content in self.arrived() if address in mail.recipients]

    def reverse_paths(self, address: str) -> list[str]:
        """Return the reverse-paths of the mails that came for an address."""
        return [mail.reverse_path for mail, _ in self.arrived() if address in mail.recipients]

    def messenger(self) -> Messenger:
        """Return who hands mail over here."""
        monotonic = asyncio.get_running_loop().time
        resolver = Resolver([("127.0.0.1", self.dns.port)], timeout=1.0, lifetime=3.0, monotonic=monotonic)
        dialler = Dialler("mx.ours.example", self.port, False, (), monotonic)
        return Messenger(resolver, Routing(frozenset(), 5, True), dialler)


@asynccontextmanager
async def world(mood: Mood | None = None) -> AsyncIterator[World]:
    """Build it; `mood` is that of both receivers."""
    zone = {domain: Records(mx=((10, f"mx.{domain}"),)) for domain in ADDRESSES}
    zone |= {f"mx.{domain}": Records(a=(address,)) for domain, address in ADDRESSES.items()}
    dns, surroundings = DnsServer(zone), Surroundings(system_clock)
    await dns.start()
    desks = {name: Desk(name, mood or Mood(), Ledger(name, keep=None)) for name in ADDRESSES}
    receivers = {name: Receiver(desk, surroundings) for name, desk in desks.items()}
    port = 0
    for name, address in ADDRESSES.items():
        port = await receivers[name].listen([address], port)
    try:
        yield World(dns, port, receivers)
    finally:
        for receiver in receivers.values():
            await receiver.stop()
        await dns.stop()
