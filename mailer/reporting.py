"""Does every domain that wants a report about TLS get one a day?

Once a minute what is due is sent: the domain's record is asked for, and its destinations are tried one after the other
until one takes the report (RFC 8460 §3). Each attempt is written before the first packet. Mail with a report goes to a
server whatever is wrong with its TLS (RFC 8460 §5.3), and those sessions are counted nowhere.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from mailer.message.sign import KeyName
from mailer.net.post import NotTaken, Poster
from mailer.net.resolver import NameUnknown, Resolver
from mailer.net.single import Messenger, NotHandedOver
from mailer.report.tls import GZIP, Report
from mailer.report.tls_mail import draft, sender
from mailer.report.wanted import NAME, Destination, Mailbox, read_record
from mailer.service import received_report, tls_report
from mailer.service.office import Office
from mailer.service.tls_report import Begun, ReportState
from mailer.smtp.address import parse_address
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
#: Who signs: the selectors, and for each mail a digest for each of them; see `mailer.signatory`.
Sign = Callable[[Sequence[str], Sequence[Sequence[bytes]]], Awaitable[list[list[bytes]]]]


@dataclass(frozen=True, slots=True)
class Means:
    """What sending takes; `contact` is the mailbox that answers questions."""

    contact: str
    sends: bool
    resolver: Resolver
    messenger: Messenger
    poster: Poster
    sign: Sign


async def keep_reporting(office: Office, writer: Writer, means: Means) -> None:
    """Send what is due once a minute until cancelled, and end alarms that nobody repeats."""
    while True:
        try:
            await _look(office, writer, means)
        except Exception as error:
            # What is due stays due in the store.
            log.error("reports about TLS: %s", error)
        await asyncio.sleep(LOOK_SECONDS)


async def _look(office: Office, writer: Writer, means: Means) -> None:
    await writer.do(partial(tls_report.keep, office, sends=means.sends))
    await writer.do(partial(received_report.end_quiet, office))
    if means.sends:
        due = await writer.do(partial(tls_report.due, office))
        sending = (send(office, writer, means, day, domain) for day, domain in due)
        for ended in await asyncio.gather(*sending, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended


async def destinations(resolver: Resolver, domain: str) -> tuple[Destination, ...]:
    """Return where a domain wants reports; raise DnsTrouble where that cannot be learned now."""
    try:
        return read_record((await resolver.ask(NAME + domain, "TXT")).records)
    except NameUnknown:
        return ()


async def send(office: Office, writer: Writer, means: Means, day: date, domain: str) -> ReportState | None:
    """Try once to send a report; return what became of it, None where it is sent already or somebody else is at it."""
    begun = await writer.do(partial(tls_report.begin, office, day, domain))
    if begun is None:
        return None
    try:
        wanted = await destinations(means.resolver, domain)
        taken_by = await _deliver(office, writer, means, begun, wanted) if wanted else None
    except Exception as error:
        # A trouble that nobody thought of is one of this report's: the others go on.
        return await _failed(office, writer, begun, f"{error}" or type(error).__name__)
    if taken_by is None:
        await writer.do(partial(tls_report.unwanted, office, begun))
        return ReportState.UNWANTED
    await writer.do(partial(tls_report.sent, office, begun, str(taken_by)))
    log.info("the report about TLS of %s on %s was taken by %s", domain, day, taken_by)
    return ReportState.SENT


async def _failed(office: Office, writer: Writer, begun: Begun, trouble: str) -> ReportState:
    again = await writer.do(partial(tls_report.failed, office, begun, trouble))
    log.warning("nobody took the report about TLS of %s on %s: %s", begun.domain, begun.day, trouble)
    return ReportState.PENDING if again else ReportState.FAILED


async def _deliver(
    office: Office, writer: Writer, means: Means, begun: Begun, wanted: Sequence[Destination]
) -> Destination:
    """Return the first destination that takes the report; raise what all of them said."""
    report = await writer.do(partial(tls_report.report, office, means.contact, begun.day, begun.domain))
    troubles: list[str] = []
    for destination in wanted:
        try:
            if isinstance(destination, Mailbox):
                await _mail(office, writer, means, report, destination)
            else:
                await means.poster.post(destination.url, GZIP, report.packed())
        except (NotHandedOver, NotTaken) as trouble:
            troubles.append(f"{destination}: {trouble}")
        else:
            return destination
    raise NotTaken("; ".join(troubles))


async def _mail(office: Office, writer: Writer, means: Means, report: Report, to: Mailbox) -> None:
    algorithms = await writer.do(tls_report.key_algorithms)
    keys = [KeyName(selector, f"{algorithm}-sha256") for selector, algorithm in algorithms]
    unsigned = draft(report, to.address, office.clock(), keys)
    (signatures,) = await means.sign([key.selector for key in keys], [unsigned.digests])
    content = unsigned.signed(signatures)
    await means.messenger.hand_over(parse_address(sender(office.domain)), to.address, content)
