"""Which safety broadcasts stand still, as a whole or at one receiver?

Whatever keeps one from everybody (our network, the resolver) or from all who are with a carrier: somebody has to know
in minutes, while the school can still telephone, and not when the time for trying is over.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from mailer.domain.alarm import Kind
from mailer.domain.lane import Lane
from mailer.schedule.outcome import Evidence
from mailer.service import alarm, stops
from mailer.service.office import Office
from mailer.service.wave import receiver
from mailer.store import alarms, spool, stalled
from mailer.store.stalled import Part, Waiting

STALLED_AFTER = timedelta(minutes=3)
#: More than a fourth of the recipients must wait: a few dead hosts, or full mailboxes, are in every broadcast.
STALLED_SHARE = 4
#: So many must wait at a receiver for it to be told by itself.
MANY = 20
#: So many domains are named, those where most wait.
NAMED = 3
#: A reply to safety mail that waits is not older, because the longest delay is 5 minutes.
LATELY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Group:
    """Those recipients of a broadcast that may stand still together, by their domains; most wait at the first."""

    subject: str
    domains: Sequence[Waiting]
    recipients: int
    goes_on: bool

    @property
    def waiting(self) -> int:
        """Return how many wait."""
        return _sum(self.domains)

    @property
    def was_tried(self) -> bool:
        """Tell whether one of them was answered lately."""
        return any(one.said is not None for one in self.domains)

    @property
    def is_large(self) -> bool:
        """Tell whether so many wait that it may be more than a few dead hosts."""
        return self.waiting * STALLED_SHARE > self.recipients

    @property
    def words(self) -> str:
        """Return how many wait of how many, and where; what was said at one domain may say nothing of the others."""
        named = [f"{one.domain} {one.waiting} {_said(one.said)}".rstrip() for one in self.domains[:NAMED]]
        return f"{self.waiting}/{self.recipients}: {'; '.join(named)}"


def follow(office: Office) -> None:
    """Raise an alarm for what stands still now, and end those for what waits no longer; inside a Writer."""
    now, standing = office.clock(), alarms.standing(Kind.STALLED)
    began = now - STALLED_AFTER
    large: set[str] = set()
    for announcement, waiting in _waiting(office):
        groups = [one for one in _groups(office, announcement, waiting, began) if one.is_large]
        large |= {one.subject for one in groups}
        if stalled.has_begun(announcement, began):
            _raise(office, announcement, [one for one in groups if one.was_tried and not one.goes_on], standing)
    for subject in standing - large:
        alarm.clear(office, Kind.STALLED, subject)


def _raise(office: Office, announcement: str, stuck: Sequence[_Group], standing: Collection[str]) -> None:
    """Tell of groups that stand still; where the whole does, which is the first one, it is told alone."""
    if any(one.subject == announcement for one in stuck):
        stuck = stuck[:1]
    for one in stuck:
        if one.subject not in standing:
            alarm.raise_(office, Kind.STALLED, one.subject, one.words)


def _waiting(office: Office) -> Iterator[tuple[str, list[Waiting]]]:
    """Yield the safety broadcasts of which something waits that no stop keeps."""
    domains = {one.domain for one in spool.waiting_domains() if one.lane is Lane.SAFETY}
    found = stalled.waiting(stops.standing().free(domains), office.clock() - LATELY, office.clock())
    by_announcement = attrgetter("announcement_id")
    for announcement, some in groupby(sorted(found, key=by_announcement), by_announcement):
        yield announcement, list(some)


def _groups(office: Office, announcement: str, waiting: Sequence[Waiting], began: datetime) -> Iterator[_Group]:
    """Yield the whole of a broadcast, and the receivers at which many of its recipients wait."""
    parts = stalled.parts(announcement, began, office.clock())
    yield _group(announcement, waiting, parts)
    named = {domain: receiver(office.receiver, domain) for domain in parts} if _sum(waiting) >= MANY else {}
    for name in sorted({named[one.domain] for one in waiting} if named else ()):
        here = [one for one in waiting if named[one.domain] == name]
        if _sum(here) >= MANY:
            yield _group(
                f"{announcement} {name}",
                here,
                {domain: part for domain, part in parts.items() if named[domain] == name},
            )


def _group(subject: str, waiting: Sequence[Waiting], parts: Mapping[str, Part]) -> _Group:
    return _Group(
        subject,
        domains=sorted(waiting, key=lambda one: (-one.waiting, one.domain)),
        recipients=sum(part.recipients for part in parts.values()),
        goes_on=any(part.goes_on for part in parts.values()),
    )


def _said(evidence: Evidence | None) -> str:
    return "" if evidence is None else alarm.said_by(evidence)


def _sum(waiting: Sequence[Waiting]) -> int:
    return sum(one.waiting for one in waiting)
