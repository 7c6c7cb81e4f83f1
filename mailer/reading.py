"""When is a mail that came in read, and what if it cannot be?

Port 25 keeps a mail as it is; here the unread ones, also those that an earlier process left, are read by a sealed
process (`mailer.sealed`): what came to a return address of ours first, then the oldest. What a mail says is applied in
one transaction, with which it counts as read. A mail that the reader dies over, or whose findings cannot be applied, is
kept for a person.
"""

import asyncio
import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from mailer.sealed import SealedRoom, Unreadable
from mailer.sealed_room import Findings
from mailer.service import arrivals
from mailer.service.office import Office
from mailer.store.failure import FAILURES
from mailer.store.reader import Reader
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

#: How many mails are read before the store is asked for more, and after how many seconds it is asked again: mails that
#: take long must not keep one waiting that goes before them.
HANDFUL, HANDFUL_SECONDS = 50, 1.0
#: How long nothing must have come in before a handful is read, and after how many such moments it is read anyway.
MOMENT, MOST_MOMENTS = 0.05, 20
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
#: What a mail that was read asks for, in a transaction: `service.bounce.learn`.
Learn = Callable[[Office, int, Findings], Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading takes; whoever keeps a mail sets `arrived`."""

    office: Office
    writer: Writer
    reader: Reader
    room: SealedRoom
    learn: Learn
    arrived: asyncio.Event


async def keep_reading(reading: Reading) -> None:
    """Read what is unread, and what comes, until cancelled."""
    pause = FIRST_PAUSE
    while True:
        reading.arrived.clear()
        try:
            await read_all(reading)
        except Exception as error:
            # What is unread stays so in the store.
            log.error("mails that came in cannot be read now: %s", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            pause = FIRST_PAUSE
            await reading.arrived.wait()


async def read_all(reading: Reading) -> None:
    """Read until nothing is unread."""
    time = asyncio.get_running_loop().time
    while unread := await reading.reader.do(partial(arrivals.unread, HANDFUL)):
        await _let_others_first(reading.arrived)
        applied: list[asyncio.Future[None]] = []
        until = time() + HANDFUL_SECONDS
        try:
            for mail_id in unread:
                if applied and time() > until:
                    break
                found = await _found(reading, mail_id)
                applied.append(asyncio.ensure_future(_apply(reading, mail_id, found)))
        finally:
            await asyncio.gather(*applied)


async def _let_others_first(arrived: asyncio.Event) -> None:
    """Wait while mails keep coming in, but not for long: a flood is taken in at once and read bit by bit."""
    for _ in range(MOST_MOMENTS):
        arrived.clear()
        await asyncio.sleep(MOMENT)
        if not arrived.is_set():
            return


async def _found(reading: Reading, mail_id: int) -> Findings | None:
    """Return what a mail says, or None where it could not be read."""
    try:
        content = await reading.reader.do(partial(arrivals.content, mail_id))
        return await reading.room.read(content)
    except (Unreadable, zlib.error) as error:  # the second: damaged as it lies in the store
        log.error("I%X cannot be read and is kept for a person: %s", mail_id, error)
        return None


async def _apply(reading: Reading, mail_id: int, found: Findings | None) -> None:
    """Do what a mail asks for; where that fails for a reason that would come again, keep it for a person."""
    if found is not None:
        try:
            await reading.writer.do(partial(reading.learn, reading.office, mail_id, found))
        except FAILURES:
            raise
        except Exception:
            log.exception("what I%X says cannot be applied; it is kept for a person", mail_id)
        else:
            return
    await reading.writer.do(partial(arrivals.give_up, mail_id))
