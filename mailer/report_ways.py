"""What does the sending of reports need?

Put together from the settings for `mailer.reporting`, by the mailer and by the command.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from config import Settings
from mailer.keyring import Keyring
from mailer.net.dial import Dialler
from mailer.net.handshake import any_certificate
from mailer.net.post import Poster
from mailer.net.resolver import Resolver
from mailer.net.routes import Routing, may_be_dialled
from mailer.net.single import Messenger
from mailer.report.tls_mail import sender
from mailer.reporting import Means, Sign


def reporting_means(settings: Settings, sign: Sign) -> Means:
    """Return it; `sign` signs with the domain's keys.

    Neither DANE nor MTA-STS is asked, and any certificate will do: a report about broken TLS must come through it.
    """
    monotonic, dns, delivery = asyncio.get_running_loop().time, settings.dns, settings.delivery
    resolver = Resolver(dns.nameservers, timeout=dns.timeout, lifetime=dns.lifetime, monotonic=monotonic)
    own = frozenset({settings.domain.hostname.lower()})
    routing = Routing(own, delivery.max_mx_hosts, delivery.permit_private_destinations)
    sources = tuple(delivery.source_addresses)
    dialler = Dialler(settings.domain.hostname, delivery.port, delivery.starttls, sources, monotonic)
    return Means(
        contact=settings.reports.contact or sender(settings.domain.name),
        sends=settings.reports.tls,
        resolver=resolver,
        messenger=Messenger(resolver, routing, dialler),
        poster=Poster(resolver, any_certificate(), partial(_may_be_asked, delivery.permit_private_destinations)),
        sign=sign,
    )


def _may_be_asked(permit_private: bool, address: str) -> bool:
    return permit_private or may_be_dialled(address)


def own_signatures(keyring: Keyring) -> Sign:
    """Return who signs where the keys are in this process."""

    async def sign(selectors: Sequence[str], digests: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
        return [[keyring.sign(name, one) for name, one in zip(selectors, mail, strict=True)] for mail in digests]

    return sign
