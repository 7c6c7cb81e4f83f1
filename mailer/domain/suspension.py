"""When does an address rest, and when is it tried again?

What a receiver said against an address is a setback; only what is the guardian's to mend is one (N9: our own fault and
the receiver's trouble are none). A dead address rests after a few over a few announcements, one that might live after
a long run. A mail that was accepted after them, and did not come back, clears them. A complaint is enough by itself:
its reader does not want our mail. It must be about a mail of late, because whoever has once seen a mail's source can
complain about that mail for ever (attacks A12).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: The reason of an address whose reader does not want our mail.
COMPLAINT = "complaint"
#: How long a mail that was accepted may still come back before it proves that the address works again.
RETURNS_WITHIN = timedelta(days=1)
#: So long after a mail left is a complaint about it heeded.
COMPLAINS_WITHIN = timedelta(days=30)
#: Reasons that the DNS tells: asking it again bothers no mail server, and our own resolver may have been at fault.
OF_THE_DNS = ("domain_unknown", "not_accepting")
SOON = timedelta(days=1)


class Kind(StrEnum):
    """What a setback says of the address: it is dead, this mail was not taken, its reader complained."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class Terms:
    """How patient the town is.

    An address rests after `hard` setbacks that call it dead over `broadcasts` announcements, or after setbacks of any
    kind over `soft_broadcasts` announcements that span at least `soft_span`. A setback is judged `wait` after it came,
    when it can be told from a wave of refusals. `reach_test` is how long an address rests before the next announcement,
    whatever it is, goes to it again to see whether it works; None: never.
    """

    hard: int = 2
    broadcasts: int = 2
    soft_broadcasts: int = 10
    soft_span: timedelta = timedelta(days=30)
    wait: timedelta = timedelta(hours=1)
    reach_test: timedelta | None = timedelta(days=30)

    def tested_after(self, reason: str) -> timedelta | None:
        """Return how long after it was last tried an address that rests for this reason is tried again."""
        if self.reach_test is None or reason == COMPLAINT:
            return None
        return min(SOON, self.reach_test) if reason in OF_THE_DNS else self.reach_test


@dataclass(frozen=True, slots=True)
class Setback:
    """What was said against an address about one mail: `sent_at` is when its announcement left, `at` when it was said.

    `reason` is one of the closed list of `mailer.carrier.reason`; `words` are those of the far side.
    """

    announcement_id: str
    sent_at: datetime
    at: datetime
    kind: Kind
    reason: str
    words: str


def heeds(age: timedelta) -> bool:
    """Tell whether a complaint about a mail is heeded that left so long ago."""
    return age <= COMPLAINS_WITHIN


def cause(setbacks: Sequence[Setback], accepted_at: datetime | None, terms: Terms) -> Setback | None:
    """Return the setback for which an address has to rest, the last that counts, or None if it need not.

    `setbacks` are those that count, in any order; `accepted_at` is when the last mail was accepted that did not come
    back. A mail accepted while another was on its way to be refused is taken for the better sign.
    """
    ordered = sorted(setbacks, key=lambda one: one.at)
    complaints = [one for one in ordered if one.kind is Kind.COMPLAINT]
    if complaints:
        return complaints[-1]
    after = [one for one in ordered if accepted_at is None or one.sent_at >= accepted_at]
    hard = [one for one in after if one.kind is Kind.HARD]
    if len(hard) >= terms.hard and _announcements(hard) >= terms.broadcasts:
        return hard[-1]
    if after and _announcements(after) >= terms.soft_broadcasts and _span(after) >= terms.soft_span:
        return after[-1]
    return None


def _announcements(setbacks: Sequence[Setback]) -> int:
    return len({one.announcement_id for one in setbacks})


def _span(setbacks: Sequence[Setback]) -> timedelta:
    sent = [one.sent_at for one in setbacks]
    return max(sent) - min(sent)
