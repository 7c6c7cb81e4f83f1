"""Which mails came in, and what do they say?"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.announced import reason_words
from mailer.cli.failure import Refused
from mailer.cli.parameters import MOST
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.store.bounce_events import Listed

#: What a mail, and an event of it, is called.
WORDS = {
    "returned": N_("returned"),
    "report": N_("report"),
    "autoreply": N_("automatic answer"),
    "mail": N_("ordinary mail"),
    "unread": N_("not read yet"),
    "unreadable": N_("could not be read"),
    "hard": N_("address is dead"),
    "soft": N_("not delivered"),
    "delayed": N_("still tried over there"),
    "delivered": N_("success report"),
    "complaint": N_("complaint"),
}


@click.command(
    cls=Verb,
    context_settings={"ignore_unknown_options": True},  # old addresses of au begin with a hyphen
    help=N_(
        "Show mails that came in, the newest first, with what they say of each recipient; of an ADDRESS only those"
        " about it.\n\nA mail that proves nothing (its writer need not have got our mail) is marked; it changes no"
        " state."
    ),
)
@click.argument("address", required=False)
@option("--broadcast", metavar="ID", help=N_("Only mails about this broadcast or notice."))
@option("--household", type=click.IntRange(1, MOST), metavar="NUMBER", help=N_("Only mails about this household."))
@option(
    "--unread",
    is_flag=True,
    help=N_("Only mails that say nothing of any recipient, came to no school, and wait for a person."),
)
@option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True, help=N_("How many lines at most."))
@click.pass_obj
def list_(
    session: Session, address: str | None, broadcast: str | None, household: int | None, unread: bool, limit: int
) -> None:
    """List what came in."""
    from mailer.service import bounce
    from mailer.smtp.address import parse_address
    from mailer.store.bounce_events import Criteria

    key = None if address is None else parse_address(address).key
    with session.office():
        found = bounce.listed(Criteria(key, broadcast, household, unread), limit)
    if session.json:
        output.document([_document(one) for one in found])
        return
    if found:
        _tell(found)
    else:
        output.say(_("No such mail came in."))


@click.command(
    cls=Verb,
    help=N_(
        "Show one mail that came in: what was made of it, and the mail itself (--raw: its bytes and nothing else)."
    ),
)
@click.argument("number", metavar="MAIL", type=click.IntRange(1, MOST))
@option("--raw", is_flag=True, help=N_("Write the mail as it came, to be read by another program."))
@click.pass_obj
def show(session: Session, number: int, raw: bool) -> None:
    """Show one mail."""
    from mailer.domain.typed import visible
    from mailer.service import bounce

    with session.office():
        content, found = bounce.show(number)
    if content is None:
        raise Refused(
            _("There is no mail with the number {number}; “mimamori bounce list” shows those that are kept.").format(
                number=number
            )
        )
    if raw:
        sys.stdout.buffer.write(content)
        return
    if session.json:
        output.document({"mail": number, "events": [_document(one) for one in found]})
        return
    _tell(found)
    output.say("")
    for line in content.decode("utf-8", "replace").splitlines():
        output.say(visible(line.expandtabs(), MOST))


def _tell(found: "Sequence[Listed]") -> None:
    heads = [_("mail"), _("received"), _("what it says"), _("recipient"), _("reason"), _("words"), _("broadcast")]
    output.table(heads, map(_row, found))


def _row(one: "Listed") -> tuple[object, ...]:
    event = one.event
    what = _(WORDS.get(one.meaning if event is None else event.kind.value, one.meaning))
    if event is None:
        path = _("from {sender} to {recipient}").format(sender=one.reverse_path or "<>", recipient=one.forward_path)
        return (one.mail_id, one.at, what, "", "", path[:100], one.announcement_id or "")
    about = one.announcement_id or ""
    return (
        *(one.mail_id, one.at, what, event.recipient, reason_words(event.reason.value), event.diagnostic[:60]),
        about if one.proved or not about else _("{broadcast} (not proved)").format(broadcast=about),
    )


def _document(one: "Listed") -> dict[str, Any]:
    from mailer.schedule.queue_id import queue_id

    event = one.event
    told = {} if event is None else _event(event)
    return {
        "mail": one.mail_id,
        "at": one.at,
        "reverse_path": one.reverse_path,
        "forward_path": one.forward_path,
        "meaning": one.meaning,
        **told,
        "proved": one.proved,
        "queue_id": None if one.item_id is None else queue_id(one.item_id),
        "broadcast": one.announcement_id,
    }


def _event(event: Any) -> dict[str, Any]:
    return {
        "recipient": event.recipient,
        "kind": event.kind.value,
        "reason": event.reason.value,
        "status": event.status,
        "diagnostic": event.diagnostic,
        "host": event.host,
        "faq_item": event.reason.meaning.faq_item,
    }
