"""What came of each attempt, and is it written down?

Facts of the session, or the reason why there was none, become outcomes by the carrier's rules (`carrier.reading`) and
those of the queue (`schedule.judge`); the ledger writes them. Whatever is our own failure is no fault of the
guardian's: the item waits.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from mailer.carrier.group import Carrier, Carriers
from mailer.carrier.reading import Reading, read
from mailer.carrier.reason import Reason
from mailer.dispatcher.job import Job
from mailer.dispatcher.ledger import Ledger, Settlement
from mailer.dispatcher.record import remember, told
from mailer.domain.receipt import hide, token
from mailer.log import shorten
from mailer.net.dial import NotGreeted
from mailer.net.transport import Session
from mailer.schedule.claim import Claimed
from mailer.schedule.judge import Case, Scene, judge, postponed
from mailer.schedule.outcome import Evidence, Outcome, Verdict, host_of
from mailer.schedule.transition import NOT_MADE
from mailer.service import dispatch
from mailer.service.office import Office
from mailer.smtp.envelope import Fact
from mailer.smtp.reply import Reply, Stage
from mailer.smtp.route import NoRoute
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

#: A shorter local part stands in words that are none.
SHORTEST_LOCAL = 3


class Outcomes:
    """Judges how attempts ended and has it written."""

    def __init__(self, office: Office, carriers: Carriers, writer: Writer) -> None:
        self._office = office
        self._carriers = carriers
        self._writer = writer
        self._ledger = Ledger(self._settle)
        #: The `clock_shift` that the office's clock knows of.
        self.shift = timedelta()

    @property
    def is_safe(self) -> bool:
        """False while the store refuses outcomes."""
        return self._ledger.is_safe

    def write(self) -> None:
        """Have what is gathered written now, because something else is being written anyway."""
        self._ledger.write()

    async def drained(self) -> None:
        """Return when everything is written."""
        await self._ledger.drained()

    def of_fact(self, carrier: Carrier | None, job: Job, fact: Fact, session: Session) -> Reading | None:
        """Settle a job by what the session says of it; return the reading of what was no acceptance."""
        reading = None
        if not fact.accepted:
            # What it was that we could not make sense of is told, and not read as if it were an answer.
            reply = None if fact.failure else fact.reply
            reading = self.read(carrier, session.peer.host, fact.stage, reply, fact.failure)
        outcome = judge(fact, reading, Scene(str(session.peer), session.tls), self._case(job))
        self._settle_later(job.claimed, told(outcome, job, fact, session))
        return reading

    def again(self, job: Job, fact: Fact, session: Session) -> None:
        """Remember what the session says of a job that goes again."""
        remember(job, fact, session, self._office.clock())

    def unreachable(self, carrier: Carrier | None, job: Job, failed: NotGreeted) -> Reading:
        """Postpone a job because no host could be spoken to; return what that means."""
        reading = self.read(carrier, host_of(failed.peer), failed.stage, failed.reply, failed.failure)
        code, enhanced, text = _said(failed.reply, failed.failure)
        evidence = Evidence(
            failed.stage.value, failed.peer, code=code, enhanced=enhanced, text=text, reason=reading.reason.value
        )
        self._settle_later(job.claimed, told(postponed(evidence, self._case(job)), job, None, failed.session))
        return reading

    def unused(self, job: Job) -> None:
        """Give back the claim on a job of which nothing was sent."""
        self._ledger.add(job.claimed.item_id, job.claimed.attempt, None)

    def no_route(self, jobs: Sequence[Job], trouble: NoRoute) -> None:
        """Settle jobs for whose domain no host can be named, for good or for now."""
        evidence = Evidence("dns", enhanced=trouble.enhanced, text=trouble.text, reason=trouble.reason)
        for job in jobs:
            if trouble.permanent:
                self._settle_later(job.claimed, self._refused(evidence))
            else:
                self._settle_later(job.claimed, postponed(evidence, self._case(job)))

    def not_written(self, job: Job, why: str) -> None:
        """Postpone a job whose mail could not be made."""
        evidence = Evidence("compose", text=why, reason=NOT_MADE)
        self._settle_later(job.claimed, postponed(evidence, self._case(job)))

    def no_address(self, claimed: Claimed, why: str) -> None:
        """Refuse a claim whose address is none."""
        evidence = Evidence("compose", enhanced="5.1.3", text=why, reason="protocol_error")
        self._settle_later(claimed, self._refused(evidence))

    def read(self, carrier: Carrier | None, host: str, stage: Stage, reply: Reply | None, failure: str) -> Reading:
        """Return what a reply, or the failure in its place, means."""
        return read(self._carriers, carrier, host, stage.value, *_said(reply, failure))

    # --- inside

    def _refused(self, evidence: Evidence) -> Outcome:
        kind = Reason(evidence.reason).meaning.kind
        return Outcome(Verdict.REFUSED, evidence, self._office.clock(), kind=kind)

    def _case(self, job: Job) -> Case:
        return Case(job.claimed.lane, job.claimed.attempt, self._office.clock(), self._office.chance())

    def _settle_later(self, claimed: Claimed, outcome: Outcome) -> None:
        outcome = outcome.hiding(partial(hide, own=token(self._office.receipt_key, claimed.item_id)))
        if outcome.verdict is not Verdict.ACCEPTED:
            _tell(claimed, outcome)
        self._ledger.add(claimed.item_id, claimed.attempt, outcome)

    def _settle(self, batch: Sequence[Settlement]) -> "asyncio.Future[int]":
        shift = self.shift
        ends = [(item, attempt, outcome) for item, attempt, outcome in batch if outcome is not None]
        unused = [(item, attempt) for item, attempt, outcome in batch if outcome is None]

        def write() -> int:
            return dispatch.settle(self._office, ends, shift) + dispatch.unclaim(self._office, unused)

        return asyncio.wrap_future(self._writer.submit(write))


def _tell(claimed: Claimed, outcome: Outcome) -> None:
    """Log an attempt that was no acceptance."""
    said = outcome.evidence
    who = (claimed.queue_id, shorten(claimed.address))
    text = _without(claimed.address.rpartition("@")[0], said.text)
    log.info("%s to=<%s> %s at %s: %s %s", *who, outcome.verdict, said.stage, said.code, text)


def _without(local: str, text: str) -> str:
    """Return a reply without the local part of an address, however it is written there: the log has no addresses."""
    return re.sub(re.escape(local), "***", text, flags=re.IGNORECASE) if len(local) >= SHORTEST_LOCAL else text


def _said(reply: Reply | None, failure: str) -> tuple[int, str, str]:
    """Return code, enhanced status and text; where no reply came, the word for the failure stands as its text."""
    if reply is None:
        return 0, "", failure
    return reply.code, "" if reply.enhanced is None else str(reply.enhanced), reply.text
