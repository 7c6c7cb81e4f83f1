"""Which ways out of the house are set, and what may the machine suffer from?

Put together from the configuration for `mailer.alarms.keep_alarms`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from config import CredentialError, Settings, read_webhook_secret
from mailer import errand
from mailer.alarms import STORE, Way
from mailer.clock import Clock
from mailer.domain.alarm import Kind, Message
from mailer.net import webhook
from mailer.service.watch import Troubles
from mailer.store.space import free_octets

MEGABYTE = 1_000_000


class Watched(Protocol):
    """A writer, as far as it says what ails it."""

    @property
    def failure(self) -> Exception | None:
        """The last error of the store itself, until it takes a write again."""


class Ailing(Protocol):
    """Who writes to the queue beside the workers, as far as it says why it cannot."""

    @property
    def trouble(self) -> str:
        """Why it cannot, or nothing."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A web server that is told by a signed request."""

    url: str
    secret: bytes
    clock: Clock
    name: str = "webhook"

    async def tell(self, message: Message) -> str:
        """Send it; return what went wrong."""
        fields = webhook.signed(self.secret, message.id, int(self.clock().timestamp()), message.body)
        return await webhook.post(self.url, fields, message.body)


@dataclass(frozen=True, slots=True)
class Command:
    """A program that is run for every alarm."""

    command: tuple[str, ...]
    name: str = "command"

    async def tell(self, message: Message) -> str:
        """Run it; return what went wrong."""
        variables = {f"MIMAMORI_ALARM_{name.upper()}": value for name, value in message.facts.items()}
        return await errand.run(self.command, message.body, variables)


@dataclass(frozen=True, slots=True)
class Blocked:
    """A way that is set and cannot be used: it says so in the log and the status, and the mail goes on."""

    name: str
    trouble: str

    async def tell(self, message: Message) -> str:
        """Return what is wrong."""
        return self.trouble


def alarm_ways(settings: Settings, clock: Clock) -> list[Way]:
    """Return the ways that are set."""
    ways: list[Way] = []
    if settings.alarm.webhook is not None:
        ways.append(_webhook(settings, settings.alarm.webhook, clock))
    if settings.alarm.command:
        ways.append(Command(settings.alarm.command))
    return ways


def _webhook(settings: Settings, url: str, clock: Clock) -> Way:
    try:
        return Webhook(url, read_webhook_secret(settings), clock)
    except CredentialError as error:
        return Blocked("webhook", str(error))


def troubles(settings: Settings, writer: Watched, writers: Mapping[str, Ailing]) -> Troubles:
    """Return what the machine suffers from now: a disk that is nearly full, a store or a queue that takes no write.

    `writers` are by the subject of their alarm.
    """
    found: dict[tuple[Kind, str], str] = {}
    directory = Path(urlsplit(settings.database.url).path).parent
    try:
        free = free_octets(directory) // MEGABYTE
    except OSError as error:
        return {STORE: str(error)}
    if free < settings.alarm.free_megabytes:
        found[Kind.DISK_LOW, str(directory)] = f"{free} MB"
    if writer.failure is not None:
        found[STORE] = str(writer.failure)
    for subject, one in writers.items():
        if one.trouble:
            found[Kind.QUEUE_STUCK, subject] = one.trouble
    return found
