"""Whom must a school call, because no mail reaches the household (N8)?"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.failure import Refused
from mailer.cli.reach import advice_words, slots, state_words
from mailer.cli.schools import codes, of_schools
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, option
from mailer.domain.household import BROADCAST_SLOTS
from mailer.language import _

if TYPE_CHECKING:
    from mailer.domain.reach import HouseholdReach
    from mailer.domain.school import Schools

#: So that Excel takes the file for UTF-8.
MARK = "\ufeff"


@click.command(
    "call-list",
    cls=Verb,
    help=N_(
        "Show the households that want broadcasts and have no working address 1 or 2, with the reason and what the"
        " guardian can do.\n\n"
        "Households whose guardian has switched off “receive broadcasts” want no mail and are not listed. An address"
        " whose mail was refused once stands here too, before it rests, also while a carrier refuses so much that it is"
        " undecided whose fault that is. When a guardian says that an address is right,"
        " “bounce resume” has it tried again. The audit log records who took the list."
    ),
)
@of_schools
@option(
    "--csv",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=N_("Write it into this file for a spreadsheet (UTF-8, only you may read it)."),
)
@click.pass_obj
def call_list(session: Session, school: tuple[str, ...], city: str | None, everyone: bool, file: Path | None) -> None:
    """Show whom to call."""
    from mailer.service import reach

    with session.office() as office:
        schools = office.schools
        found = reach.call_list(office, codes(schools, school, city, everyone), session.actor)
        told = [_document(schools, one) for one in found] if session.json else []
    if file is not None:
        _write(file, _lines(schools, found))
    if session.json:
        output.document(told)
    elif file is not None:
        output.say(_("{file}: {count} households.").format(file=file, count=len(found)))
    elif found:
        output.table(_heads(), [row for one in found for row in _rows(schools, one)])
    else:
        output.say(_("There is no household to be called."))


def _document(schools: "Schools", one: "HouseholdReach") -> dict[str, Any]:
    entry = one.household.entry
    return {
        "id": one.household.id,
        "school": entry.school,
        "school_name": _name(schools, entry.school),
        "grade": entry.grade,
        "class": entry.class_name,
        "child": entry.child,
        "guardian": entry.guardian,
        "login": entry.login,
        "slots": [slot for slot in slots(one) if slot["slot"] in BROADCAST_SLOTS],
    }


def _name(schools: "Schools", code: str) -> str:
    school = schools.get(code)
    return school.name if school else code


def _heads() -> list[str]:
    place = [_("school"), _("grade"), _("class"), _("child"), _("guardian")]
    return [*place, _("slot"), _("address"), _("state"), _("what to do")]


def _rows(schools: "Schools", one: "HouseholdReach") -> Iterator[tuple[object, ...]]:
    """Return a row for each of the addresses 1 and 2; what it has in common with the one above is left out."""
    place: Sequence[object] = _place(schools, one)
    for cells in _addresses(one):
        yield (*place, *cells)
        place = [""] * len(place)


def _place(schools: "Schools", one: "HouseholdReach") -> tuple[str, ...]:
    entry = one.household.entry
    return (_name(schools, entry.school), entry.grade, entry.class_name, entry.child, entry.guardian)


def _addresses(one: "HouseholdReach") -> Sequence[tuple[str, ...]]:
    found = [
        (str(slot.slot), slot.address, state_words(slot), advice_words(slot))
        for slot in one.slots
        if slot.slot in BROADCAST_SLOTS
    ]
    return found or [("", "", _("no address"), _("No address is registered in slots 1 and 2."))]


def _lines(schools: "Schools", found: Iterable["HouseholdReach"]) -> Iterator[str]:
    """Return the lines of the file: every row is whole, so that it can be sorted."""
    from mailer.domain.roster import csv_line

    yield MARK + csv_line(_heads())
    for one in found:
        for cells in _addresses(one):
            yield csv_line((*_place(schools, one), *cells))


def _write(file: Path, lines: Iterable[str]) -> None:
    """Write personal data into a file that only its owner may read."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as opened:
            os.fchmod(handle, 0o600)
            opened.writelines(lines)
    except OSError as error:
        raise Refused(_("{file} cannot be written: {why}").format(file=file, why=error.strerror)) from error
