"""Which addresses rest, and how does staff have one tried again?"""

from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.announced import reason_words
from mailer.cli.failure import Refused
from mailer.cli.parameters import Code
from mailer.cli.selection import reasoned
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.suspension import Kept, Resting


@click.command(
    cls=Verb,
    help=N_(
        "Show the addresses that rest: since when, why, and when they are tried again.\n\n"
        "An address rests when mail to it kept being refused or coming back for a reason that the guardian can mend, or"
        " when its reader complained. Later, at the time shown, the next broadcast goes to it once, to see whether it"
        " works; [suspension] in the configuration says when. Whom to call is told by “households call-list”."
    ),
)
@option("--school", type=Code(), multiple=True, help=N_("Only addresses registered at this school."))
@click.pass_obj
def suspended(session: Session, school: tuple[str, ...]) -> None:
    """Show who rests."""
    from mailer.service import suspension

    with session.office() as office:
        found = suspension.suspended(office, school or None)
    if session.json:
        output.document([_document(one) for one in found])
    elif found:
        heads = [_("address"), _("schools"), _("rests since"), _("reason"), _("last reply"), _("is tried again")]
        output.table(heads, map(_row, found))
    else:
        output.say(_("No address rests."))


@click.command(
    cls=Verb,
    context_settings={"ignore_unknown_options": True},  # old addresses of au begin with a hyphen
    help=N_(
        "Have an address tried again: it rests no more, and what was said before counts no more.\n\n"
        "For when a guardian says that it works now. An address whose reader complained is woken too: ask first."
    ),
)
@click.argument("address")
@reasoned
@click.pass_obj
def resume(session: Session, address: str, why: str) -> None:
    """Wake one address."""
    from mailer.service import suspension
    from mailer.smtp.address import REASONS, AddressError, parse_address

    with session.office() as office:
        try:
            rested = suspension.resume(office, parse_address(address).key, session.actor, why)
        except AddressError as error:
            raise _refused(f"{address}: {_(REASONS[error.reason])}", address) from error
        except suspension.NotResting:
            words = _("{address} does not rest, and nothing counts against it.")
            raise _refused(words.format(address=address), address) from None
    if session.json:
        output.document({"address": address, "rested": rested})
    else:
        words = _("{address} gets mail again.") if rested else _("Nothing counts against {address} any more.")
        output.say(words.format(address=address))


def _refused(words: str, address: str) -> Refused:
    """Return the refusal, with the question whether an address that rests is meant: it is never taken for it."""
    from mailer.service.explain import at_rest

    question = _("Is {address} meant perhaps? Please ask.")
    return Refused("\n".join([words, *(question.format(address=other) for other in at_rest(address))]))


def _row(one: "Resting") -> tuple[object, ...]:
    rest = one.suspended
    again = one.tried_again or _("only when somebody says so")
    if rest.tested_by:
        again = _("now, with {id}").format(id=rest.tested_by)
    return (one.address, ", ".join(one.schools), rest.since, reason_words(rest.reason), rest.evidence[:60], again)


def _document(one: "Resting") -> dict[str, Any]:
    from mailer.cli.reach import meaning

    rest = one.suspended
    return {
        "address": one.address,
        "schools": list(one.schools),
        "since": rest.since,
        "reason": rest.reason,
        **meaning(rest.reason),
        "evidence": rest.evidence,
        "tried_again": one.tried_again,
        "tested_at": rest.tested_at,
        "tested_by": rest.tested_by,
        "setbacks": [_setback(kept) for kept in one.setbacks],
    }


def _setback(kept: "Kept") -> dict[str, Any]:
    from mailer.schedule.queue_id import queue_id

    said = kept.setback
    return {
        "broadcast": said.announcement_id,
        "queue_id": queue_id(kept.item_id),
        "at": said.at,
        "kind": said.kind.value,
        "reason": said.reason,
        "words": said.words,
        "standing": kept.standing,
    }
