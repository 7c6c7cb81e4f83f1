"""How are the carriers spoken to, and what have they made us learn?"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output, received, suspending
from mailer.cli.failure import Refused
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.domain.moment import JAPAN
from mailer.language import _

if TYPE_CHECKING:
    from mailer.carrier.group import Carrier, Carriers
    from mailer.schedule.site import SiteState
    from mailer.service.received_report import DaySums
    from mailer.service.stops import Part, Standing

#: How many days back a carrier's reports are shown beside it.
REPORTED_DAYS = 7


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
    from mailer.service import dispatch, lease, stops, wave

    with session.office() as office:
        states = {state.site: state for state in lease.board(office, "", 0.0).states}
        frozen, stopped, now = set(wave.frozen()), stops.suspended(), office.clock()
        sites = dispatch.sites()
        known = list(load_carriers(session.settings))
    others = sorted((set(states) | frozen) - {one.name for one in known})
    named = [*((one.name, one) for one in known), *((name, None) for name in others)]
    rows = [
        _document(one, name, states.get(name), frozen)
        | _stops(_domains(one, name, sites), name, states.get(name), stopped, now)
        for name, one in named
    ]
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
        _("suspended"),
        _("wave"),
    ]
    output.table(heads, map(_row, rows))
    if stopped:
        output.say("")
        suspending.table(stopped)


@carriers.command(
    "show",
    cls=Verb,
    help=N_(
        "Show one carrier: its limits with their sources, what was learned of it, what it took and refused.\n\n"
        "NAME is that of carriers.toml, one of its mail domains or mail hosts, or a receiver that has no name there."
    ),
)
@click.argument("name")
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Show one carrier, or one receiver without a name that we have written to."""
    from config.carriers import load_carriers, sources_of_manners
    from mailer.service import dispatch, lease, received_report, stops, wave

    carriers = load_carriers(session.settings)
    named, asked = _carrier(carriers, name), name
    with session.office() as office:
        states = {state.site: state for state in lease.board(office, "", 0.0).states}
        name = named.name if named else wave.receiver(office.receiver, name)
        carrier = named or _carrier(carriers, name)
        days, since = wave.days(name), wave.since(name)
        reported = received_report.sums(office, REPORTED_DAYS, receiver=name)
        stopped, now = stops.suspended(), office.clock()
        domains = _domains(carrier, name, dispatch.sites()) if named or name == asked else (asked,)
    if carrier is None and not days and not reported and name not in states:
        words = _("There is no carrier {name}, and no mail went to a receiver of this name. The carriers are: {names}")
        names = ", ".join(f"{one.name} ({one.label})" for one in carriers)
        raise Refused(words.format(name=asked, names=names))
    found = _document(carrier, name, states.get(name), {name} if since else set())
    found |= _stops(domains, name, states.get(name), stopped, now)
    found |= {
        "label": carrier and carrier.label,
        "domains": sorted(carrier.domains) if carrier else [],
        "mx_suffixes": list(carrier.mx_suffixes) if carrier else [],
        "manners": _manners(carrier, sources_of_manners(session.settings, name)),
        "wave_since": since and since.astimezone(JAPAN).date().isoformat(),
        "days": [{"day": day, "accepted": one.accepted, "refused": one.refused} for day, one in days],
        "reported": [received.document(one) for one in reported],
    }
    if session.json:
        output.document(found)
    else:
        _describe(found)
        _describe_reported(reported)


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
            name = wave.receiver(office.receiver, name)
            wave.thaw(office, name, session.actor, reason)
        except wave.NotFrozen:
            raise Refused(_("There is no wave of refusals at {name}.").format(name=name)) from None
    if session.json:
        output.document({"carrier": name, "frozen": False})
    else:
        output.say(_("Addresses at {name} may be put to rest again.").format(name=name))


def _carrier(carriers: "Carriers", name: str) -> "Carrier | None":
    """Return the carrier of this name, mail domain or mail host."""
    named = next((one for one in carriers if one.name == name), None)
    return named or carriers.of_domain(name) or carriers.of_mx([name])


def _domains(carrier: "Carrier | None", name: str, sites: Mapping[str, str]) -> Collection[str]:
    """Return the domains whose mail a receiver takes: a carrier's own, else those that were found to lead to it."""
    return carrier.domains if carrier else (name, *(domain for domain, site in sites.items() if site == name))


def _stops(
    domains: Collection[str], name: str, state: "SiteState | None", stopped: "Sequence[Standing]", now: datetime
) -> dict[str, Any]:
    """Return what keeps mail from a carrier now: a rest that it made us take, and stops of operators."""
    rest = state.paused_until if state is not None else None
    over = [one for one in stopped if one.stop.part.names_receiver and _is_over(one.stop.part, domains, name)]
    return {
        "left_alone_until": rest if rest is not None and rest > now else None,
        "suspended": [suspending.document(one) for one in over],
    }


def _is_over(part: "Part", domains: Collection[str], name: str) -> bool:
    return any(part.reaches(domain, name) for domain in domains)


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
            (_("suspended"), row[6]),
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


def _describe_reported(reported: "Sequence[DaySums]") -> None:
    """Show what the carrier said of our mail of late."""
    if reported:
        output.say("")
        rows = [(one.day, received.total(one), "; ".join(received.meanings(one))) for one in reported]
        output.table([_("day"), _("reported"), _("what it means")], rows)


def _why(reason: str) -> str:
    """Return why a site taught us something, in the language spoken; what its server said stays as it was said."""
    from mailer.cli.announced import reason_words
    from mailer.schedule.site import REASONS

    word, _blank, detail = reason.partition(" ")
    return _(REASONS[word]).format(detail=detail) if word in REASONS else reason_words(reason)


def _suspended(stop: dict[str, Any], name: str) -> str:
    """Return until when a stop keeps a carrier, of what alone if not of all its mail, and why."""
    from mailer.service.stops import Part

    place, domain = (stop[key] if stop[key] != name else "" for key in ("site", "domain"))
    alone = suspending.words(Part("", place or "", domain or "", stop["school"] or "", stop["broadcast"] or ""))
    more = [_("only {part}").format(part=alone) if alone else "", stop["reason"]]
    told = "; ".join(filter(None, more))
    return f"{suspending.until(stop['until'])} ({told})" if told else suspending.until(stop["until"])


def _learned(learned: dict[str, Any]) -> str:
    words = _("connections: {connections}, mails a connection: {mails}")
    return words.format(connections=learned["connections"], mails=learned["messages_per_session"])


def _shown(value: object) -> object:
    """Return a figure as a person reads it."""
    if value is None:
        return ""
    return " ".join(f"{minute:02}" for minute in value) if isinstance(value, list) else value


def _row(row: dict[str, Any]) -> tuple[object, ...]:
    learned = row["learned"]
    why = _why(learned["reason"]) if learned else ""
    return (
        row["carrier"],
        row["connections"],
        row["messages_per_second"],
        row["urgent_messages_per_second"],
        f"{_learned(learned)} ({why})" if learned else "",
        f"{output.moment(row['left_alone_until'])} ({why})" if row["left_alone_until"] else "",
        "; ".join(_suspended(stop, row["carrier"]) for stop in row["suspended"]),
        _("yes") if row["frozen"] else "",
    )
