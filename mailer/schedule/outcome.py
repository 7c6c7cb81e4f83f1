"""What did one attempt to hand a mail over come to?

`accepted` means that the next server took the mail with a 2xx reply to the end of the data; it does
not mean that a person saw it. `lost` marks an attempt that began and whose end nobody wrote down.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

#: An enhanced status code (RFC 3463 §2).
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")


class Verdict(StrEnum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    LOST = "lost"


def host_of(peer: str) -> str:
    """Return the bare name of a host that is written as `host[address]:port`."""
    return peer.partition("[")[0]


def reply_line(code: int, enhanced: str, text: str) -> str:
    """Return a reply on one line, its enhanced status code once: most servers begin each line of the text with it."""
    lines = [line.split() for line in text.splitlines()]
    status = enhanced or next((words[0] for words in lines[:1] if words and _STATUS.fullmatch(words[0])), "")
    for words in lines:
        while status and words[:1] == [status]:
            del words[0]
    said = [word for words in lines for word in words]
    stands_there = status in said[:2]  # as in the reply that a report quotes with its code
    return " ".join(filter(None, [str(code or ""), "" if stands_there else status, *said]))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the far side said, and where: the fields of RFC 3464 §2.3, kept whole, in the order of the store's columns.

    `stage` is connect, ehlo, mail, rcpt, data or eod (or dns before there was a connection); `host` is the peer as
    `host[address]:port`, or the name that a report gives; `code` 0 means that no reply came.
    """

    stage: str
    host: str = ""
    code: int = 0
    enhanced: str = ""
    text: str = ""
    tls: str = ""
    reason: str = ""

    @property
    def host_name(self) -> str:
        """The bare name of the host."""
        return host_of(self.host)


@dataclass(frozen=True, slots=True, eq=False)
class SmtpSession:
    """A session in which attempts took place, or one that came to nothing: written once, whatever it carries.

    `peer` is `host[address]:port`, `began` when it was dialled, `connected` after how many milliseconds it stood (None:
    never). `hostname` is the name that we gave; `opening` holds what the server said before the first mail, as
    `smtp.transcript` keeps it.
    """

    id: int
    peer: str
    began: datetime
    connected: int | None
    hostname: str
    tls: str
    opening: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt: the verdict, its evidence, and for a deferred item the time of the next try.

    `possible_duplicate` is set where the far side may have kept the mail although no reply said so. `transcript` is
    what was heard about this mail in the session: its size, `bare` where the address was written so, and a line for
    each reply; where it went through `earlier` sessions first, theirs stand above, each with `@` and its number.
    `kind` is what a refusal says of the address, as its reading has it: hard (it is dead) or soft.
    """

    verdict: Verdict
    evidence: Evidence
    at: datetime
    next_attempt_at: datetime | None = None
    possible_duplicate: bool = False
    session: SmtpSession | None = None
    transcript: str = ""
    earlier: tuple[SmtpSession, ...] = ()
    kind: str = "soft"

    def told(self, session: SmtpSession | None, transcript: str, earlier: tuple[SmtpSession, ...] = ()) -> "Outcome":
        """Return it with what was said; faster than `replace`, as every mail passes here."""
        known = (self.verdict, self.evidence, self.at, self.next_attempt_at, self.possible_duplicate)
        return Outcome(*known, session, transcript, earlier, self.kind)

    def hiding(self, hide: Callable[[str], str]) -> "Outcome":
        """Return the same outcome, with what was said as `hide` leaves it."""
        text, transcript = hide(self.evidence.text), hide(self.transcript)
        if text == self.evidence.text and transcript == self.transcript:  # nearly always, and every mail passes here
            return self
        return replace(self, evidence=replace(self.evidence, text=text), transcript=transcript)

    def moved(self, by: timedelta) -> "Outcome":
        """Return the same outcome by a clock that was set by so much."""
        again = None if self.next_attempt_at is None else self.next_attempt_at + by
        return replace(self, at=self.at + by, next_attempt_at=again)
