"""What does an alarm say, and what may stand in it?

An alarm is raised once for a kind and a subject, and again only after it was cleared; repeats are counted. It never
holds a guardian's address: what a far server wrote is cut, cleaned, and its addresses are taken out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailer.domain.receipt import hide
from mailer.domain.typed import hidden_character
from mailer.smtp.quoted import replace_addresses

LONGEST_WORDS = 300
LONGEST_SUBJECT = 100

_TAKEN_OUT = "***@***"


class Kind(StrEnum):
    """What may give cause for an alarm."""

    OUR_FAULT = "our_fault"
    NOT_MADE = "not_made"
    CARRIER_PAUSED = "carrier_paused"
    WAVE = "wave"
    CANARY_LATE = "canary_late"
    CANARY_REFUSED = "canary_refused"
    HELD = "held"
    STALLED = "stalled"
    UNREACHED = "unreached"
    SUSPENDED = "suspended"
    QUEUE_STUCK = "queue_stuck"
    STORE_FAILED = "store_failed"
    DISK_LOW = "disk_low"
    MAIL_PUT_OFF = "mail_put_off"
    NOT_RUNNING = "not_running"
    CERTIFICATE = "certificate"
    KEYS = "keys"
    REPORTED_MAIL = "reported_mail"
    REPORTED_TLS = "reported_tls"
    REPLIES_WITHHELD = "replies_withheld"
    TEST = "test"


#: What each kind means, for the person who is called by it.
REASONS: Mapping[Kind, str] = {
    Kind.OUR_FAULT: "Mail was refused for a fault of ours: {subject}",
    Kind.NOT_MADE: "Mail waits because it cannot be made or signed here: {subject}",
    Kind.CARRIER_PAUSED: "A receiver turned us away, and sending there pauses: {subject}",
    Kind.WAVE: "A receiver suddenly refuses much more than usual: {subject}",
    Kind.CANARY_LATE: "A canary was not accepted in time: {subject}",
    Kind.CANARY_REFUSED: "A canary was refused or returned: {subject}",
    Kind.HELD: "Mail waits for a person, because it is not known whether it arrived: {subject}",
    Kind.STALLED: "A safety broadcast, or all of it to one receiver, has not gone on for minutes: {subject}",
    Kind.UNREACHED: "The deadline of a safety broadcast is over, and not everyone was reached: {subject}",
    Kind.SUSPENDED: "A safety broadcast waits for a part of the queue that is suspended: {subject}",
    Kind.QUEUE_STUCK: "The queue cannot be written or claimed from, and sending pauses: {subject}",
    Kind.STORE_FAILED: "The store cannot be written, and sending pauses: {subject}",
    Kind.DISK_LOW: "The disk is nearly full: {subject}",
    Kind.MAIL_PUT_OFF: "Port 25 tells mail to come later, because too little of the disk is free: {subject}",
    Kind.NOT_RUNNING: "A service does not run: {subject}",
    Kind.CERTIFICATE: "The certificate of port 25 ends soon or cannot be used: {subject}",
    Kind.KEYS: "A key that signs our mail cannot be read; mend its file and restart the mailer: {subject}",
    Kind.REPORTED_MAIL: "A report says that mail from us failed both SPF and DKIM: {subject}",
    Kind.REPORTED_TLS: "A report says that TLS with us failed our own policy, which may keep mail back: {subject}",
    Kind.REPLIES_WITHHELD: "So much mail came to the schools that some was kept without notice or copy: {subject}",
    Kind.TEST: "This is a test of the ways out of the house: {subject}",
}
#: What to do about each kind; `name` is what the subject begins with.
ADVICE: Mapping[Kind, str] = {
    Kind.OUR_FAULT: (
        "No address is at fault, and nothing is lost. Mend what the reply names: DNS (“mimamori dns records”), key or"
        " sender. Then “mimamori queue flush --site {name}” has all that waits tried at once."
    ),
    Kind.NOT_MADE: "The log of the mailer says what is wrong. What waits leaves by itself once that is mended.",
    Kind.CARRIER_PAUSED: (
        "“mimamori carriers show {name}” says until when. It goes on by itself, safety mail every half minute;"
        " “mimamori queue flush --site {name}” has it tried at once."
    ),
    Kind.WAVE: (
        "While this stands no address there is put to rest. Look with “mimamori carriers show {name}”; if the refusals"
        " are right, say so with “mimamori carriers thaw {name}”."
    ),
    Kind.CANARY_LATE: "Guardians at this carrier may be waiting too: “mimamori canaries list” has what was said last.",
    Kind.CANARY_REFUSED: "Guardians at this carrier may get nothing: “mimamori canaries list” has the reply.",
    Kind.HELD: (
        "Ask a few of the guardians whether it came. “mimamori queue list --broadcast {name}” shows what is held;"
        " “mimamori queue release QUEUE-ID” sends it once more, “mimamori queue remove QUEUE-ID” does not."
    ),
    Kind.STALLED: (
        "Tell the school, so that it can telephone. “mimamori queue list --broadcast {name}” says why each waits; it is"
        " tried again by itself."
    ),
    Kind.UNREACHED: "“mimamori broadcast recipients {name} --unreached” says whom the school has to reach otherwise.",
    Kind.SUSPENDED: "“mimamori queue suspended” shows what an operator stopped, “mimamori queue resume” lets it go.",
    Kind.QUEUE_STUCK: "“mimamori status” and the log of the mailer say what is wrong. Nothing accepted is lost.",
    Kind.STORE_FAILED: "“mimamori status” and the log of the mailer say what is wrong. Nothing accepted is lost.",
    Kind.DISK_LOW: "Make room on the disk that “mimamori status” names. Sending goes on by itself.",
    Kind.MAIL_PUT_OFF: "Make room on the disk that “mimamori status” names. Whoever was told so comes again.",
    Kind.NOT_RUNNING: "“journalctl -u {name}” says why; once that is mended, “systemctl restart {name}”.",
    Kind.CERTIFICATE: "Renew the certificate that [inbound] of the configuration names.",
    Kind.KEYS: "“mimamori check” names the file.",
    Kind.REPORTED_MAIL: "“mimamori reports list” has the reports: somebody forges our domain, or DKIM or SPF is wrong.",
    Kind.REPORTED_TLS: "“mimamori reports list” has the reports: the certificate of port 25 or our policy is wrong.",
    Kind.REPLIES_WITHHELD: "“mimamori replies list” shows them.",
    Kind.TEST: "Nothing is to be done.",
}
#: Who or what ended an alarm, where no person did.
WHY: Mapping[str, str] = {
    "cause_gone": "its cause is gone",
    "canary_accepted": "a later canary was accepted",
    "quiet": "a day without a repeat",
    "no_report": "three days without such a report",
}
#: What the machine itself is asked about again and again: such an alarm ends when its cause does.
OF_THE_MACHINE = (Kind.QUEUE_STUCK, Kind.STORE_FAILED, Kind.DISK_LOW)


class Event(StrEnum):
    """What is told of an alarm."""

    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; `cleared_by` is empty while it stands, and says afterwards who or what ended it."""

    id: str
    kind: Kind
    subject: str
    words: str
    count: int
    raised_at: datetime
    last_at: datetime
    cleared_at: datetime | None = None
    cleared_by: str = ""

    @property
    def name(self) -> str:
        """Return the receiver, announcement or service that the subject begins with."""
        return self.subject.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Telling:
    """That one path out is to tell of an alarm for the `tries`-th time, counted from 0."""

    alarm: Alarm
    event: Event
    path: str
    tries: int


@dataclass(frozen=True, slots=True)
class Message:
    """An alarm as it leaves: the name by which a receiver knows it again, its facts as words, and the whole as JSON."""

    id: str
    facts: Mapping[str, str]
    body: bytes


def clean(text: str, longest: int = LONGEST_WORDS) -> str:
    """Return text from outside as it may stand in an alarm: one visible line, without addresses, cut to `longest`."""
    seen = "".join(" " if hidden_character(character) else character for character in text[: 4 * longest])
    line = " ".join(replace_addresses(hide(seen), lambda _local, _rest: _TAKEN_OUT).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
