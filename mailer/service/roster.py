"""How does a roster come into the store and out again, and how does a household leave?

An import is whole or nothing. A row of the same school, login and child as a registered household updates it.
A deregistered household is never updated: the same child registered anew is a new household, so that
no history leaks from one registration to the next (F12). Raises RosterRefused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.domain.household import Entry, Household
from mailer.domain.roster import write_roster
from mailer.domain.typed import hidden_character
from mailer.service import suspension
from mailer.service.audit import record
from mailer.service.office import Office
from mailer.smtp.address import AddressError, parse_address
from mailer.store import registry
from mailer.store.database import transaction

BATCH = 1000
DEREGISTERED = "deregistered"
#: What each refusal means; `deregistered` is also why an item was cancelled with its household.
REASONS: Mapping[str, str] = {
    "unknown_household": "There is no household with this number.",
    DEREGISTERED: "The household is no longer registered.",
}

Progress = Callable[[int, int], None]
Key = tuple[str, str, str]


class RosterRefused(ValueError):
    """A request about a household cannot be done: `reason` is a key of REASONS, `detail` the piece meant."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{REASONS[reason]} ({detail})")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Imported:
    """How many households an import made, changed, and found as they were."""

    created: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class _Plan:
    new: Sequence[Entry]
    changed: Sequence[tuple[Household, Entry]]
    unchanged: int


def import_entries(
    office: Office, entries: Sequence[tuple[int, Entry]], actor: str, progress: Progress | None = None
) -> Imported:
    """Register or update the households of all entries, in one transaction; (line, entry) as `read_roster` gives them.

    `progress` is called with the rows done and all rows; after its last call the import is committed.
    """
    with transaction():
        plan = _plan(entries)
        imported = Imported(len(plan.new), len(plan.changed), plan.unchanged)
        for done in _carry_out(plan, office.clock()):
            if progress:
                progress(done, len(entries))
        counts = {"created": imported.created, "updated": imported.updated, "unchanged": imported.unchanged}
        record(office, actor, "households.import", "roster", **counts)
        suspension.set_anew(office, _set_anew(plan), actor)
    return imported


def preview_import(entries: Sequence[tuple[int, Entry]]) -> Imported:
    """Return what an import of these entries would do; write nothing."""
    plan = _plan(entries)
    return Imported(len(plan.new), len(plan.changed), plan.unchanged)


def export(school: str | None = None) -> Iterator[Household]:
    """Return all registered households, or those of one school."""
    return registry.registered(school)


def export_lines(office: Office, actor: str, school: str | None = None) -> Iterator[str]:
    """Return the lines of the roster file of `export`, and enter into the audit book who took it."""
    with transaction():
        households = list(export(school))
        record(office, actor, "households.export", school or "roster", households=len(households))
    return write_roster(household.entry for household in households)


def show(wanted: str) -> tuple[Household, ...]:
    """Return the households that a number, an address or a login names, registered or not; in order, none twice."""
    if hidden_character(wanted):  # no login or address holds one, and the store takes no broken ones
        return ()
    found = {household.id: household for household in _named(wanted)}
    return tuple(found[number] for number in sorted(found))


def deregister(office: Office, household_id: int, actor: str) -> int:
    """Record a 登録解除届 and cancel the mail that waits for this household alone; return how many items that is.

    Raises RosterRefused if there is no such household or it is deregistered already.
    """
    with transaction():
        household = registry.by_id(household_id)
        if household is None:
            raise RosterRefused("unknown_household", str(household_id))
        if household.deregistered_at is not None:
            raise RosterRefused(DEREGISTERED, str(household_id))
        now = office.clock()
        registry.deregister(household_id, now)
        cancelled = registry.cancel_orphans(household_id, now, DEREGISTERED)
        record(office, actor, "households.deregister", str(household_id), cancelled=cancelled)
    return cancelled


def _plan(entries: Sequence[tuple[int, Entry]]) -> _Plan:
    known = {_key(household.entry): household for household in registry.registered()}
    matched = [(known.get(_key(entry)), entry) for _, entry in entries]
    changed = [(household, entry) for household, entry in matched if household and household.entry != entry]
    new = [entry for household, entry in matched if household is None]
    return _Plan(new, changed, len(entries) - len(new) - len(changed))


def _key(entry: Entry) -> Key:
    return entry.school, entry.login, entry.child


def _carry_out(plan: _Plan, now: datetime) -> Iterator[int]:
    done = plan.unchanged
    if done:
        yield done
    for start in range(0, len(plan.new), BATCH):
        part = plan.new[start : start + BATCH]
        registry.add(part, now)
        done += len(part)
        yield done
    for start in range(0, len(plan.changed), BATCH):
        changes = plan.changed[start : start + BATCH]
        registry.change(changes, now)
        done += len(changes)
        yield done


def _set_anew(plan: _Plan) -> Iterator[str]:
    """Return the keys of the addresses that a plan puts where they did not stand."""
    for entry in plan.new:
        yield from (parse_address(address).key for address in entry.addresses.values())
    for household, entry in plan.changed:
        before = household.entry.addresses
        yield from (parse_address(new).key for slot, new in entry.addresses.items() if before.get(slot) != new)


def _named(wanted: str) -> Iterator[Household]:
    yield from registry.by_login(wanted)
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
        household = registry.by_id(int(wanted))
        if household:
            yield household
    try:
        yield from registry.by_address(parse_address(wanted).key)
    except AddressError:
        return
