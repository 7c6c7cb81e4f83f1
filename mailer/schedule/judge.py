"""What does a fact of the SMTP session mean for the queue item?

The client tells what happened (`Fact`), the carrier's rules what it means (`Reading`); here the two become an
`Outcome`. Only a 2xx to the end of the data is acceptance. What nobody can read is tried again, and marked as
possibly kept where the whole mail had left (RFC 1047: such silence is how duplicates are made).
"""

from dataclasses import dataclass
from datetime import datetime

from mailer.carrier.reading import Reading
from mailer.domain.lane import Lane
from mailer.schedule.backoff import next_attempt
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.smtp.envelope import Fact

#: What stands in our way before anything is said of the mail: status (RFC 3463, RFC 6531 §3.5, RFC 8689) and reason.
HINDRANCES = {
    "too_big": ("4.3.4", "too_big"),
    "needs_smtputf8": ("5.6.7", "protocol_error"),
    "needs_requiretls": ("5.7.30", "auth_failed"),
    "needs_proof": ("4.7.5", "auth_failed"),
}
#: Those that no later attempt can mend. What a server says of its limit in a greeting that nobody signed is none.
LASTING = ("needs_smtputf8", "needs_requiretls")


@dataclass(frozen=True, slots=True)
class Case:
    """What must be known of an item to judge it; `chance` is a random number from 0 to 1."""

    lane: Lane
    attempts: int
    now: datetime
    chance: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the attempt took place: the peer as `host[address]:port`, and the TLS version or nothing."""

    host: str
    tls: str


def judge(fact: Fact, reading: Reading | None, scene: Scene, case: Case) -> Outcome:
    """Return the outcome for the recipient of `fact`; `reading` is needed for everything but an acceptance."""
    evidence = _evidence(fact, reading, scene)
    if fact.accepted:
        return Outcome(Verdict.ACCEPTED, evidence, case.now)
    if fact.failure in LASTING or (reading is not None and reading.action == "refuse"):
        return Outcome(Verdict.REFUSED, evidence, case.now, kind="soft" if reading is None else reading.kind)
    return postponed(evidence, case, possible_duplicate=fact.kept_unknown)


def postponed(evidence: Evidence, case: Case, *, possible_duplicate: bool = False) -> Outcome:
    """Return the outcome of an attempt that came to nothing: the item is tried again after its lane's backoff."""
    again = next_attempt(case.lane, case.attempts, case.now, case.chance)
    return Outcome(Verdict.DEFERRED, evidence, case.now, again, possible_duplicate)


def _evidence(fact: Fact, reading: Reading | None, scene: Scene) -> Evidence:
    stage, reply, reason = fact.stage.value, fact.reply, "" if reading is None else reading.reason.value
    if reply is None:
        enhanced, reason = HINDRANCES.get(fact.failure, ("", reason))
        return Evidence(stage, scene.host, enhanced=enhanced, text=fact.failure, tls=scene.tls, reason=reason)
    enhanced = "" if reply.enhanced is None else str(reply.enhanced)
    text = reply.text
    return Evidence(stage, scene.host, code=reply.code, enhanced=enhanced, text=text, tls=scene.tls, reason=reason)
