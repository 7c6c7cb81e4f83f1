"""How does a receiver take back its 250?

For some addresses a receiver accepts the mail and reports later that it failed: a delivery status notification
(RFC 3464) in a multipart/report (RFC 6522), with the null reverse-path, to the reverse-path of the mail, over SMTP to
the appliance's inbound door.
"""

import asyncio
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

from mailer.clock import Clock
from mailer.rehearsal.ledger import Mail
from mailer.rehearsal.moods import Fault, Mood, trouble_of

DELAY_SECONDS = 1.0
SMTP_SECONDS = 10.0


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


def report(mail: Mail, now: object) -> bytes:
    """Return the notification about a mail, as bytes with CRLF line ends."""
    recipient = mail.recipients[0]
    message = EmailMessage(policy=SMTP)
    message["From"] = f"MAILER-DAEMON@mx.{mail.carrier}.example"
    message["To"] = mail.reverse_path
    message["Subject"] = "Undelivered Mail Returned to Sender"
    message["Message-ID"] = f"<{mail.carrier}.{mail.serial}@mx.{mail.carrier}.example>"
    message["Auto-Submitted"] = "auto-replied"
    message["Date"] = f"{now:%a, %d %b %Y %H:%M:%S +0000}"
    message.set_content(f"The mail to <{recipient}> could not be put into its mailbox.\n")
    message.make_mixed()
    message.replace_header("Content-Type", "multipart/report; report-type=delivery-status")
    status = EmailMessage(policy=SMTP)
    status["Content-Type"] = "message/delivery-status"
    status.set_payload(
        f"Reporting-MTA: dns; mx.{mail.carrier}.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n"
    )
    message.attach(status)
    return message.as_bytes()
