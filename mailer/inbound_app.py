"""How is the inbound service put together?

The one place where the configuration, the store and port 25 meet. This process holds no DKIM key and sends nothing:
mail that comes in is written down, and that is all.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace

from config import Settings
from config.bounces import load_bounces
from config.carriers import load_carriers
from mailer.appliance import open_office
from mailer.bounce.event import ReadMail
from mailer.bounce.parse import read
from mailer.bounce.rulebook import Rulebook
from mailer.mime.correspondence import Correspondence, read_correspondence
from mailer.mime.entity import read_mail
from mailer.net.inbound import Inbound
from mailer.net.inbound_doors import Limits
from mailer.net.inbound_policy import policy
from mailer.net.inbound_session import House, Mail, NotKept, Take
from mailer.net.sockets import listening
from mailer.report import received
from mailer.report.received import Received
from mailer.service import bounce, received_report, replies
from mailer.service.office import Office
from mailer.store.database import FAILURES, is_full
from mailer.store.writer import Writer

_log = logging.getLogger(__name__)
BIG = 256 * 1024


async def run(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Take mail in until `stop` is set; `ready` is called once peers can connect."""
    office = replace(open_office(settings, needs=("verp",)), receiver=load_carriers(settings).name)
    writer = Writer()
    inbound = Inbound(
        house(settings, office, keeper(office, writer, load_bounces(settings))),
        Limits(seconds=settings.inbound.timeout),
    )
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
    home = policy(office.domain, codes, office.verp.read)
    return House(
        hostname=settings.domain.hostname,
        policy=replace(home, singles=office.verp.of_singles().read, refusals=replies.refusals(office)),
        take=take,
        clock=office.clock,
        spool_directory=str(settings.state.directory),
    )


def keeper(office: Office, writer: Writer, book: Rulebook) -> Take:
    """Return what stores a mail, once for all its recipients, and returns the number it is kept under.

    Big mails are read and written one after another: together they would fill the memory, and one commit of all of
    them would lock the mailer out of the store.
    """
    one_by_one = asyncio.Lock()

    async def take(mail: Mail) -> str:
        try:
            async with one_by_one if mail.octets > BIG else nullcontext():
                packed, contents = await asyncio.to_thread(_read, mail, book)
                number = await writer.do(lambda: _kept(office, packed, contents))
        except (*FAILURES, OSError) as error:
            _log.error("a mail from %s could not be stored: %s", mail.peer, error)
            raise NotKept(no_room=is_full(error)) from error
        name = f"I{number:X}"
        nrcpt = len(mail.recipients)
        _log.info("%s: from=<%s>, client=unknown[%s], nrcpt=%d", name, mail.reverse_path, mail.peer, nrcpt)
        return name

    return take


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a mail says: of the mail it speaks of, in a report, and in its header."""

    said: ReadMail
    reported: Received | None
    correspondence: Correspondence


def _read(mail: Mail, book: Rulebook) -> tuple[bounce.Packed, _Contents]:
    facts = bounce.InboundFacts(
        reverse_path=mail.reverse_path,
        forward_paths=tuple(recipient.forward_path for recipient in mail.recipients),
        peer=mail.peer,
        content=mail.trace + mail.content(),
        # A report goes to one reverse-path; whoever names several of our items in one mail reports none of the others.
        item_id=next((each.item_id for each in mail.recipients if each.item_id is not None), None),
    )
    correspondence = read_correspondence(read_mail(facts.content))
    contents = _Contents(read(facts.content, book), received.read(facts.content), correspondence)
    return bounce.pack(facts), contents


def _kept(office: Office, packed: bounce.Packed, mail: _Contents) -> int:
    number, is_new = bounce.keep(office, packed)
    if is_new:
        meaning = bounce.learn(office, number, mail.said)
        received_report.learn(office, number, meaning, mail.reported)
        replies.learn(office, number, mail.correspondence, mail.said)
    return number
