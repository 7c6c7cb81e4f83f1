"""How is the inbound service put together?

The one place where the configuration, the store and port 25 meet. This process holds no DKIM key and sends nothing:
mail that comes in is written down, and that is all.
"""

import asyncio
import logging
from collections.abc import Callable

from config import Settings
from mailer.appliance import open_office
from mailer.net.inbound import Inbound
from mailer.net.inbound_doors import Limits
from mailer.net.inbound_policy import Recipient, policy
from mailer.net.inbound_session import Full, House, Mail, Take
from mailer.net.sockets import listening
from mailer.service import bounce
from mailer.service.office import Office
from mailer.store.database import FAILURES
from mailer.store.writer import Writer

_log = logging.getLogger(__name__)


async def run(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Take mail in until `stop` is set; `ready` is called once peers can connect."""
    office = open_office(settings, needs=("verp",))
    writer = Writer()
    inbound = Inbound(house(settings, office, keeper(office, writer)), Limits(seconds=settings.inbound.timeout))
    try:
        await inbound.start(listening("smtp", settings.inbound.listen))
        ready()
        await stop.wait()
    finally:
        await inbound.close()
        await asyncio.to_thread(writer.close)


def house(settings: Settings, office: Office, take: Take) -> House:
    """Return whose port 25 this is."""
    codes = [school.code for school in office.schools]
    return House(
        hostname=settings.domain.hostname,
        policy=policy(office.domain, codes, office.verp.read),
        take=take,
        clock=office.clock,
        spool_directory=str(settings.state.directory),
    )


def keeper(office: Office, writer: Writer) -> Take:
    """Return what stores a mail, for all its recipients in one commit, and returns the numbers it is kept under."""

    async def take(mail: Mail) -> str:
        try:
            numbers = await writer.do(lambda: _keep(office, mail))
        except (*FAILURES, OSError) as error:
            _log.error("a mail from %s could not be stored: %s", mail.peer, error)
            raise Full from error
        names = ",".join(f"I{number:X}" for number in dict.fromkeys(numbers))
        _log.info("%s: from=<%s>, client=unknown[%s], nrcpt=%d", names, mail.reverse_path, mail.peer, len(numbers))
        return names

    return take


def _keep(office: Office, mail: Mail) -> list[int]:
    content = mail.trace + mail.content()
    return [bounce.take(office, _facts(mail, recipient, content)) for recipient in mail.recipients]


def _facts(mail: Mail, recipient: Recipient, content: bytes) -> bounce.InboundFacts:
    return bounce.InboundFacts(
        reverse_path=mail.reverse_path,
        forward_path=recipient.forward_path,
        peer=mail.peer,
        content=content,
        item_id=recipient.item_id,
    )
