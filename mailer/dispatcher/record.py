"""What is written down of a session, and of what was heard in it about one mail?

A session is written once: its record is made when the first of its attempts has ended, and kept with it.
"""

from datetime import datetime, timedelta

from mailer.dispatcher.job import Job
from mailer.ids import session_number
from mailer.net.transport import Session
from mailer.schedule.outcome import SmtpSession
from mailer.smtp.envelope import Fact
from mailer.smtp.transcript import kept

BARE = "bare"


def session_record(session: Session, now: datetime) -> SmtpSession:
    """Return the record of a session; `now` is the time of asking."""
    if not isinstance(session.record, SmtpSession):
        began = now - timedelta(seconds=session.age)
        session.record = SmtpSession(
            id=session_number(round(began.timestamp() * 1000)),
            peer=str(session.peer),
            began=began,
            connected=session.connected,
            hostname=session.hostname,
            tls=session.tls,
            opening=kept(session.heard),
        )
    return session.record


def transcript(job: Job, fact: Fact) -> str:
    """Return what is kept of what was heard about a job's mail."""
    about = f"{len(job.content)} {BARE}" if job.bare else str(len(job.content))
    return f"{about}\n{kept(fact.heard, fact.reply)}"
