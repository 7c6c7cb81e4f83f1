"""Will the certificate of port 25 be good for long enough?

An alarm 21 and 7 days before its end, and each day from the last one on (attacks P14); one alarm where the files
cannot be used at all. A new certificate ends them.
"""

from datetime import datetime, timedelta

from mailer.domain.alarm import Kind
from mailer.service import alarm
from mailer.service.office import Office
from mailer.store import alarms

DAY = timedelta(days=1)
FIRST, SECOND = 21, 7
#: An alarm that a person has ended is not raised again for the same day of the same certificate; one that ended by
#: itself is, because the trouble has come back.
LONG_AGO = timedelta(days=60)


def watch(office: Office, ends_at: datetime | None, trouble: str) -> None:
    """Raise what is due and end what is over; inside a Writer. `trouble` says why a certificate cannot be used."""
    now = office.clock()
    due = _due(now, ends_at, trouble)
    standing = alarms.standing(Kind.CERTIFICATE)
    for subject in standing - {due}:
        alarm.clear(office, Kind.CERTIFICATE, subject)
    if due and due not in standing and not _was_dismissed(due, now):
        alarm.raise_(office, Kind.CERTIFICATE, due, trouble or f"{ends_at}")


def _was_dismissed(due: str, now: datetime) -> bool:
    return alarms.was_dismissed(Kind.CERTIFICATE, due, now - LONG_AGO, alarm.BY_ITSELF)


def _due(now: datetime, ends_at: datetime | None, trouble: str) -> str:
    """Return the subject of the alarm that should stand, or nothing."""
    if trouble:
        return "port 25"
    if ends_at is None:
        return ""
    left = (ends_at - now) // DAY
    if left >= FIRST:
        return ""
    step = FIRST if left >= SECOND else SECOND if left >= 1 else left
    return f"port 25, {ends_at:%Y-%m-%d}, {step:d} d"
