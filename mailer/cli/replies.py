"""What did guardians write to the schools' addresses, and what became of it?"""

from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.parameters import MOST, Code
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.replies import Single

KINDS = {
    "notice": N_("notice to the sender"),
    "forward": N_("to the school's mailbox"),
    "nothing": N_("nothing: the school refuses mail"),
}
STATES = {
    "waiting": N_("waiting"),
    "sending": N_("being sent"),
    "accepted": N_("accepted"),
    "refused": N_("refused"),
    "returned": N_("returned"),
    "expired": N_("expired"),
    "held": N_("held"),
    "kept": N_("kept, nothing was sent"),
}
#: Of the text of a mail so much is shown; `--raw` has all of it.
LONGEST_TEXT = 10_000


@click.group(cls=Verbs, help=N_("Answers: mail that people wrote to the schools' addresses, and what became of it."))
def replies() -> None:
    """Group the verbs about answers."""


@replies.command(
    "list",
    cls=Verb,
    help=N_(
        "Show the answers that somebody may have to look after, the newest first: copies that have not reached the"
        " school's mailbox, notices that found nobody, and what was withheld because too much came; of that"
        " what strangers wrote comes last."
    ),
)
@option("--all", "everything", is_flag=True, help=N_("All answers, also those that are done with."))
@option("--school", type=Code(), help=N_("Only those to this school."))
@option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True, help=N_("How many at most."))
@click.pass_obj
def list_(session: Session, everything: bool, school: str | None, limit: int) -> None:
    """Show answers."""
    from mailer.service import replies as desk

    with session.office():
        found = desk.list_(school or "", limit, unsent=not everything)
    if session.json:
        output.document([_document(one) for one in found])
        return
    heads = [_("name"), _("came"), _("school"), _("sender"), _("handling"), _("state"), _("tries"), _("why")]
    output.table(heads, map(_row, found)) if found else output.say(_("There is none."))


@replies.command("show", cls=Verb, help=N_("Show an answer and what became of it."))
@click.argument("name", metavar="NAME")
@option("--raw", is_flag=True, help=N_("Write the mail to standard output as it came, byte by byte."))
@click.pass_obj
def show(session: Session, name: str, raw: bool) -> None:
    """Show one answer."""
    from mailer.service import replies as desk

    with session.office():
        one = desk.get(_number(name))
        content = desk.content(one)
    if raw:
        click.echo(content, nl=False)
        return
    mail = _read(content)
    if session.json:
        output.document(_document(one) | mail)
        return
    output.facts([(_(head), value) for head, value in _facts(one, mail)])
    output.say("")
    for line in mail["text"].splitlines():
        output.say(line)


@replies.command(
    "forward",
    cls=Verb,
    help=N_("Hand an answer that was kept on to the school's mailbox (forward_to in schools.toml)."),
)
@click.argument("name", metavar="NAME")
@click.pass_obj
def forward(session: Session, name: str) -> None:
    """Hand one on."""
    from mailer.service import replies as desk

    with session.office() as office:
        made = desk.forward(office, _number(name), session.actor)
    if session.json:
        output.document(_document(made))
        return
    output.say(_("{name} goes to {mailbox} as {new}.").format(name=name, mailbox=made.recipient, new=_name(made)))


def _name(one: "Single") -> str:
    return f"S{one.id:X}"


def _number(name: str) -> int:
    """Return the number in a name like S2F."""
    digits = name[1:]
    if name[:1].upper() != "S" or not 0 < len(digits) <= 15 or not set(digits.upper()) <= set("0123456789ABCDEF"):
        raise click.BadParameter(_("{name!r} is no answer's name; one looks like S2F.").format(name=name))
    return int(digits, 16)


def _row(one: "Single") -> tuple[object, ...]:
    return (
        _name(one),
        one.created_at,
        one.school,
        one.sender or "<>",
        _(KINDS[one.kind.value]),
        _(STATES[one.state.value]),
        one.attempts,
        _why(one),
    )


def _why(one: "Single") -> str:
    from mailer.domain.answering import REASONS

    return _(REASONS[one.reason]) if one.reason in REASONS else one.reply


def _facts(one: "Single", mail: dict[str, Any]) -> list[tuple[str, object]]:
    return [
        (N_("name"), _name(one)),
        (N_("came"), one.created_at),
        (N_("school"), one.school),
        (N_("sender"), one.sender or "<>"),
        (N_("handling"), _(KINDS[one.kind.value])),
        (N_("to"), one.recipient),
        (N_("state"), _(STATES[one.state.value])),
        (N_("tries"), one.attempts),
        (N_("possible copies"), one.possible_copies),
        (N_("next try"), one.next_at if one.state == "waiting" else None),
        (N_("mail server"), one.host),
        (N_("why"), _why(one)),
        (N_("author"), mail["from"]),
        (N_("subject"), mail["subject"]),
    ]


def _document(one: "Single") -> dict[str, Any]:
    return {
        "name": _name(one),
        "came_at": one.created_at,
        "school": one.school,
        "sender": one.sender,
        "kind": one.kind.value,
        "recipient": one.recipient,
        "state": one.state.value,
        "reason": one.reason,
        "attempts": one.attempts,
        "possible_copies": one.possible_copies,
        "next_try": one.next_at if one.state == "waiting" else None,
        "host": one.host,
        "reply": one.reply,
        "settled_at": one.settled_at,
    }


def _read(content: bytes) -> dict[str, Any]:
    """Return who wrote a mail, what about, and its first plain text."""
    from mailer.mime.entity import read_mail

    mail = read_mail(content)
    text = next((part.text() for part in mail.entities() if part.media_type == "text/plain"), "")
    return {"from": mail.words("from"), "subject": mail.words("subject"), "text": text[:LONGEST_TEXT]}
