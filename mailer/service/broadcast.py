"""What may be asked of a broadcast?

To send it, to see beforehand who would get it, to follow it, to cancel it, and to prove that its accounting holds. What
is shown here is shown of notices too: both are announcements.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailer.domain.announcement import Announcement, Kind
from mailer.domain.audience import Audience
from mailer.domain.lane import Lane
from mailer.message.text import TextError, check_subject, check_text
from mailer.schedule.accounting import ItemFacts, problems
from mailer.schedule.item import ItemState
from mailer.schedule.queue_id import queue_id
from mailer.schedule.queued import Selection
from mailer.schedule.transition import CANCELLED
from mailer.service import alarm, announcing, canary, stops
from mailer.service.announce import Announced, NewAnnouncement, NoSuchAnnouncement, announce, audience, summary
from mailer.service.audit import record
from mailer.service.office import Office
from mailer.store import accounting, announcements, audit, control
from mailer.store.database import transaction

REASONS: Mapping[str, str] = {
    "no_school": "No school is named.",
    "unknown_school": "There is no such school in schools.toml.",
    "closed_school": "The school is closed; nobody is written to from it any more.",
    "city_broadcasts": "schools.toml says that this city does not use broadcasts. Nothing was sent to any school.",
    "city_receipts": (
        "schools.toml says that this city does not use receipts; send it without a receipt URL. Nothing was sent."
    ),
    "no_recipients": "Nobody would get this: no address is eligible. Nothing was sent.",
    "bad_lifetime": "The time for which sending is tried must be longer than nothing.",
    "subject_empty": "The subject is empty.",
    "subject_too_long": "The subject is too long.",
    "subject_line_end": "The subject must be one line.",
    "subject_control": "The subject contains a control character.",
    "subject_broken": "The subject contains a broken character.",
    "text_empty": "The text is empty.",
    "text_too_long": "The text is too long.",
}


class BroadcastRefused(ValueError):
    """A broadcast cannot be sent as asked; `reason` is a key of REASONS, `detail` says more or is empty."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(REASONS[reason] + (f" ({detail})" if detail else ""))
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class BroadcastRequest:
    """What staff ask for. `at` is when it may leave (None: now), `expires` how long it is tried (None: the lane's own).

    `selectors` are the DKIM selectors active now.
    """

    schools: tuple[str, ...]
    subject: str
    text: str
    receipt: bool
    urgent: bool
    actor: str
    at: datetime | None = None
    expires: timedelta | None = None
    selectors: tuple[str, ...] = ()

    @property
    def lane(self) -> Lane:
        """Urgent broadcasts go in the safety lane."""
        return Lane.SAFETY if self.urgent else Lane.ORDINARY


def send(office: Office, request: BroadcastRequest) -> Announced:
    """Accept a broadcast for sending, durably and whole; raise BroadcastRefused if it cannot be sent as asked.

    An urgent one that meets a stop of the queue raises an alarm: `kept` tells more of it.
    """
    with transaction():
        new, to = _resolved(office, request)
        if not to.recipients:
            raise BroadcastRefused("no_recipients")
        announced = announce(office, new, to)
        count, _ = stops.keeping(announced.id) if request.urgent else (0, [])
        if count:
            alarm.raise_(office, alarm.Kind.SUSPENDED, announced.id, f"{count}/{announced.recipients}")
        return announced


def kept(announced: Announced) -> tuple[int, list[stops.Part]]:
    """Return how many recipients wait because an operator suspended a part of the queue, and which parts those are."""
    return stops.keeping(announced.id)


def preview(office: Office, request: BroadcastRequest) -> Announced:
    """Return what `send` would say, without an id and without sending; raise BroadcastRefused as `send` does.

    An audience without any recipient is shown, not refused.
    """
    new, to = _resolved(office, request)
    return summary("", new.schools, to)


def _resolved(office: Office, request: BroadcastRequest) -> tuple[NewAnnouncement, Audience]:
    schools = _schools(office, request.schools)
    _check_cities(office, schools, request.receipt)
    text = _checked(request.subject, request.text)
    if request.expires is not None and request.expires <= timedelta(0):
        raise BroadcastRefused("bad_lifetime")
    new = NewAnnouncement(
        kind=Kind.BROADCAST,
        lane=request.lane,
        schools=schools,
        subject=request.subject,
        text=text,
        receipt=request.receipt,
        actor=request.actor,
        selectors=request.selectors,
        not_before=max(office.clock(), request.at) if request.at else None,
        lifetime=request.expires,
    )
    return new, audience(office, schools)


def _schools(office: Office, codes: tuple[str, ...]) -> tuple[str, ...]:
    if not codes:
        raise BroadcastRefused("no_school")
    for code in codes:
        school = office.schools.get(code)
        if school is None:
            raise BroadcastRefused("unknown_school", code)
        if school.closed_on is not None:
            raise BroadcastRefused("closed_school", code)
    return tuple(school.code for school in office.schools if school.code in codes)


def _check_cities(office: Office, codes: tuple[str, ...], receipt: bool) -> None:
    found = office.schools.switched_off(codes, receipt=receipt)
    if found:
        city, key = found
        raise BroadcastRefused(f"city_{key}", f"{city.label}: [city.{city.code}] {key} = false")


def _checked(subject: str, text: str) -> str:
    try:
        check_subject(subject)
    except TextError as error:
        raise BroadcastRefused(f"subject_{error.reason}", error.detail) from error
    try:
        return check_text(text)
    except TextError as error:
        raise BroadcastRefused(f"text_{error.reason}", error.detail) from error


