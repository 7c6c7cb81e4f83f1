"""How does a receiver take back its 250?

For some addresses a receiver accepts the mail and reports later that it failed: a delivery status notification
(RFC 3464) in a multipart/report (RFC 6522), with the null reverse-path, to the reverse-path of the mail, over SMTP to
the appliance's inbound door.
"""

import asyncio
import smtplib
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from mailer.clock import Clock
from mailer.rehearsal.ledger import Mail
from mailer.rehearsal.moods import Fault, Mood, trouble_of

DELAY_SECONDS = 1.0
SMTP_SECONDS = 10.0
REPORT = """\
From: MAILER-DAEMON@{mx}
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{serial}@{mx}>
Date: {date}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="returned"

--returned
Content-Type: text/plain; charset=us-ascii

The mail to <{recipient}> could not be put into its mailbox.

--returned
Content-Type: message/delivery-status

Reporting-MTA: dns; {mx}

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--returned--
"""


@dataclass(frozen=True, slots=True)
class Door:
    """Where the appliance takes mail in."""

    host: str
    port: int


class Bouncer:
    """Reports the failure of those mails that the moods say bounce."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def got(self, mail: Mail, mood: Mood) -> None:
        """A mail was accepted: perhaps its receiver thinks better of it."""
        trouble = trouble_of(mood, mail.recipients[0])
        if trouble is not None and trouble.fault is Fault.BOUNCE:
            task = asyncio.get_running_loop().create_task(self._report(mail))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Report nothing any more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _report(self, mail: Mail) -> None:
        await asyncio.sleep(DELAY_SECONDS)
        message = report(mail, self._clock())
        await asyncio.to_thread(self._hand_over, mail.reverse_path, message)

    def _hand_over(self, to: str, message: bytes) -> None:
        with smtplib.SMTP(self._door.host, self._door.port, timeout=SMTP_SECONDS) as session:
            session.sendmail("", [to], message)


def report(mail: Mail, now: datetime) -> bytes:
    """Return the notification about a mail, as bytes with CRLF line ends."""
    text = REPORT.format(
        mx=f"mx.{mail.carrier}.example",
        to=mail.reverse_path,
        serial=mail.serial,
        date=format_datetime(now),
        recipient=mail.recipients[0],
    )
    return text.replace("\n", "\r\n").encode()
