"""How is the inbound service put together?

The one place where the configuration, the store and port 25 meet. This process holds no DKIM key and sends nothing:
mail that comes in is written down as it is, and read afterwards by a process that can do nothing else.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial

from config import Settings
from config.bounces import load_bounces
from config.carriers import load_carriers
from mailer.appliance import open_office
from mailer.handfuls import Handfuls
from mailer.keeping import keeping
from mailer.net.inbound import Inbound
from mailer.net.inbound_doors import Limits
from mailer.net.inbound_policy import policy
from mailer.net.inbound_session import House, Mail, NotKept, Take
from mailer.net.inbound_tls import Certificate
from mailer.net.sockets import listening
from mailer.reading import Reading, keep_reading
from mailer.reserve import Reserve
from mailer.sealed import SealedRoom
from mailer.sealed_room import Findings
from mailer.service import bounce, received_report, replies
from mailer.service.certificate import watch as watch_certificate
from mailer.service.intake import watch as watch_intake
from mailer.service.office import Office
from mailer.store.failure import FAILURES, is_full
from mailer.store.figures import spare_octets
from mailer.store.reader import Reader
from mailer.store.writer import Writer

_log = logging.getLogger(__name__)
SMALL, BIG = 16 * 1024, 256 * 1024
FEW = 16
MIB = 1024 * 1024
CERTIFICATE_SECONDS = 60.0
ROOM_SECONDS = 5.0


async def run(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Take mail in until `stop` is set; `ready` is called once peers can connect."""
    office = replace(open_office(settings, needs=("verp",)), receiver=load_carriers(settings).name)
    writer, arrived, certificate = Writer(), asyncio.Event(), own_certificate(settings)
    room = reserve(settings)
    home = house(settings, office, keeper(office, writer, arrived.set), room.holds, certificate)
    inbound = Inbound(home, limits(settings))
    try:
        async with (
            reading(settings, office, writer, arrived),
            kept_fresh(office, writer, certificate),
            keeping(partial(watch_room, office, writer, room)),
        ):
            try:
                await inbound.start(listening("smtp", settings.inbound.listen))
                ready()
                await stop.wait()
            finally:
                await inbound.close()
    finally:
        await asyncio.to_thread(writer.close)


@asynccontextmanager
async def reading(
    settings: Settings, office: Office, writer: Writer, arrived: asyncio.Event
) -> AsyncIterator[SealedRoom]:
    """Read what came in as long as the block lasts; what is unread then is read at the next start."""
    room, reader = SealedRoom(load_bounces(settings)), Reader()
    try:
        async with keeping(partial(keep_reading, Reading(office, writer, reader, room, learn, arrived))):
            yield room
    finally:
        await room.close()
        reader.close()


def limits(settings: Settings) -> Limits:
    """Return what one peer may cost us."""
    given = settings.inbound
    return Limits(
        seconds=given.timeout,
        connections=given.connections,
        connections_per_address=given.connections_per_network,
        connections_per_minute=given.connections_per_minute,
        size=given.size_megabytes * MIB,
    )


def learn(office: Office, mail_id: int, found: Findings) -> None:
    """Do what a mail that was read asks for; inside a Writer."""
    meaning = bounce.learn(office, mail_id, found.said)
    received_report.learn(office, mail_id, meaning, found.reported)
    replies.learn(office, mail_id, found.correspondence, found.said)


def own_certificate(settings: Settings) -> Certificate | None:
    """Return what STARTTLS is offered with, if it is."""
    files = settings.inbound
    return None if files.certificate is None or files.key is None else Certificate(files.certificate, files.key)


@asynccontextmanager
async def kept_fresh(office: Office, writer: Writer, certificate: Certificate | None) -> AsyncIterator[None]:
    """Follow a certificate's files, at SIGHUP at once, and call somebody before it ends, as long as the block lasts."""
    if certificate is None:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, certificate.refresh)
    try:
        async with keeping(partial(_follow, office, writer, certificate)):
            yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


