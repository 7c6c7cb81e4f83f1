"""How is a notice to everyone announced without keeping an urgent broadcast waiting for the store?

Nobody waits for the counts of a notice, and everyone registered are ten times as many as one broadcast has. So `begin`
writes down that it is announced, and `go_on` its queue items and exclusions, a handful of households in a transaction,
school by school in the order of schools.toml. How far it is stands in the store: a crash repeats nothing and leaves out
nothing. Mail leaves as it is written; once the notice is cancelled, the rest is written as cancelled, so that in the
end everyone is accounted for. Whoever registers or leaves meanwhile may be among them or not; whoever was registered
before and still is, is so once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailer.domain.announcement import Announcement
from mailer.domain.audience import Audience, Member, resolve
from mailer.schedule.queued import Selection
from mailer.schedule.transition import CANCELLED
from mailer.service import suspension
from mailer.service.announce import NewAnnouncement, frozen, write
from mailer.service.audit import TIMER, record
from mailer.service.office import Office
from mailer.service.roster import DEREGISTERED
from mailer.store import announcements, control, registry
from mailer.store import audience as register
from mailer.store.announcements import Sums
from mailer.store.database import transaction

#: Households in a transaction: it keeps the store for some milliseconds, and the flush at its end is not most of that.
HANDFUL = 250


def begin(office: Office, new: NewAnnouncement) -> str:
    """Accept for sending, durably, to everyone registered at these schools; return the id of the announcement."""
    with transaction():
        announcement = replace(frozen(office, new), whole=False)
        announcements.add(announcement, new.actor)
        said = {"schools": list(new.schools), "subject": new.subject, "lane": new.lane.name.lower()}
        record(office, new.actor, f"{new.kind.value}.announce", announcement.id, **said)
        if not new.schools:
            _conclude(office, announcement, Sums())
    return announcement.id


def go_on(office: Office, households: int = HANDFUL) -> str:
    """Write so many more households of what was begun first; return its announcement (empty: all are whole)."""
    with transaction():
        found = announcements.unwritten()
        if found is None:
            return ""
        announcement_id, unwritten = found
        announcement = announcements.get(announcement_id)
        if announcement is None:
            raise LookupError(f"schools are to be written to by {announcement_id}, and there is no such announcement")
        members, through = _next(office, unwritten, households)
        sums = _add(announcements.so_far(announcement_id), _write(office, announcement, members))
        announcements.mark_written(announcement_id, through, sums)
        if all(school in through and through[school] is None for school in unwritten):
            _conclude(office, announcement, sums)
    return announcement_id


def announced(announcement: Announcement) -> str:
    """Return under which action the audit book tells how many an announcement goes to."""
    return f"{announcement.kind.value}.announced"


def _next(office: Office, unwritten: Mapping[str, int], most: int) -> tuple[list[Member], dict[str, int | None]]:
    """Return the next households, and through which of them each school is written with them (None: all are)."""
    members: list[Member] = []
    through: dict[str, int | None] = {}
    order = {school.code: school.order for school in office.schools}
    for school in sorted(unwritten, key=lambda code: (order.get(code, len(order)), code)):
        if len(members) == most:
            break
        members += register.members_after(school, unwritten[school], most - len(members))
        through[school] = members[-1].household_id if len(members) == most else None
    return members, through


def _write(office: Office, announcement: Announcement, members: Sequence[Member]) -> Audience:
    """Write the items and exclusions of households; an address that has its mail already gets no second one.

    Return what was new: the recipients that had no item yet, the exclusions, the households with a recipient.
    """
    keys = {slot.key for member in members for slot in member.slots}
    there = announcements.items_to(announcement.id, keys)
    resting = suspension.resting(office, keys.difference(there))
    to = resolve(announcement.kind, members, office.schools, resting)
    again = [(there[one.address_key], one) for one in to.recipients if one.address_key in there]
    announcements.add_slots(again)
    again_numbers = [number for number, _ in again]
    registry.revive(again_numbers, DEREGISTERED, announcement.not_before)
    new = replace(to, recipients=tuple(one for one in to.recipients if one.address_key not in there))
    numbers = write(office, announcement, new)
    written = (*again_numbers, *numbers)
    if announcement.cancelled_at is not None and written:  # without numbers a selection means all
        control.cancel(Selection(announcement_id=announcement.id, numbers=written), CANCELLED, office.clock())
    return new


def _add(sums: Sums, new: Audience) -> Sums:
    """Return the sums of an announcement with one more handful: every household is in just one."""
    excluded = Counter(sums.excluded)
    excluded.update(exclusion.reason.value for exclusion in new.exclusions)
    return Sums(sums.households + len(new.households), sums.recipients + len(new.recipients), dict(excluded))


def _conclude(office: Office, announcement: Announcement, sums: Sums) -> None:
    """Enter how many it goes to, so that the accounting can be checked against it."""
    said = {"households": sums.households, "recipients": sums.recipients, "excluded": dict(sums.excluded)}
    record(office, TIMER, announced(announcement), announcement.id, **said)
    announcements.mark_whole(announcement.id)
