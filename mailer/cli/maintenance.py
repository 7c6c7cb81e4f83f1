"""How is maintenance planned and called off from the command line?"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.announced import state_word, under_way_words
from mailer.cli.parameters import Duration, Moment
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.domain.maintenance import Window
    from mailer.service.maintenance import Planned


@click.group(cls=Verbs, help=N_("Maintenance windows, and the notices to guardians before them."))
def maintenance() -> None:
    """Group the verbs about maintenance."""


class Leads(click.ParamType[tuple[timedelta, ...]]):
    """Durations with commas between them."""

    name = "DURATION,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[timedelta, ...]:
        """Return the lead times."""
        return tuple(Duration().convert(part.strip(), param, ctx) for part in value.split(","))


@maintenance.command(
    "plan",
    cls=Verb,
    help=N_(
        "Plan a window. The notice leaves at the lead times before it, to all addresses of everyone registered.\n\n"
        "During the window the pages answer 503 with the planned end, ordinary mail waits, safety mail may leave."
    ),
)
@option("--from", "begins", type=Moment(), required=True, help=N_("When it begins."))
@option("--to", "ends", type=Moment(), required=True, help=N_("When it ends."))
@option(
    "--services", default="", metavar="NAME,…", help=N_("What is concerned, as guardians know it; else everything.")
)
@option("--lead", "leads", type=Leads(), help=N_("How long before it the notices leave (7d,1d); else as configured."))
@click.pass_obj
def plan(session: Session, begins: datetime, ends: datetime, services: str, leads: Sequence[timedelta] | None) -> None:
    """Plan a window."""
    from mailer.service import maintenance as desk

    named = tuple(name.strip() for name in services.replace("、", ",").split(",") if name.strip())
    with session.office() as office:
        planned = desk.plan(office, begins, ends, named, leads, session.actor)
    told = _warnings(planned)
    if session.json:
        output.document({**_document(planned), "warnings": told})
        return
    output.say(_("Maintenance {id} is planned.").format(id=planned.window.id))
    _describe(planned, planned.window.planned_at)
    for one in told:
        output.say(_("Warning: {text}").format(text=one["text"]))


def _warnings(planned: "Planned") -> list[dict[str, str]]:
    from mailer.domain.maintenance import WHY

    return [{"reason": reason, "text": _(WHY[reason])} for reason in planned.warnings]


@maintenance.command("list", cls=Verb, help=N_("Show all windows."))
@click.pass_obj
def list_(session: Session) -> None:
    """Show all windows."""
    from mailer.service import maintenance as desk

    with session.office() as office:
        found = desk.list_()
        now = office.clock()
    if session.json:
        output.document([_document(planned) for planned in found])
        return
    heads = [_("id"), _("from"), _("until"), _("concerned"), _("state"), _("notices sent")]
    rows = [
        (
            one.window.id,
            one.window.begins_at,
            one.window.ends_at,
            _concerned(one.window),
            _state(one.window, now),
            f"{sum(1 for notice in one.notices if notice.announcement_id)}/{len(one.notices)}",
        )
        for one in found
    ]
    output.table(heads, rows) if rows else output.say(_("No maintenance is planned."))


@maintenance.command("show", cls=Verb, help=N_("Show one window and what became of its notices."))
@click.argument("window_id", metavar="ID")
@click.pass_obj
def show(session: Session, window_id: str) -> None:
    """Show one window."""
    from mailer.service import maintenance as desk

    with session.office() as office:
        planned, told = desk.show(office, window_id)
        now = office.clock()
    if session.json:
        output.document({**_document(planned), "announcements": list(told.values())})
        return
    _describe(planned, now)
    for figures in told.values():
        words = ("accepted", "waiting", "deferred", "refused", "expired", "cancelled", "held")
        output.say("")
        output.table(
            [f"{_('notice')} {figures['id']}", str(figures["recipients"])],
            [(state_word(word), figures[word]) for word in words],
            indent=True,
        )


@maintenance.command(
    "cancel",
    cls=Verb,
    help=N_(
        "Call a window off, or end it early. If anybody was told of it, everyone registered is told that it is off."
    ),
)
@click.argument("window_id", metavar="ID")
@option("--yes", is_flag=True, help=N_("Do not ask."))
@click.pass_obj
def cancel(session: Session, window_id: str, yes: bool) -> None:
    """Call a window off."""
    from mailer.service import maintenance as desk

    with session.office() as office:
        if session.asks and not yes:
            _describe(desk.show(office, window_id)[0], office.clock())
            click.confirm(_("Call this maintenance off?"), abort=True, err=True)
        done = desk.cancel(office, window_id, session.actor)
    if session.json:
        figures = {"stopped": done.stopped, "under_way": done.under_way, "more": done.more}
        output.document({"id": window_id, **figures, "announcement": done.announcement_id})
        return
    words = _("Maintenance {id} is off. Mails that do not leave: {count}")
    output.say(words.format(id=window_id, count=done.stopped))
    if done.under_way:
        output.say(under_way_words(done.under_way))
    if done.more:
        output.say(_("A notice was still being written: the rest of it does not leave either."))
    if done.announcement_id:
        output.say(
            _("Some were told of it, so everyone registered is told that it is off: {id}").format(
                id=done.announcement_id
            )
        )


def _document(planned: "Planned") -> dict[str, Any]:
    window = planned.window
    return {
        "id": window.id,
        "from": window.begins_at,
        "to": window.ends_at,
        "services": list(window.services),
        "planned_at": window.planned_at,
        "cancelled_at": window.cancelled_at,
        "notices": [{"due_at": one.due_at, "announcement": one.announcement_id} for one in planned.notices],
    }


def _describe(planned: "Planned", now: datetime) -> None:
    window = planned.window
    output.facts(
        [
            (_("id"), window.id),
            (_("from"), window.begins_at),
            (_("until"), window.ends_at),
            (_("concerned"), _concerned(window)),
            (_("cancelled"), window.cancelled_at),
        ]
    )
    for one in planned.notices:
        output.say(f"{_('notice')}  {output.moment(one.due_at)}  {_sent(window, one.announcement_id, now)}")


def _sent(window: "Window", announcement_id: str | None, now: datetime) -> str:
    if announcement_id:
        return _("announced as {id}").format(id=announcement_id)
    # Once the window has begun or is off, no notice leaves any more.
    over = window.cancelled_at is not None or window.begins_at <= now
    return _("never sent") if over else _("not sent yet")


def _concerned(window: "Window") -> str:
    return "、".join(window.services) or _("the whole system")


def _state(window: "Window", now: datetime) -> str:
    if window.cancelled_at is not None:
        return _("cancelled")
    if window.runs(now):
        return _("under way")
    return _("over") if window.ends_at <= now else _("planned")