async def _follow(office: Office, writer: Writer, certificate: Certificate) -> None:
    while True:
        try:
            certificate.refresh()
            await writer.do(partial(watch_certificate, office, certificate.ends_at, certificate.trouble))
        except Exception as error:
            _log.error("whether the certificate ends soon cannot be noted: %s", error)
        await asyncio.sleep(CERTIFICATE_SECONDS)


def reserve(settings: Settings) -> Reserve:
    """Return what must stay free for mail to be taken."""
    given = settings.inbound
    return Reserve(settings.state.directory, given.free_percent, given.free_megabytes, spare=spare_octets)


async def watch_room(office: Office, writer: Writer, room: Reserve) -> None:
    """Call somebody, and say so in the log, while mail is put off for lack of room; until cancelled."""
    before = ""
    while True:
        try:
            shortage = room.shortage()
            if shortage and not before:
                _log.warning("too little room in %s, mail is told to come later: %s", room.directory, shortage)
            elif before and not shortage:
                _log.info("enough room in %s again, mail is taken", room.directory)
            before = shortage
            await writer.do(partial(watch_intake, office, str(room.directory), shortage))
        except Exception as error:
            _log.error("whether there is room for mail cannot be noted: %s", error)
        await asyncio.sleep(ROOM_SECONDS)


def house(
    settings: Settings,
    office: Office,
    take: Take,
    has_room: Callable[[], bool],
    certificate: Certificate | None = None,
) -> House:
    """Return whose port 25 this is."""
    codes = [school.code for school in office.schools]
    home = policy(office.domain, codes, office.verp.read, office.verp.of_singles().read, replies.refusals(office))
    return House(
        hostname=settings.domain.hostname,
        policy=home,
        take=take,
        clock=office.clock,
        spool_directory=str(settings.state.directory),
        tls=lambda: None if certificate is None else certificate.context,
        has_room=has_room,
    )


def keeper(office: Office, writer: Writer, arrived: Callable[[], object]) -> Take:
    """Return what stores a mail, once for all its recipients, and returns the number it is kept under.

    `arrived` is called when one is kept. Big mails are packed and written one after another, and those that are not
    small a few at a time: together they would fill the memory, and one commit of all of them would lock the mailer out
    of the store.
    """
    one_by_one, few = asyncio.Semaphore(1), asyncio.Semaphore(FEW)

    def turn(octets: int) -> AbstractAsyncContextManager[None]:
        return nullcontext() if octets <= SMALL else few if octets <= BIG else one_by_one

    handfuls = Handfuls(writer, lambda packed: bounce.keep(office, packed)[0])

    async def take(mail: Mail) -> str:
        try:
            async with turn(mail.octets):
                # What is packed sooner than a thread is woken is packed here.
                packed = _packed(mail) if mail.octets <= SMALL else await asyncio.to_thread(_packed, mail)
                number = await handfuls.keep(packed)
        except (*FAILURES, OSError) as error:
            _log.error("a mail from %s could not be stored: %s", mail.peer, error)
            raise NotKept(no_room=is_full(error)) from error
        arrived()
        name = f"I{number:X}"
        nrcpt = len(mail.recipients)
        _log.info("%s: from=<%s>, client=unknown[%s], nrcpt=%d", name, mail.reverse_path, mail.peer, nrcpt)
        return name

    return take


def _packed(mail: Mail) -> bounce.Packed:
    return bounce.pack(
        bounce.InboundFacts(
            reverse_path=mail.reverse_path,
            forward_paths=tuple(recipient.forward_path for recipient in mail.recipients),
            peer=mail.peer,
            content=mail.trace + mail.content(),
            # A report goes to one reverse-path; whoever names several of our items reports none of the others.
            item_id=next((each.item_id for each in mail.recipients if each.item_id is not None), None),
        )
    )
