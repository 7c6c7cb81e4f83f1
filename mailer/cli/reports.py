"""What do reports say of how mail travels, and do ours leave?"""

from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.failure import Refused
from mailer.cli.parameters import Day
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from mailer.report.tls import Counted
    from mailer.report.wanted import Destination
    from mailer.reporting import Means
    from mailer.service.office import Office
    from mailer.service.tls_report import Figures, TlsReport

STATES = {
    "pending": N_("waiting"),
    "sent": N_("sent"),
    "failed": N_("given up"),
    "unwanted": N_("not wanted"),
}


@click.group(
    cls=Verbs,
    help=N_("Reports of how mail travels: those that others send to us, and ours to them."),
    later={"list": "mailer.cli.received:list_", "show": "mailer.cli.received:show"},
)
def reports() -> None:
    """Group the verbs about reports."""


@reports.command(
    "tls", cls=Verb, help=N_("Show how many sessions of a day (UTC) spoke TLS, and how the others failed.")
)
@option("--day", type=Day(), metavar="DATE", help=N_("The day, in UTC; today unless set."))
@click.pass_obj
def tls(session: Session, day: "date | None") -> None:
    """Show what was counted."""
    from mailer.service import tls_report

    with session.office() as office:
        wanted = day or tls_report.today(office)
        found = tls_report.figures(wanted)
    if session.json:
        output.document([_document(one) for one in found])
        return
    if not found:
        output.say(_("On {day} (UTC) no session was counted.").format(day=wanted))
        return
    heads = [_("domain"), _("policy"), _("outcome"), _("mail server"), _("sessions"), _("report")]
    output.table(heads, [_row(one, counted) for one in found for counted in one.counted])


@reports.command(
    "send-tls",
    cls=Verb,
    help=N_("Send the reports about TLS of a day (UTC) now that are not sent yet, to the domains that want one."),
)
@option("--day", type=Day(), metavar="DATE", help=N_("The day, in UTC; yesterday unless set."))
@option("--dry-run", is_flag=True, help=N_("Show what would be sent where, and send nothing."))
@click.pass_obj
def send_tls(session: Session, day: "date | None", dry_run: bool) -> None:
    """Send reports, or show them."""
    import asyncio
    from datetime import timedelta

    from mailer.service import tls_report

    if not session.settings.reports.tls and not dry_run:
        raise Refused(_("No report is sent: [reports] tls is false."))
    with session.office() as office:
        today = tls_report.today(office)
        wanted = day or today - timedelta(days=1)
        if wanted >= today:
            raise Refused(_("{day} (UTC) is not over yet; a report covers a whole day.").format(day=wanted))
        if dry_run:
            _show(session, asyncio.run(_planned(session, office, wanted)))
        else:
            _tell(session, asyncio.run(_sent(session, office, wanted)), tls_report.figures(wanted))


async def _planned(
    session: Session, office: "Office", day: "date"
) -> "list[tuple[dict[str, Any], Sequence[Destination], str]]":
    """Return each report with where it would go, and what hides that."""
    from mailer.net.resolver import DnsTrouble
    from mailer.reporting import destinations
    from mailer.service import tls_report

    means = _means(session)
    planned: list[tuple[dict[str, Any], Sequence[Destination], str]] = []
    for one in tls_report.figures(day):
        document = tls_report.report(office, means.contact, day, one.domain).document()
        try:
            planned.append((document, await destinations(means.resolver, one.domain), ""))
        except DnsTrouble as trouble:
            planned.append((document, (), str(trouble)))
    return planned


async def _sent(session: Session, office: "Office", day: "date") -> "Mapping[str, str | None]":
    """Send what is not sent; return by domain what became of it, None where somebody else is at it."""
    import asyncio
    from functools import partial

    from mailer.reporting import send
    from mailer.service import tls_report
    from mailer.store.writer import Writer

    means, writer = _means(session), Writer()
    try:
        domains = await writer.do(partial(tls_report.ask_for, office, day, session.actor))
        return {domain: await send(office, writer, means, day, domain) for domain in domains}
    finally:
        await asyncio.to_thread(writer.close)


def _means(session: Session) -> "Means":
    from functools import partial

    from config import read_dkim_key
    from mailer.keyring import Keyring
    from mailer.report_ways import own_signatures, reporting_means

    return reporting_means(session.settings, own_signatures(Keyring(partial(read_dkim_key, session.settings))))


def _show(session: Session, planned: "list[tuple[dict[str, Any], Sequence[Destination], str]]") -> None:
    if session.json:
        output.document(
            [{"to": [str(one) for one in to], "trouble": why, "report": document} for document, to, why in planned]
        )
        return
    heads = [_("report"), _("to"), _("trouble")]
    rows = [
        (document["report-id"], ", ".join(map(str, to)) or _("nobody wants it"), why) for document, to, why in planned
    ]
    output.table(heads, rows) if rows else output.say(_("There is nothing to report."))


def _tell(session: Session, ended: "Mapping[str, str | None]", found: "Sequence[Figures]") -> None:
    told = [one for one in found if one.domain in ended]
    if session.json:
        output.document([_document(one) for one in told])
        return
    heads = [_("domain"), _("report"), _("to"), _("trouble")]
    rows = [(one.domain, _state(one.report), _destination(one.report), _trouble(one.report)) for one in told]
    output.table(heads, rows) if rows else output.say(_("There is nothing to report."))


def _row(one: "Figures", counted: "Counted") -> tuple[object, ...]:
    result = counted.result
    end = f"{result.failure} {result.reason}".rstrip() or _("with TLS")
    host = f"{result.mx_host}[{result.address}]" if result.address else result.mx_host
    return one.domain, result.policy.kind, end, host, counted.sessions, _state(one.report)


def _state(report: "TlsReport | None") -> str:
    return "" if report is None else _(STATES[report.state.value])


def _destination(report: "TlsReport | None") -> str:
    return "" if report is None else report.destination


def _trouble(report: "TlsReport | None") -> str:
    return "" if report is None else report.trouble


def _document(one: "Figures") -> dict[str, Any]:
    good, bad = one.sums
    return {
        "domain": one.domain,
        "successful": good,
        "failed": bad,
        "sessions": [_session(counted) for counted in one.counted],
        "report": None if one.report is None else _report(one.report),
    }


def _session(counted: "Counted") -> dict[str, Any]:
    result = counted.result
    fields = ("mx_host", "address", "source", "failure", "reason")
    return {
        "policy": result.policy.kind,
        **{name: getattr(result, name) for name in fields},
        "sessions": counted.sessions,
    }


def _report(report: "TlsReport") -> dict[str, Any]:
    fields = ("attempts", "next_at", "destination", "trouble", "settled_at")
    return {
        "day": report.day.isoformat(),
        "state": report.state.value,
        **{name: getattr(report, name) for name in fields},
    }
