"""How does the appliance stand right now?"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output, suspending
from mailer.cli.alarms import failing_words
from mailer.cli.announced import lane_word, state_word
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.status import Status


@click.command(cls=Verb, help=N_("Show how things stand: households, queue, the newest broadcast, the store."))
@click.pass_obj
def status(session: Session) -> None:
    """Show the figures."""
    from mailer.liveness import is_sending
    from mailer.service.status import status as figures

    with session.office() as office:
        found = figures(office)
    runs = is_sending(session.settings.state.directory)
    if session.json:
        output.document(_document(found, runs))
    else:
        _describe(found, runs)


def stands_still(runs: bool | None, is_short: bool) -> str:
    """Return why no mail leaves, in the language spoken; nothing while some may."""
    if runs is False:
        return _("The mailer does not run, and no mail leaves: start it (systemctl start mimamori-mailer).")
    return _("The disk is full, and no mail leaves: make room on it.") if is_short else ""


def _document(found: "Status", runs: bool | None) -> dict[str, Any]:
    last, window = found.last, found.window
    return {
        "mailer_runs": runs,
        "schools": found.schools,
        "households": found.households,
        "addresses": found.addresses,
        "resting": found.resting,
        "for_a_person": found.for_a_person,
        "queue": found.queue,
        "last": last and {"id": last.id, "announced_at": last.announced_at, "subject": last.subject},
        "frozen": list(found.frozen),
        "suspended": [suspending.document(one) for one in found.suspended],
        "maintenance": window and {"id": window.id, "from": window.begins_at, "to": window.ends_at},
        "alarms": {"standing": found.alarms, "failing": [asdict(way) for way in found.failing]},
        "store": {
            "file": str(found.store),
            "octets": found.store_octets,
            "spare_octets": found.spare_octets,
            "free_octets": found.free_octets,
            "full": found.is_short,
        },
    }


def _describe(found: "Status", runs: bool | None) -> None:
    from mailer.service.status import OPEN

    last, window = found.last, found.window
    if trouble := stands_still(runs, found.is_short):
        output.note(trouble)
    output.facts(
        [
            (_("mailer"), {True: _("runs"), False: _("does not run"), None: ""}[runs]),
            (_("schools"), found.schools),
            (_("households"), found.households),
            (_("addresses"), found.addresses),
            (_("resting addresses"), found.resting),
            (_("newest announcement"), f"{last.id} {output.moment(last.announced_at)} {last.subject}" if last else ""),
            (_("alarms"), found.alarms),
            (_("mails of 7 days for a person"), found.for_a_person),
            (_("waves of refusals"), ", ".join(found.frozen) or _("no")),
            (_("maintenance under way"), f"{window.id} … {output.moment(window.ends_at)}" if window else _("no")),
            (_("store"), f"{found.store} ({found.store_octets / 1_000_000:.1f} MB)"),
            (_("free inside the store"), f"{found.spare_octets / 1_000_000:.1f} MB"),
            (_("free space"), f"{found.free_octets / 1_000_000:.1f} MB ({found.store.parent})"),
        ]
    )
    output.say("")
    rows = [(lane_word(lane), *(counts[word] for word in OPEN)) for lane, counts in found.queue.items()]
    output.table([_("queue"), *map(state_word, OPEN)], rows)
    if found.suspended:
        output.say("")
        suspending.table(found.suspended)
    for way in found.failing:
        output.note(failing_words(way))
