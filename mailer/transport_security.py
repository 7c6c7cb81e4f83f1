"""What does the mailer need to protect its connections?

Put together from the settings and the store: the TLS settings, the memory of hosts that offer TLS, and the keeper of
MTA-STS policies. What is learned is written by the store's writer and read by every process at its start.
"""

import asyncio
from dataclasses import dataclass
from functools import partial

from config import Settings, check_authorities
from mailer.net.demand import Observe
from mailer.net.handshake import Contexts
from mailer.net.https import Fetcher
from mailer.net.resolver import Resolver
from mailer.net.routes import may_be_dialled
from mailer.net.sts import Sts
from mailer.net.tls_memory import TlsMemory
from mailer.service import tls
from mailer.service.office import Office
from mailer.smtp.sts import KeptPolicy
from mailer.store.writer import Writer


@dataclass(frozen=True, slots=True)
class TransportSecurity:
    """What a Dialler and a Routing are given; `sts` None asks for no MTA-STS policy."""

    contexts: Contexts
    memory: TlsMemory
    dane: bool
    sts: Sts | None
    observe: Observe

    async def keep_fresh(self) -> None:
        """Keep what is known of policies from growing old, as long as this is not cancelled."""
        if self.sts is not None:
            await self.sts.keep_fresh()


@dataclass(frozen=True, slots=True)
class _Memory:
    """The store as the keeper of policies sees it."""

    writer: Writer

    async def load(self, domain: str) -> KeptPolicy | None:
        return await self.writer.do(partial(tls.sts_policy, domain))

    async def save(self, kept: KeptPolicy) -> None:
        await self.writer.do(partial(tls.remember_policy, kept))


def transport_security(
    settings: Settings, office: Office, writer: Writer, resolver: Resolver, observe: Observe
) -> TransportSecurity:
    """Return it for a mailer of this process; the store is open. Raises ConfigError for a bad `ca_file`."""
    check_authorities(settings)
    delivery, contexts = settings.delivery, Contexts(settings.delivery.ca_file)
    memory = TlsMemory(
        asyncio.get_running_loop().time,
        tls.hosts_with_tls(),
        lambda host: writer.submit(partial(tls.remember_host, office, host)),
    )
    sts = None
    if delivery.starttls and delivery.mta_sts:
        fetcher = Fetcher(resolver, contexts.trusted, partial(_may_be_asked, delivery.permit_private_destinations))
        sts = Sts(resolver, fetcher.fetch, _Memory(writer), office.clock)
        sts.know(tls.sts_policies())
    return TransportSecurity(contexts, memory, delivery.starttls and delivery.dane, sts, observe)


def _may_be_asked(permit_private: bool, address: str) -> bool:
    return permit_private or may_be_dialled(address)
