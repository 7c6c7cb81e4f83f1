"""What is written down of a session, and of what was heard in it about one mail?

A session is written once: its record is made when the first of its attempts has ended, and kept with it.
"""

from datetime import datetime, timedelta

from mailer.dispatcher.job import Job
from mailer.ids import session_number
from mailer.net.transport import Session
from mailer.schedule.outcome import Outcome, SmtpSession
from mailer.smtp.envelope import Fact
from mailer.smtp.reply import Reply
from mailer.smtp.transcript import kept

BARE, REQUIRETLS = "bare", "requiretls"


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


def remember(job: Job, fact: Fact, session: Session, now: datetime) -> None:
    """Keep what was said about a job that goes again within its attempt."""
    job.earlier.append((session_record(session, now), _transcript(fact, None)))


def told(outcome: Outcome, job: Job, fact: Fact | None, session: Session | None) -> Outcome:
    """Return an outcome with what was said in its attempt; without a fact no mail was begun in the last session."""
    record = None if session is None else session_record(session, outcome.at)
    text = "" if fact is None else _transcript(fact, fact.reply)
    if not job.earlier:
        return outcome.told(record, text)
    before = [f"@{one.id} {said}" for one, said in job.earlier]
    return outcome.told(record, "\n\n".join([*before, text]), tuple(one for one, _ in job.earlier))


def _transcript(fact: Fact, decisive: Reply | None) -> str:
    marks = BARE if fact.forward_path.bare else "", REQUIRETLS if fact.require_tls else ""
    about = " ".join(filter(None, (str(fact.octets), *marks, fact.way)))
    said = kept(fact.heard, decisive)
    return f"{about}\n{said}" if said else about
