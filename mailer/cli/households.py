"""How do rosters come in and go out, and how does a clerk look at one household or take it off?"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.failure import Refused
from mailer.cli.parameters import Code
from mailer.cli.reach import slots, state_words
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.domain.household import Household
    from mailer.domain.reach import HouseholdReach
    from mailer.domain.roster import Problem, Roster
    from mailer.service.office import Office
    from mailer.service.roster import Imported


VERBS = {"reach": "mailer.cli.reach:reach", "call-list": "mailer.cli.call_list:call_list"}


@click.group(cls=Verbs, later=VERBS, help=N_("Rosters and registered households."))
def households() -> None:
    """Group the verbs about households."""


@households.command(
    "import",
    cls=Verb,
    help=N_(
        "Read a roster file; a row of the same school, login and child updates that household.\n\n"
        "CSV in UTF-8 or CP932 with the header school,grade,class,child,guardian,login,address1,address2,address3,"
        "address4,receives_broadcasts. Every bad row is named; nothing is imported unless all rows are good."
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.csv")
@option("--school", type=Code(), help=N_("The file may only hold rows of this school."))
@option("--dry-run", is_flag=True, help=N_("Say what would happen and change nothing."))
@option("--skip-bad", is_flag=True, help=N_("Import the good rows although others are bad."))
@click.pass_obj
def import_(session: Session, file: Path, school: str | None, dry_run: bool, skip_bad: bool) -> None:
    """Import a roster."""
    from mailer.domain.roster import read_roster

    content = file.read_bytes()
    with session.office() as office:
        roster = read_roster(content, office.schools, school)
        _name(roster.problems)
        refused = bool(roster.problems) and not (skip_bad and roster.readable)
        done = None if refused else _import(session, office, roster, dry_run)
    if session.json:
        output.document(_import_document(roster, done, dry_run))
    if done is None:
        words = _("Nothing was imported: {count} problems. Correct the file and import it again.")
        raise Refused(words.format(count=len(roster.problems)))
    if not session.json:
        _tell(roster, done, dry_run)


def _import(session: Session, office: "Office", roster: "Roster", dry_run: bool) -> "Imported":
    from mailer.service.roster import import_entries, preview_import

    if dry_run:
        return preview_import(roster.entries)
    with output.progress(session.shows_progress, _("Importing"), len(roster.entries)) as advance:
        seen = 0

        def progress(done: int, _total: int) -> None:
            nonlocal seen
            advance(done - seen)
            seen = done

        return import_entries(office, roster.entries, session.actor, progress)


def _name(problems: Sequence["Problem"]) -> None:
    """Say of each bad row what is wrong."""
    for problem in problems:
        place = _("Line {line}, {column}:") if problem.column else _("Line {line}:")
        output.note(f"{place.format(line=problem.line, column=problem.column)} {_sentence(problem)}")


def _sentence(problem: "Problem") -> str:
    from mailer.domain.roster import REASONS

    return _(REASONS[problem.reason]) + (f" ({problem.detail})" if problem.detail else "")


def _import_document(roster: "Roster", done: "Imported | None", dry_run: bool) -> dict[str, Any]:
    problems = [
        {"line": one.line, "column": one.column, "reason": one.reason, "detail": one.detail, "message": _sentence(one)}
        for one in roster.problems
    ]
    return {
        "dry_run": dry_run,
        "created": done.created if done else 0,
        "updated": done.updated if done else 0,
        "unchanged": done.unchanged if done else 0,
        "problems": problems,
    }


def _tell(roster: "Roster", done: "Imported", dry_run: bool) -> None:
    output.say(_("Nothing was changed. An import would do this:") if dry_run else _("The roster was imported."))
    bad_lines = {problem.line for problem in roster.problems}
    output.facts(
        [
            (_("new"), done.created),
            (_("updated"), done.updated),
            (_("unchanged"), done.unchanged),
            (_("rows left out"), len(bad_lines)),
        ]
    )


@households.command(
    "export",
    cls=Verb,
    help=N_("Write the registered households as a roster file to standard output. The audit log records it."),
)
@option("--school", type=Code(), help=N_("Only the households of this school."))
@click.pass_obj
def export(session: Session, school: str | None) -> None:
    """Export the roster."""
    from mailer.service import roster

    with session.office() as office:
        lines = roster.export_lines(office, session.actor, school)  # enters it into the audit log too
        if session.json:
            output.document([_document(household) for household in roster.export(school)])
            return
        for line in lines:
            click.echo(line.encode(), nl=False)


@households.command(
    "show", cls=Verb, help=N_("Show the households that a number, an address or a login names, deregistered ones too.")
)
@click.argument("wanted", metavar="NUMBER|ADDRESS|LOGIN")
@click.pass_obj
def show(session: Session, wanted: str) -> None:
    """Show households."""
    from mailer.service.reach import of_households
    from mailer.service.roster import show as find

    with session.office() as office:
        found = find(wanted)
        if not found:
            raise _unknown(wanted)
        if session.json:
            output.document([_document(one.household) | {"slots": slots(one)} for one in of_households(found)])
            return
        for number, one in enumerate(of_households(found)):
            if number:
                output.say("")
            _describe(office, one.household, one)


@households.command(
    "deregister",
    cls=Verb,
    help=N_("Take a household off the roster (登録解除届). Mail that waits for it alone is cancelled."),
)
@click.argument("wanted", metavar="NUMBER|ADDRESS|LOGIN")
@option("--yes", is_flag=True, help=N_("Do not ask."))
@click.pass_obj
def deregister(session: Session, wanted: str, yes: bool) -> None:
    """Deregister one household."""
    from mailer.service.roster import deregister as take_off

    with session.office() as office:
        household = _the_one(wanted)
        if session.asks and not yes:
            _describe(office, household)
            click.confirm(_("Take this household off the roster?"), abort=True, err=True)
        cancelled = take_off(office, household.id, session.actor)
    if session.json:
        output.document({"id": household.id, "cancelled": cancelled})
    else:
        words = _("Household {id} is no longer registered. Waiting mails cancelled: {count}")
        output.say(words.format(id=household.id, count=cancelled))


def _the_one(wanted: str) -> "Household":
    """Return the one household that `wanted` names; a registered one if there is just one such."""
    from mailer.service.roster import show as find

    found = find(wanted)
    if not found:
        raise _unknown(wanted)
    registered = [household for household in found if household.deregistered_at is None]
    if len(registered or found) > 1:
        words = _("{wanted} names several households; give the number of one: {numbers}")
        raise Refused(words.format(wanted=wanted, numbers=", ".join(str(one.id) for one in registered or found)))
    return (registered or found)[0]


def _unknown(wanted: str) -> Refused:
    return Refused(_("There is no household with the number, address or login {wanted}.").format(wanted=wanted))


def _document(household: "Household") -> dict[str, Any]:
    """Return a household under the names of the roster's columns."""
    entry = household.entry
    return {
        "id": household.id,
        "school": entry.school,
        "grade": entry.grade,
        "class": entry.class_name,
        "child": entry.child,
        "guardian": entry.guardian,
        "login": entry.login,
        **{f"address{slot}": entry.addresses.get(slot, "") for slot in (1, 2, 3, 4)},
        "receives_broadcasts": entry.receives_broadcasts,
        "registered_at": household.registered_at,
        "deregistered_at": household.deregistered_at,
    }


def _describe(office: "Office", household: "Household", reach: "HouseholdReach | None" = None) -> None:
    """Write a household for people; with `reach` also how its addresses stand."""
    stand = {one.slot: f" — {state_words(one)}" for one in reach.slots} if reach else {}
    entry = household.entry
    school = office.schools.get(entry.school)
    output.facts(
        [
            (_("household"), household.id),
            (_("school"), f"{entry.school} ({school.name})" if school else entry.school),
            (_("grade and class"), f"{entry.grade} {entry.class_name}"),
            (_("child"), entry.child),
            (_("guardian"), entry.guardian),
            (_("login"), entry.login),
            *(
                (_("address {slot}").format(slot=slot), entry.addresses.get(slot, "") + stand.get(slot, ""))
                for slot in (1, 2, 3, 4)
            ),
            (_("receives broadcasts"), _("yes") if entry.receives_broadcasts else _("no")),
            (_("registered"), household.registered_at),
            (_("deregistered"), household.deregistered_at),
        ]
    )
