"""Who forgets what was kept long enough, and when?

The mailer's parent, of which there is one, once an hour; terms end at midnight, so that the first look of a day does
the work. Between two transactions it rests several times as long as one took: whoever else wants to write comes first.
Nothing is forgotten until the clock has gone on evenly for an hour: what a wrong clock forgets is gone.
"""

import asyncio
import logging
from datetime import timedelta
from functools import partial

from mailer.clock import elapsed
from mailer.domain.retention import until
from mailer.service import retention
from mailer.service.office import Office
from mailer.service.retention import PARTS, Kind
from mailer.store.reader import Reader
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_SECONDS = 3600.0
#: A share of the time: a transaction, then so many times its length for others.
REST, LEAST_REST = 4, 0.02
UNEVEN = timedelta(minutes=5)


async def keep_forgetting(office: Office, writer: Writer) -> None:
    """Forget what is due once an hour until cancelled."""
    reader = Reader()
    try:
        while True:
            began, at = elapsed(), office.clock()
            await asyncio.sleep(LOOK_SECONDS)
            if abs(office.clock() - at - timedelta(seconds=elapsed() - began)) < UNEVEN:
                await forget_all(office, reader, writer)
            else:
                log.warning("the clock was set; nothing is forgotten for an hour")
    finally:
        reader.close()


async def forget_all(office: Office, reader: Reader, writer: Writer) -> dict[Kind, int]:
    """Forget all that is due, kind by kind, and return how much of each was; after a failure the next look does it."""
    forgotten = {}
    for kind in PARTS:
        try:
            forgotten[kind] = await _forget(office, reader, writer, kind)
        except Exception as error:
            log.error("what is kept no longer (%s) cannot be forgotten now: %s", kind, error)
    return forgotten


async def _forget(office: Office, reader: Reader, writer: Writer, kind: Kind) -> int:
    before = until(kind, office.kept, office.clock())
    while kind is Kind.BROADCASTS and (found := await reader.do(partial(retention.over, office))):
        await writer.do(partial(retention.close, office, *found))
    forgotten = sum([await _forget_part(office, reader, writer, kind, part) for part in PARTS[kind]])
    if forgotten and before:
        await writer.do(partial(retention.enter, office, kind, forgotten, before))
        log.info("forgotten, because it was kept long enough: %d of %s, from before %s", forgotten, kind, before)
    return forgotten


async def _forget_part(office: Office, reader: Reader, writer: Writer, kind: Kind, part: str) -> int:
    forgotten = 0
    while numbers := await reader.do(partial(retention.find, office, kind, part)):
        gone = 0
        while numbers:
            began = elapsed()
            through, now_gone = await writer.do(partial(retention.forget, part, numbers))
            numbers, gone = numbers[through:], gone + now_gone
            await asyncio.sleep(max(LEAST_REST, REST * (elapsed() - began)))
        forgotten += gone
        if not gone:  # what is found and may not go would be found for ever
            break
    return forgotten
