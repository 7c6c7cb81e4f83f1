"""How many households does a broadcast reach, and how does each address stand?"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.announced import reason_words
from mailer.cli.schools import codes, of_schools
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb
from mailer.language import _, spoken

if TYPE_CHECKING:
    from mailer.domain.reach import HouseholdReach, SlotReach


@click.command(
    cls=Verb,
    help=N_(
        "Count the households of each school by how many of their addresses 1 and 2 work.\n\n"
        "An address works as long as nothing speaks against it: it does not rest, and its last mail was not refused for"
        " a reason that the guardian can mend. While a carrier suddenly refuses much more than usual it is undecided"
        " whether the addresses that it refused work. Whom to call is told by call-list."
    ),
)
@of_schools
@click.pass_obj
def reach(session: Session, school: tuple[str, ...], city: str | None, everyone: bool) -> None:
    """Count the households that are reached."""
    from mailer.service.reach import by_school

    with session.office() as office:
        names = {one.code: one.name for one in office.schools}
        found = by_school(codes(office.schools, school, city, everyone))
    if session.json:
        output.document([{"school": code, "name": names[code], **asdict(one)} for code, one in found.items()])
        return
    heads = [
        _("school"),
        _("two addresses work"),
        _("one works"),
        _("undecided"),
        _("none works"),
        _("want no broadcasts"),
    ]
    output.table(
        heads, [(names[code], one.two, one.one, one.undecided, one.none, one.option_off) for code, one in found.items()]
    )


def slots(one: "HouseholdReach") -> list[dict[str, Any]]:
    """Return how the addresses of a household stand, for programs."""
    return [_slot(one, slot) for slot in one.slots]


def _slot(one: "HouseholdReach", slot: "SlotReach") -> dict[str, Any]:
    from mailer.domain.reach import State
    from mailer.service.reach import last_accepted

    trouble = slot.trouble
    return {
        "slot": slot.slot,
        "address": slot.address,
        "state": slot.state.value,
        "since": trouble and trouble.since,
        "reason": trouble and trouble.reason,
        **(meaning(trouble.reason) if trouble and slot.state is not State.UNDECIDED else {}),
        "words": trouble and trouble.words,
        "last_accepted": last_accepted(slot.address, one.household.registered_at),
    }


def meaning(word: str) -> dict[str, Any]:
    """Return what the taxonomy says of a reason: the item of the check-list, and words for the support window."""
    from mailer.carrier.reason import Reason

    if word not in set(Reason):
        return {}
    found = Reason(word).meaning
    return {"faq_item": found.faq_item, "label": found.label, "advice": found.advice}


def state_words(slot: "SlotReach") -> str:
    """Return how an address stands, in the language spoken."""
    from mailer.domain.reach import State

    if slot.trouble is None:
        return _("works") if slot.state is State.WORKS else _("cannot be written to")
    words = {
        State.RESTS: _("rests since {day}: {reason}"),
        State.UNDECIDED: _("undecided since {day}: {reason}"),
    }.get(slot.state, _("fails since {day}: {reason}"))
    return words.format(day=output.moment(slot.trouble.since)[:10], reason=reason_words(slot.trouble.reason))


def advice_words(slot: "SlotReach") -> str:
    """Return what the guardian of an address can do, in the language spoken (English has only what is the matter)."""
    from mailer.carrier.reason import Reason
    from mailer.domain.audience import REASONS, Excluded
    from mailer.domain.reach import State

    if slot.trouble is None:
        return _(REASONS[Excluded.BAD_ADDRESS])
    if slot.state is State.UNDECIDED:
        return _("The mail was refused, perhaps by a fault of the carrier: nothing is held against the address so far.")
    if slot.trouble.reason not in set(Reason):
        return slot.trouble.reason
    found = Reason(slot.trouble.reason).meaning
    return found.advice if spoken() == "ja" else found.english
