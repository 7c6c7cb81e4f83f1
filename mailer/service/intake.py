"""Does port 25 put mail off because too little of the disk is free?

One alarm while it does. The inbound service looks: it stops taking mail earlier than the alarm for a disk that is
nearly full is due, and nobody else would learn of it.
"""

from mailer.domain.alarm import Kind
from mailer.service import alarm
from mailer.service.office import Office
from mailer.store import alarms


def watch(office: Office, directory: str, shortage: str) -> None:
    """Raise or end the alarm; inside a Writer. `shortage` says what is missing on the disk of a directory, or ""."""
    due = {directory} if shortage else set()
    standing = alarms.standing(Kind.MAIL_PUT_OFF)
    for subject in standing - due:
        alarm.clear(office, Kind.MAIL_PUT_OFF, subject)
    for subject in due - standing:
        alarm.raise_(office, Kind.MAIL_PUT_OFF, subject, shortage)
