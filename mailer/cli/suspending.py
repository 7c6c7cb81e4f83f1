"""How does an operator suspend a part of the queue, see what is suspended, and resume it?"""

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.announced import under_way_words
from mailer.cli.failure import Refused
from mailer.cli.selection import lasting, part, placing, reasoned
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.stops import Part, Standing, Stop


@click.command(
    "suspend",
    cls=Verb,
    help=N_(
        "Let nothing of a part of the queue leave, for a time or until it is resumed.\n\n"
        "The items go on waiting and may expire; what is under way is not stopped. Several parts may be suspended"
        " at once; who suspends one again gives it another reason and another end."
    ),
)
@placing
@reasoned
@lasting
@click.pass_obj
def suspend(session: Session, /, why: str, lasting: timedelta | None, **criteria: Any) -> None:
    """Suspend a part."""
    from mailer.service import stops

    if not any(criteria.values()):
        raise click.UsageError(_("Say which part: --broadcast, --school, --carrier, --site or --domain."))
    with session.office() as office:
        standing = stops.suspend(office, part(session, criteria), session.actor, why, lasting)
        empty = not standing.items and stops.is_empty(standing.stop.part)
    before = standing.before
    if session.json:
        output.document({**document(standing), "before": _before(before), "empty": empty})
        return
    output.say(
        _("Suspended: {part} ({until}).").format(part=words(standing.stop.part), until=until(standing.stop.until))
    )
    if before is not None:
        output.note(_("It was suspended before: {until}. That no longer holds.").format(until=until(before.until)))
    if empty:
        output.note(_("No address is registered there and no mail waits there. Is the name right?"))
    _warn(standing.stop)
    output.note(
        _(
            "Items that wait there: {count}. They may expire while they wait; what is under way is not stopped."
            " “mimamori queue suspended” shows what stands still."
        ).format(count=standing.items)
    )
    if standing.under_way:
        output.note(under_way_words(standing.under_way))


@click.command("resume", cls=Verb, help=N_("Let a part of the queue leave again that was suspended by these options."))
@placing
@option("--all", "everything", is_flag=True, help=N_("Everything that is suspended."))
@reasoned
@click.pass_obj
def resume(session: Session, /, everything: bool, why: str, **criteria: Any) -> None:
    """Resume a part."""
    from mailer.service import stops

    if not everything and not any(criteria.values()):
        text = _("Say which part: --broadcast, --school, --carrier, --site, --domain, or --all for everything.")
        raise click.UsageError(text)
    with session.office() as office:
        meant = None if everything else part(session, criteria)
        done = stops.resume(office, meant, session.actor, why)
        ended = done.stops
        still = [words(one.part) for one in stops.standing()]
    if session.json:
        output.document({"resumed": len(ended), "items": done.items})
    elif ended:
        output.say(_("Resumed: {parts}").format(parts="; ".join(words(stop.part) for stop in ended)))
        output.note(_("Items that nothing suspended keeps any longer: {count}").format(count=done.items))
    elif not still:
        output.say(_("Nothing is suspended."))
    if not ended and still and not everything:
        text = _("Nothing was resumed: {part} is not suspended. What is: {parts}")
        raise Refused(text.format(part=words(part(session, criteria)), parts="; ".join(still)))


@click.command(
    "suspended", cls=Verb, help=N_("Show what is suspended: since when, by whom, why, until when, and what waits.")
)
@click.pass_obj
def suspended(session: Session) -> None:
    """Show what stands still."""
    from mailer.service import stops

    with session.office():
        found = stops.suspended()
    if session.json:
        output.document([document(one) for one in found])
    elif found:
        table(found)
    else:
        output.say(_("Nothing is suspended."))


def table(found: "Sequence[Standing]") -> None:
    """Write what is suspended for people."""
    heads = [_("suspended"), _("since"), _("until"), _("by"), _("why"), _("items")]
    rows = [
        (words(one.stop.part), one.stop.since, until(one.stop.until), one.stop.actor, one.stop.why, one.items)
        for one in found
    ]
    output.table(heads, rows)
    output.say(_("Suspended items wait and are not sent; they may expire."))


def document(standing: "Standing") -> dict[str, Any]:
    """Return what is suspended for programs."""
    stop = standing.stop
    place = {name: getattr(stop.part, name) or None for name in ("carrier", "site", "domain", "school")}
    return {
        **place,
        "broadcast": stop.part.announcement_id or None,
        "since": stop.since,
        "until": stop.until,
        "by": stop.actor,
        "reason": stop.why,
        "items": standing.items,
        "under_way": standing.under_way,
    }


def words(part: "Part") -> str:
    """Return the name of a part of the queue."""
    named = [
        (_("carrier {name}"), part.carrier),
        (_("site {name}"), part.site),
        (_("domain {name}"), part.domain),
        (_("school {name}"), part.school),
        (_("broadcast {name}"), part.announcement_id),
    ]
    return ", ".join(text.format(name=name) for text, name in named if name)


def until(end: datetime | None) -> str:
    """Return when a stop ends."""
    return _("until it is resumed") if end is None else _("until {time}").format(time=output.zoned(end))


def kept_words(count: int) -> str:
    """Say how many of the items that somebody wants tried now a suspension keeps."""
    return _(
        "Suspended, and not tried before that ends: {count}. “mimamori queue suspended” shows what is suspended."
    ).format(count=count)


def _before(stop: "Stop | None") -> dict[str, Any] | None:
    if stop is None:
        return None
    return {"since": stop.since, "until": stop.until, "by": stop.actor, "reason": stop.why}


def _warn(stop: "Stop") -> None:
    """Say what a stop lacks that others will want to know."""
    if stop.until is None:
        text = _("This has no end of its own; “mimamori queue resume {options}” ends it.")
        output.note(text.format(options=_options(stop.part)))
    if not stop.why:
        output.note(_("No reason was given. Add --reason next time, so that others see why this stands still."))


def _options(part: "Part") -> str:
    """Return the options by which a part is named."""
    named = [
        ("--carrier", part.carrier),
        ("--site", part.site),
        ("--domain", part.domain),
        ("--school", part.school),
        ("--broadcast", part.announcement_id),
    ]
    return " ".join(f"{option} {shlex.quote(name)}" for option, name in named if name)
