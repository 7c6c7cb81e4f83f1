"""How does an operator see what is wrong, and say that it has been seen to?"""

from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.announced import reason_words
from mailer.cli.parameters import MOST
from mailer.cli.selection import reasoned
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.alarm import Alarm, Failing, Told


@click.group(cls=Verbs, help=N_("Alarms: what an operator must know, told by webhook and command, not by the queue."))
def alarms() -> None:
    """Group the verbs about alarms."""


@alarms.command("list", cls=Verb, help=N_("Show the alarms that stand, the newest first."))
@option("--ended", is_flag=True, help=N_("Those that are over too."))
@option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True, help=N_("How many at most."))
@click.pass_obj
def list_(session: Session, ended: bool, limit: int) -> None:
    """Show alarms, and the ways out that fail."""
    from mailer.service import alarm as desk

    with session.office():
        found, failing = desk.list_(ended=ended, limit=limit), desk.failing()
        told = desk.delivered(found)
    if session.json:
        output.document([{**_document(one), "delivered": one.id in told} for one in found])
        return
    heads = [_("id"), _("raised"), _("times"), _("what"), _("details"), _("told"), _("over")]
    rows = [
        (
            *(one.id, one.raised_at, one.count, title(one), one.words),
            _("yes") if one.id in told else "",
            one.cleared_at,
        )
        for one in found
    ]
    output.table(heads, rows) if rows else output.say(_("No alarm stands."))
    for way in failing:
        output.note(failing_words(way))


@alarms.command("show", cls=Verb, help=N_("Show one alarm, and what was told of it on which way."))
@click.argument("alarm_id", metavar="ID")
@click.pass_obj
def show(session: Session, alarm_id: str) -> None:
    """Show one alarm."""
    from mailer.service import alarm as desk

    with session.office():
        one, told = desk.show(alarm_id)
    if session.json:
        delivered = bool(told) and all(each.told_at for each in told)
        ways = [_told(each) for each in told]
        output.document({**_document(one), "advice": advice(one), "delivered": delivered, "told": ways})
        return
    output.facts(
        [
            (_("id"), one.id),
            (_("what"), title(one)),
            (_("details"), one.words),
            (_("what to do"), advice(one)),
            (_("raised"), one.raised_at),
            (_("last time"), one.last_at),
            (_("times"), one.count),
            (_("over"), one.cleared_at),
            (_("ended by"), _ender(one)),
        ]
    )
    if told:
        output.say("")
        heads = [_("way"), _("told of"), _("tries"), _("told"), _("next try"), _("trouble")]
        events = {"raised": _("its raising"), "cleared": _("its end")}
        rows = [
            (each.path, events[each.event.value], each.tries, each.told_at, each.next_at, each.trouble) for each in told
        ]
        output.table(heads, rows)


@alarms.command(
    "clear", cls=Verb, help=N_("Say that alarms have been seen to. One whose cause goes on is raised again by it.")
)
@click.argument("alarm_ids", nargs=-1, metavar="[ID]...")
@option("--all", "everything", is_flag=True, help=N_("All alarms that stand."))
@reasoned
@click.pass_obj
def clear(session: Session, alarm_ids: tuple[str, ...], everything: bool, why: str) -> None:
    """End alarms."""
    from mailer.service import alarm as desk

    if bool(alarm_ids) == everything:
        raise click.UsageError(_("Name the alarms, or say --all."))
    with session.office() as office:
        count = desk.dismiss(office, alarm_ids, session.actor, why)
    if session.json:
        output.document({"alarms": count})
    else:
        output.say(_("Alarms ended: {count}").format(count=count))


@alarms.command("test", cls=Verb, help=N_("Raise an alarm that says that it is a test, to try the ways out."))
@click.pass_obj
def test(session: Session) -> None:
    """Raise a test."""
    from mailer.service import alarm as desk

    with session.office() as office:
        raised = desk.try_out(office, session.actor)
    if session.json:
        output.document(_document(raised))
    else:
        words = _("{id} is raised. While the mailer runs, “mimamori alarms show {id}” says in a moment who was told.")
        output.say(words.format(id=raised.id))


def title(one: "Alarm") -> str:
    """Return what an alarm says, in the language spoken."""
    from mailer.domain.alarm import REASONS, Kind

    subject = " ".join(map(reason_words, one.subject.split(" "))) if one.kind is Kind.OUR_FAULT else one.subject
    return _(REASONS[one.kind]).format(subject=subject)


def advice(one: "Alarm") -> str:
    """Return what to do about an alarm, in the language spoken."""
    from mailer.domain.alarm import ADVICE

    return _(ADVICE[one.kind]).format(name=one.name)


def failing_words(way: "Failing") -> str:
    """Return that a way out does not get rid of its alarms, in the language spoken."""
    words = _("Alarms that {way} could not tell yet: {count} (tries: {tries}, {trouble})")
    return words.format(way=way.path, count=way.alarms, tries=way.tries, trouble=way.trouble)


def _ender(one: "Alarm") -> str:
    from mailer.domain.alarm import WHY

    return _(WHY[one.cleared_by]) if one.cleared_by in WHY else one.cleared_by


def _document(one: "Alarm") -> dict[str, Any]:
    fields = ("id", "subject", "words", "count", "raised_at", "last_at", "cleared_at", "cleared_by")
    return {"kind": one.kind.value, **{name: getattr(one, name) for name in fields}}


def _told(told: "Told") -> dict[str, Any]:
    fields = ("path", "tries", "told_at", "next_at", "trouble")
    return {"event": told.event.value, **{name: getattr(told, name) for name in fields}}
