"""How do staff send a broadcast, follow it, call it off, and have its accounting proved?"""

from typing import Any

import click

from mailer.cli import output
from mailer.cli.announced import describe, marked, reason_words, reply_words, state_word, under_way_words
from mailer.cli.failure import Refused
from mailer.cli.parameters import MOST
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _


@click.group(
    cls=Verbs,
    later={"send": "mailer.cli.broadcast_send:send"},
    help=N_("Broadcasts to the guardians of schools: send, follow, cancel, prove."),
)
def broadcast() -> None:
    """Group the verbs about broadcasts."""


@broadcast.command("list", cls=Verb, help=N_("Show the newest broadcasts and notices, the newest first."))
@option("--limit", type=click.IntRange(1, MOST), default=20, show_default=True, help=N_("How many."))
@click.pass_obj
def list_(session: Session, limit: int) -> None:
    """Show the newest announcements."""
    from mailer.service import broadcast as desk

    with session.office() as office:
        figures = [desk.show(office, one.id) for one in desk.list_(limit)]
    if session.json:
        output.document(figures)
        return
    heads = [_("id"), _("announced"), _("state"), _("recipients"), _("accepted"), _("confirmed"), _("subject")]
    rows = [
        (
            one["id"],
            one["announced_at"],
            state_word(one["state"]),
            *(one[name] for name in ("recipients", "accepted", "confirmed", "subject")),
        )
        for one in figures
    ]
    output.table(heads, rows)


@broadcast.command("show", cls=Verb, help=N_("Show what became of a broadcast so far."))
@click.argument("announcement_id", metavar="ID")
@click.pass_obj
def show(session: Session, announcement_id: str) -> None:
    """Show one announcement."""
    from mailer.service import broadcast as desk

    with session.office() as office:
        figures = desk.show(office, announcement_id)
        if session.json:
            output.document(figures)
        else:
            describe(office, figures)


@broadcast.command(
    "recipients", cls=Verb, help=N_("Show every recipient with its state and the evidence; with --json as JSON lines.")
)
@click.argument("announcement_id", metavar="ID")
@option("--unreached", is_flag=True, help=N_("Only those whose mail nobody has accepted (yet)."))
@click.pass_obj
def recipients(session: Session, announcement_id: str, unreached: bool) -> None:
    """Show the recipients, or those who were not reached."""
    from mailer.service import broadcast as desk

    with session.office():
        rows = desk.recipients(announcement_id)
        if unreached:
            rows = (row for row in rows if row["state"] != "accepted")
        if session.json:
            output.lines(rows)
            return
        heads = [_("queue id"), _("address"), _("slots"), _("state"), _("confirmed"), _("host"), _("reply")]
        output.table(heads, map(_recipient, rows))


def _recipient(row: dict[str, Any]) -> tuple[object, ...]:
    said = row["evidence"]
    state = state_word(row["state"])
    state = _("{state}, suspended").format(state=state) if row["suspended"] else state
    # What an operator did lies over the last reply and hides none of it.
    over = reason_words(said["reason"]) if said["reason"] != said["reading"] else ""
    reply = reply_words(said["code"], said["text"], said["reading"])
    # A mail that came back counts as refused, though its server had accepted it.
    back = _("sent back later") if said["stage"] == "dsn" else ""
    return (
        row["queue_id"],
        row["address"],
        ",".join(map(str, row["slots"])),
        marked(state, possible_duplicate=row["possible_duplicate"]),
        _("yes") if row["confirmed"] else "",
        said["host"],
        " ".join(words for words in (back, over, reply) if words),
    )


@broadcast.command(
    "verify",
    cls=Verb,
    help=N_("Prove the roster accounting: every address of every household in exactly one state, with evidence."),
)
@click.argument("announcement_id", metavar="ID")
@click.pass_obj
def verify(session: Session, announcement_id: str) -> None:
    """Prove the accounting."""
    from mailer.service import broadcast as desk

    with session.office() as office:
        problems = desk.verify(office, announcement_id)
        whole = desk.is_whole(announcement_id)
    if session.json:
        output.document({"id": announcement_id, "ok": not problems, "problems": problems})
    if problems:
        raise Refused("\n".join(problems))
    if not session.json:
        holds = _("{id}: the accounting holds to the last address.")
        so_far = _("{id}: the accounting holds so far; its recipients are still being written.")
        output.say((holds if whole else so_far).format(id=announcement_id))


@broadcast.command(
    "cancel", cls=Verb, help=N_("Let no more of a broadcast leave. What carriers have accepted cannot be called back.")
)
@click.argument("announcement_id", metavar="ID")
@option("--yes", is_flag=True, help=N_("Do not ask."))
@click.pass_obj
def cancel(session: Session, announcement_id: str, yes: bool) -> None:
    """Cancel what waits."""
    from mailer.service import broadcast as desk

    with session.office() as office:
        if session.asks and not yes:
            describe(office, desk.show(office, announcement_id))
            click.confirm(_("Cancel what has not left yet?"), abort=True, err=True)
        done = desk.cancel(office, announcement_id, session.actor)
        figures = desk.show(office, announcement_id)
    if session.json:
        output.document({**figures, "stopped": done.stopped, "under_way": done.under_way, "more": done.more})
    if not done:
        words = _("Nothing of {id} was left to cancel; it stays as it was: {state}, accepted {accepted}.")
        raise Refused(
            words.format(id=announcement_id, state=state_word(figures["state"]), accepted=figures["accepted"])
        )
    if session.json:
        return
    words = _("{id} is cancelled. Recipients it will not go to any more: {count}. Accepted before: {accepted}.")
    output.say(words.format(id=announcement_id, count=done.stopped, accepted=figures["accepted"]))
    if done.under_way:
        output.say(under_way_words(done.under_way))
    if done.more:
        output.say(_("Its recipients were still being written: the rest is written as cancelled."))
