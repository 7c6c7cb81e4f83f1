"""How is a notice to everyone announced without keeping an urgent broadcast waiting for the store?

Nobody waits for the counts of a notice, and everyone registered are ten times as many as one broadcast has. So `begin`
writes down that it is announced, and `go_on` its queue items and exclusions, a handful of households in a transaction,
school by school in the order of schools.toml. How far it is stands in the store: a crash repeats nothing and leaves out
nothing. Mail leaves as it is written. Whoever registers meanwhile may get it or not; whoever was registered before and
still is, gets it once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailer.domain.announcement import Announcement
from mailer.domain.audience import Member, resolve
from mailer.service import suspension
from mailer.service.announce import NewAnnouncement, frozen, write
from mailer.service.audit import record
from mailer.service.office import Office
from mailer.service.roster import DEREGISTERED
from mailer.store import accounting, announcements, registry
from mailer.store import audience as register
from mailer.store.database import transaction

HANDFUL = 500
TIMER = "timer"


def begin(office: Office, new: NewAnnouncement) -> str:
    """Accept for sending, durably, to everyone registered at these schools; return the id of the announcement."""
    with transaction():
        announcement = replace(frozen(office, new), whole=False)
        announcements.add(announcement, new.actor)
        said = {"schools": list(new.schools), "subject": new.subject, "lane": new.lane.name.lower()}
        record(office, new.actor, f"{new.kind.value}.announce", announcement.id, **said)
    return announcement.id


def go_on(office: Office, households: int = HANDFUL) -> str:
    """Write so many more households of what was begun first; return its announcement (empty: all are whole)."""
    with transaction():
        found = announcements.unwritten()
        if found is None:
            return ""
        announcement_id, unwritten = found
        members, through = _next(office, unwritten, households)
        announcement = announcements.get(announcement_id)
        if announcement is None:
            raise LookupError(f"schools are to be written to by {announcement_id}, and there is no such announcement")
        _write(office, announcement, members)
        announcements.mark_written(announcement_id, through)
        if all(school in through and through[school] is None for school in unwritten):
            _conclude(office, announcement, TIMER)
    return announcement_id


def stop(office: Office, announcement: Announcement, actor: str) -> bool:
    """Write nothing more of an announcement that is being cancelled; return whether something was left to write."""
    if not announcement.whole and announcement.cancelled_at is None:
        _conclude(office, announcement, actor)
        return True
    return False


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


def _write(office: Office, announcement: Announcement, members: Sequence[Member]) -> None:
    """Write the items and exclusions of households; an address that has its mail already gets no second one."""
    there = announcements.items_to(announcement.id, {slot.key for member in members for slot in member.slots})
    resting = suspension.resting(office).difference(there)
    to = resolve(announcement.kind, members, office.schools, resting)
    again = [(there[one.address_key], one) for one in to.recipients if one.address_key in there]
    announcements.add_slots(again)
    registry.revive((number for number, _ in again), DEREGISTERED)
    first = tuple(one for one in to.recipients if one.address_key not in there)
    write(office, announcement, replace(to, recipients=first))


def _conclude(office: Office, announcement: Announcement, actor: str) -> None:
    """Enter how many it goes to, so that the accounting can be checked against it."""
    counts = accounting.tally(announcement.id)
    sums = {"households": counts.households, "recipients": counts.recipients, "excluded": counts.excluded}
    record(office, actor, announced(announcement), announcement.id, **sums)
