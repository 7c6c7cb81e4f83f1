"""Does what mail to the schools led to leave, beside the queue and never in its way?

Every few seconds what is due is handed over, two at a time and one to each domain, each by a session of its own;
nothing while a safety broadcast begins, and nothing that a stop of the queue keeps. Each attempt is written before the
first packet. One that was cut off with this process is found at the first look of the process that follows it.
"""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from mailer.net.single import Messenger, NotHandedOver
from mailer.reporting import Sign
from mailer.service import singles
from mailer.service.office import Office
from mailer.service.singles import Ended, Made, Single
from mailer.store.reader import Reader
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
#: A session is cut after; RFC 5321 §4.5.3.2.6 wants ten minutes of patience at the end of the mail.
SESSION_SECONDS = 900.0
MOST_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Means:
    """What sending takes; `require_tls` are the domains whose mail goes only where REQUIRETLS is promised."""

    reader: Reader
    messenger: Messenger
    sign: Sign
    require_tls: frozenset[str]


class Replying:
    """Sends single mails; one of these works on a store at a time."""

    def __init__(self, office: Office, writer: Writer, means: Means) -> None:
        self._office = office
        self._writer = writer
        self._means = means
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._busy: dict[int, str] = {}

    async def keep(self) -> None:
        """Send what is due until cancelled."""
        try:
            while True:
                try:
                    await self._look()
                except Exception as error:
                    # What is due stays due in the store.
                    log.error("mail because of answers to schools: %s", error)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in self._under_way.values():
                task.cancel()

    async def _look(self) -> None:
        reader, writer = self._means.reader, self._writer
        if writer.failure is not None or not writer.has_room or not await reader.do(singles.any_open):
            return
        if tidied := await writer.do(partial(singles.tidy, self._office, tuple(self._under_way))):
            log.warning("single mails that were cut off, are over or held: %d", tidied)
        room, busy = MOST_AT_ONCE - len(self._under_way), frozenset(self._busy.values())
        for one in await reader.do(partial(singles.due, self._office, room, busy)):
            self._busy[one.id] = one.domain
            self._under_way[one.id] = asyncio.create_task(self._send(one.id))
            self._under_way[one.id].add_done_callback(partial(self._done, one.id))

    def _done(self, number: int, task: "asyncio.Task[None]") -> None:
        del self._under_way[number], self._busy[number]
        if not task.cancelled() and (error := task.exception()):
            # It was not begun, or stands as being sent: the next look finds it.
            log.error("S%X: %s", number, error)

    async def _send(self, number: int) -> None:
        single = await self._writer.do(partial(singles.begin, number))
        if single is None:
            return
        try:
            ended = await self._attempt(single)
        except Exception as error:
            # A trouble that nobody thought of is one of this mail's: the others go on.
            log.exception("S%X could not be sent", number)
            ended = singles.later(self._office, single, f"{error}" or type(error).__name__)
        await self._settle(single, ended)

    async def _attempt(self, single: Single) -> Ended:
        require_tls = single.domain in self._means.require_tls
        made = await self._means.reader.do(partial(singles.make, self._office, single, require_tls=require_tls))
        content = await self._signed(single, made)
        try:
            fact, host = await self._means.messenger.offer(made.envelope, content, SESSION_SECONDS)
        except NotHandedOver as trouble:
            said = str(trouble)
            return singles.never(said) if trouble.permanent else singles.later(self._office, single, said)
        return singles.judge(self._office, single, fact, host)

    async def _signed(self, single: Single, made: Made) -> bytes:
        if made.draft is None:
            return made.content
        (signatures,) = await self._means.sign(single.selectors, [made.draft.digests])
        return made.draft.signed(signatures)

    async def _settle(self, single: Single, ended: Ended) -> None:
        """Write it, however long the store takes: what is not written would be sent once more."""
        while True:
            try:
                await self._writer.do(partial(singles.settle, self._office, single, ended))
            except Exception as error:
                log.error("the end of S%X cannot be written: %s", single.id, error)
                await asyncio.sleep(LOOK_SECONDS)
            else:
                log.info("S%X: %s for %s, %s", single.id, single.kind, single.school, ended.state)
                return