def show(office: Office, announcement_id: str) -> dict[str, Any]:
    """Return what became of an announcement, in the words of the Surface; raise NoSuchAnnouncement."""
    announcement = _get(announcement_id)
    counts = accounting.tally(announcement_id)
    return {
        "id": announcement.id,
        "schools": [school.code for school in office.schools if school.code in announcement.schools],
        "households": counts.households,
        "recipients": counts.recipients,
        "excluded": counts.excluded,
        "state": _state(office, announcement, counts),
        **counts.told,
        "returned": counts.returned,
        "possible_duplicates": counts.possible_duplicates,
        "confirmed": counts.confirmed,
        "machine_only": 0,
        "not_opened": counts.households - counts.confirmed,
        "canaries": canary.rode(announcement_id),
        "forgotten_at": accounting.forgotten_at(announcement_id),
        "whole": announcement.whole,
        **_terms(announcement),
    }


def recipients(announcement_id: str) -> Iterator[dict[str, Any]]:
    """Return one line per recipient of an announcement, as the Surface says; raise NoSuchAnnouncement."""
    _get(announcement_id)
    confirmed = accounting.confirmed_households(announcement_id)
    standing = stops.standing()
    return (_line(one, confirmed, standing) for one in accounting.items(announcement_id))


def verify(office: Office, announcement_id: str) -> list[str]:
    """Return what does not add up in the accounting of an announcement; an empty list means that it holds.

    Raises NoSuchAnnouncement.
    """
    announcement = _get(announcement_id)
    book = _counted(announcement)
    return problems(accounting.facts(announcement, book, office.clock()))


def is_whole(announcement_id: str) -> bool:
    """Tell whether all recipients of an announcement are written; raise NoSuchAnnouncement."""
    return _get(announcement_id).whole


def _counted(announcement: Announcement) -> accounting.Counted | None:
    """Return what the audit book says that an announcement goes to, and when it was counted."""
    for action in (announcing.announced(announcement), f"{announcement.kind.value}.announce"):
        book = audit.about(action, announcement.id)
        if book and (said := book.detail).keys() >= {"recipients", "households", "excluded"}:
            return book.at, (said["recipients"], said["households"], sum(said["excluded"].values()))
    return None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """How many recipients waited for what is cancelled; False where nothing was called off.

    With `more` others were still to be written, and will be as cancelled; those `under_way` may still leave.
    """

    items: int
    more: bool = False
    under_way: int = 0

    def __bool__(self) -> bool:
        return bool(self.items) or self.more

    @property
    def stopped(self) -> int:
        """Return how many do not leave any more, whatever becomes of what is under way."""
        return self.items - self.under_way


def cancel(office: Office, announcement_id: str, actor: str) -> Cancelled:
    """Let no more of an announcement leave; return what was called off.

    What is under way is counted too, and may still be accepted: it only gets no further attempt. Where nobody waited,
    nothing was called off, and the announcement stays what it was. Raises NoSuchAnnouncement.
    """
    with transaction():
        announcement = _get(announcement_id)
        now = office.clock()
        recipients = Selection(announcement_id=announcement_id, canaries=False)
        count = control.cancel(recipients, CANCELLED, now)
        control.cancel(Selection(announcement_id=announcement_id, canaries=True), CANCELLED, now)
        more = not announcement.whole and announcement.cancelled_at is None
        done = Cancelled(count, more, control.under_way(recipients) if count else 0)
        if done:
            announcements.mark_cancelled(announcement_id, now)
        record(office, actor, f"{announcement.kind.value}.cancel", announcement_id, items=count)
    return done


def list_(limit: int = 100) -> list[Announcement]:
    """Return the newest announcements, the newest first."""
    return announcements.newest(limit)


def _get(announcement_id: str) -> Announcement:
    announcement = announcements.get(announcement_id)
    if announcement is None:
        raise NoSuchAnnouncement(announcement_id)
    return announcement


def _state(office: Office, announcement: Announcement, counts: accounting.Tally) -> str:
    if announcement.cancelled_at is not None:
        return "cancelled"
    if not counts.under_way and announcement.whole:
        return "held" if counts.told["held"] else "finished"
    waits_for_its_hour = announcement.not_before > office.clock() and not counts.tried
    return "scheduled" if waits_for_its_hour else "sending"


def _terms(announcement: Announcement) -> dict[str, Any]:
    return {
        "kind": announcement.kind.value,
        "lane": announcement.lane.name.lower(),
        "subject": announcement.subject,
        "receipt": announcement.receipt,
        "announced_at": announcement.announced_at,
        "not_before": announcement.not_before,
        "expires_at": accounting.tried_until(announcement),
        "cancelled_at": announcement.cancelled_at,
    }


def _line(one: ItemFacts, confirmed: frozenset[int], standing: stops.Stops) -> dict[str, Any]:
    item, said = one.item, one.item.evidence
    households = sorted({household for household, _ in one.places})
    evidence = {
        "host": said.host,
        "stage": said.stage,
        "code": said.code,
        "enhanced": said.enhanced,
        "text": said.text,
        "tls": said.tls,
        "at": item.replied_at,
        "reason": said.reason,
        "reading": one.reading,
        "attempts": item.attempts,
    }
    return {
        "queue_id": queue_id(item.id),
        "school": item.school,
        "address": item.address,
        "slots": sorted({slot for _, slot in one.places}),
        "households": households,
        "state": item.word,
        "suspended": item.state is ItemState.WAITING and standing.over(item) is not None,
        "possible_duplicate": item.possible_duplicate,
        "evidence": evidence,
        "confirmed": confirmed.issuperset(households),
    }
