"""Which sessions do attempts name?"""

from collections.abc import Iterable

from mailer.schedule.outcome import SmtpSession
from mailer.store.database import executemany
from mailer.store.models import instant
from mailer.store.session_models import SmtpSession as Row

ADD = """
INSERT OR IGNORE INTO smtp_session (id, peer, began, connected, hostname, tls, opening) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


def add(sessions: Iterable[SmtpSession]) -> None:
    """Write the sessions that are not written yet."""
    executemany(
        ADD,
        [(one.id, one.peer, instant(one.began), one.connected, one.hostname, one.tls, one.opening) for one in sessions],
    )


def get(numbers: Iterable[int]) -> dict[int, SmtpSession]:
    """Return sessions by their numbers."""
    return {
        row.id: SmtpSession(row.id, row.peer, row.began, row.connected, row.hostname, row.tls, row.opening)
        for row in Row.select().where(Row.id.in_(list(numbers)))
    }
