"""How does something become accepted for sending?

A broadcast goes through `announce`: the announcement with its queue items and exclusions in one transaction, or
nothing. Only after it may anyone be told "accepted for sending". The canaries ride in it, and are counted nowhere. A
notice to everyone is announced by `mailer.service.announcing`, of the same parts.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.domain.announcement import Announcement, Kind
from mailer.domain.audience import Audience, resolve
from mailer.domain.lane import Lane
from mailer.domain.receipt import token, token_hash
from mailer.service import suspension
from mailer.service.audit import record
from mailer.service.canary import ride
from mailer.service.office import Office
from mailer.store import announcements
from mailer.store import audience as register
from mailer.store.database import transaction

PREFIXES: Mapping[Kind, str] = {Kind.BROADCAST: "B", Kind.MAINTENANCE: "N"}


class NoSuchAnnouncement(LookupError):
    """Nothing was announced under this name."""


@dataclass(frozen=True, slots=True)
class NewAnnouncement:
    """What is to be announced. No `not_before` means now, no `lifetime` the lane's own; it counts from `not_before`.

    `selectors` are the DKIM selectors active now: they sign it at every attempt, whatever is rotated meanwhile.
    """

    kind: Kind
    lane: Lane
    schools: tuple[str, ...]
    subject: str
    text: str
    receipt: bool
    actor: str
    selectors: tuple[str, ...]
    not_before: datetime | None = None
    lifetime: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Announced:
    """What was accepted for sending: households with a recipient, recipients, and how many are left out for what."""

    id: str
    schools: tuple[str, ...]
    households: int
    recipients: int
    excluded: Mapping[str, int]


def audience(office: Office, schools: tuple[str, ...]) -> Audience:
    """Return who of these schools would get a broadcast now.

    Call it in the transaction that then announces, so that nobody registers between the two.
    """
    return resolve(Kind.BROADCAST, register.members(schools), office.schools, suspension.resting(office))


def announce(office: Office, new: NewAnnouncement, to: Audience) -> Announced:
    """Accept for sending: write the announcement, a queue item per recipient, and the exclusions; one transaction."""
    with transaction():
        announcement = frozen(office, new)
        announcements.add(announcement, new.actor)
        ride(office, announcement)
        write(office, announcement, to)
        announced = summary(announcement.id, new.schools, to)
        record(office, new.actor, f"{new.kind.value}.announce", announcement.id, **_audited(announced, new))
    return announced


def write(office: Office, announcement: Announcement, to: Audience) -> range:
    """Write the queue items and exclusions of an audience; return the numbers of the items."""
    numbers = announcements.reserve_items(len(to.recipients))
    hashes = [token_hash(token(office.receipt_key, number)) if announcement.receipt else None for number in numbers]
    # Items of one domain are claimed and settled together: side by side they share the pages that a commit writes.
    recipients = sorted(to.recipients, key=lambda recipient: recipient.domain)
    announcements.add_items(announcement, numbers, recipients, hashes)
    announcements.add_exclusions(announcement.id, to.exclusions)
    suspension.begin_tests(office, announcement.id, numbers.start)
    return numbers


def summary(announcement_id: str, schools: tuple[str, ...], to: Audience) -> Announced:
    """Return the counts of an audience as the Surface names them."""
    excluded = Counter(exclusion.reason.value for exclusion in to.exclusions)
    return Announced(announcement_id, schools, len(to.households), len(to.recipients), dict(excluded))


def frozen(office: Office, new: NewAnnouncement) -> Announcement:
    """Return what is announced now, under a new id."""
    now = office.clock()
    not_before = new.not_before or now
    return Announcement(
        id=office.ids(PREFIXES[new.kind]),
        kind=new.kind,
        lane=new.lane,
        schools=new.schools,
        subject=new.subject,
        text=new.text,
        receipt=new.receipt,
        announced_at=now,
        not_before=not_before,
        expires_at=not_before + (new.lifetime or office.expires[new.lane]),
        cancelled_at=None,
        selectors=new.selectors,
        names={school.code: school.name for school in map(office.schools.get, new.schools) if school is not None},
    )


def _audited(announced: Announced, new: NewAnnouncement) -> dict[str, object]:
    return {
        "schools": list(announced.schools),
        "households": announced.households,
        "recipients": announced.recipients,
        "excluded": dict(announced.excluded),
        "subject": new.subject,
        "lane": new.lane.name.lower(),
    }
