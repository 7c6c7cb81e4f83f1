"""How are the carriers spoken to, and what have they made us learn?"""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.failure import Refused
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.carrier.group import Carrier
    from mailer.schedule.site import SiteState


@click.group(cls=Verbs, help=N_("Carriers: how they are spoken to, and what they made us learn."))
def carriers() -> None:
    """Group the verbs about carriers."""


@carriers.command(
    "list", cls=Verb, help=N_("Show every carrier with its limits, what was learned of it, and whether it is frozen.")
)
@click.pass_obj
def list_(session: Session) -> None:
    """Show the carriers."""
    from config.carriers import load_carriers
    from mailer.service import lease, wave

    with session.office() as office:
        states = {state.site: state for state in lease.board(office, "", 0.0).states}
        frozen = set(wave.frozen())
        known = list(load_carriers(session.settings))
    names = [one.name for one in known]
    others = sorted((set(states) | frozen) - set(names))
    rows = [_document(one, one.name, states.get(one.name), frozen) for one in known]
    rows += [_document(None, name, states.get(name), frozen) for name in others]
    if session.json:
        output.document(rows)
        return
    heads = [
        _("carrier"),
        _("connections"),
        _("mails a second"),
        _("urgent"),
        _("learned"),
        _("left alone until"),
        _("wave"),
    ]
    output.table(heads, map(_row, rows))


@carriers.command(
    "show",
    cls=Verb,
    help=N_("Show one carrier: its limits with their sources, what was learned of it, what it took and refused."),
)
@click.argument("name")
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Show one carrier, or one receiver without a name that we have written to."""
    from config.carriers import load_carriers, sources_of_manners
    from mailer.service import lease, wave

    with session.office() as office:
        states = {state.site: state for state in lease.board(office, "", 0.0).states}
        days, since = wave.days(name), wave.since(name)
    carrier = next((one for one in load_carriers(session.settings) if one.name == name), None)
    if carrier is None and not days and name not in states:
        raise Refused(_("There is no carrier {name}, and no mail went to a receiver of this name.").format(name=name))
    found = _document(carrier, name, states.get(name), {name} if since else set())
    found |= {
        "label": carrier and carrier.label,
        "domains": sorted(carrier.domains) if carrier else [],
        "mx_suffixes": list(carrier.mx_suffixes) if carrier else [],
        "manners": _manners(carrier, sources_of_manners(session.settings, name)),
        "wave_since": since,
        "days": [{"day": day, "accepted": one.accepted, "refused": one.refused} for day, one in days],
    }
    if session.json:
        output.document(found)
    else:
        _describe(found)


@carriers.command(
    "thaw", cls=Verb, help=N_("Say that the refusals of a carrier are no wave: its addresses may be put to rest again.")
)
@click.argument("name")
@option("--reason", default="", help=N_("Why, for the audit book."))
@click.pass_obj
def thaw(session: Session, name: str, reason: str) -> None:
    """End a wave by hand."""
    from mailer.service import wave

    with session.office() as office:
        try:
            wave.thaw(office, name, session.actor, reason)
        except wave.NotFrozen:
            raise Refused(_("There is no wave of refusals at {name}.").format(name=name)) from None
    if session.json:
        output.document({"carrier": name, "frozen": False})
    else:
        output.say(_("Addresses at {name} may be put to rest again.").format(name=name))


def _document(carrier: "Carrier | None", name: str, state: "SiteState | None", frozen: set[str]) -> dict[str, Any]:
    manners = carrier and carrier.manners
    return {
        "carrier": name,
        "connections": manners and manners.connections,
        "messages_per_second": manners and manners.messages_per_second,
        "urgent_messages_per_second": manners and manners.urgent_messages_per_second,
        "learned": state
        and {
            "connections": state.connections,
            "messages_per_session": state.messages_per_session,
            "paused_until": state.paused_until,
            "reason": state.reason,
            "since": state.since,
        },
        "frozen": name in frozen,
    }


def _manners(carrier: "Carrier | None", sources: dict[str, str]) -> dict[str, Any]:
    if carrier is None:
        return {}
    figures = {field.name: getattr(carrier.manners, field.name) for field in fields(carrier.manners)}
    figures["pause"] = f"{figures.pop('pause_seconds')}s"
    figures["avoid_minutes"] = sorted(figures["avoid_minutes"])
    return {key: {"value": value, "source": sources.get(key)} for key, value in figures.items()}


def _describe(found: dict[str, Any]) -> None:
    row = _row(found)
    output.facts(
        [
            (_("carrier"), f"{found['carrier']} {found['label'] or ''}".strip()),
            (_("domains"), ", ".join(found["domains"])),
            (_("mail hosts"), ", ".join(found["mx_suffixes"])),
            (_("learned"), row[4]),
            (_("left alone until"), row[5]),
            (_("wave of refusals since"), found["wave_since"] or ""),
        ]
    )
    if found["manners"]:
        output.say("")
        rows = [(key, _shown(one["value"]), one["source"] or "") for key, one in found["manners"].items()]
        output.table([_("limit"), _("value"), _("source")], rows)
    if found["days"]:
        output.say("")
        days = [(one["day"], one["accepted"], one["refused"]) for one in found["days"]]
        output.table([_("day"), _("accepted"), _("refused")], days)


def _shown(value: object) -> object:
    """Return a figure as a person reads it."""
    if value is None:
        return ""
    return " ".join(f"{minute:02}" for minute in value) if isinstance(value, list) else value


def _row(row: dict[str, Any]) -> tuple[object, ...]:
    learned = row["learned"]
    return (
        row["carrier"],
        row["connections"],
        row["messages_per_second"],
        row["urgent_messages_per_second"],
        f"{learned['connections']} × {learned['messages_per_session']} ({learned['reason']})" if learned else "",
        output.moment(learned["paused_until"]) if learned and learned["paused_until"] else "",
        _("yes") if row["frozen"] else "",
    )
