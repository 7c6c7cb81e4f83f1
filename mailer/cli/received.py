"""What do others report about our mail, in words that say whose matter it is?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.failure import Refused
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, option
from mailer.language import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.service.received_report import DaySums, Kept, KeptMail, KeptTls, Shown

KINDS = {"dmarc": N_("mail (DMARC)"), "tls": N_("TLS"), "complaint": N_("complaints")}
SENDERS = {"ours": N_("ours"), "passed_on": N_("passed on"), "stranger": N_("a stranger's")}
UNKNOWN = N_(
    "Neither [delivery] public_addresses nor source_addresses names an address: mail of ours that failed both SPF and"
    " DKIM may count as a stranger's."
)
#: More reports of a day and receiver are not named in a table.
MOST_NUMBERS = 5
MAILS = ("ours", "passed", "without_dkim", "without_spf", "failed", "stopped", "passed_on", "forged", "forged_stopped")


@click.command(
    "list",
    cls=Verb,
    help=N_(
        "Show what receivers report about our mail, by day and receiver.\n\n"
        "Reports are taken at their word: anybody can write one. They change nothing in how mail is sent."
    ),
)
@option("--days", type=click.IntRange(1, 366), default=14, show_default=True, help=N_("How many days, until today."))
@option("--kind", type=click.Choice(list(KINDS)), help=N_("Only reports of this kind."))
@click.pass_obj
def list_(session: Session, days: int, kind: str | None) -> None:
    """Show sums."""
    from mailer.service import received_report as desk

    with session.office() as office:
        found, addresses = desk.sums(office, days, desk.Kind(kind) if kind else None), office.addresses
    if session.json:
        output.document([document(one) for one in found])
        return
    heads = [_("day"), _("receiver"), _("kind"), _("number"), _("reports"), _("what it means")]
    rows = [row for one in found for row in _rows(one)]
    output.table(heads, rows) if rows else output.say(_("Nobody has reported anything about these days."))
    if not addresses and any(one.mails.forged for one in found):
        output.note(_(UNKNOWN))


@click.command("show", cls=Verb, help=N_("Show one report with all that it counts, and the mail that it came in."))
@click.argument("number", type=click.IntRange(1, 2**62))
@click.pass_obj
def show(session: Session, number: int) -> None:
    """Show one report."""
    from mailer.service import received_report as desk

    with session.office():
        try:
            found = desk.show(number)
        except desk.NoSuchReport:
            words = _("There is no report {number}; `mimamori reports list` names those that are kept.")
            raise Refused(words.format(number=number)) from None
    if session.json:
        output.document(_whole(found))
    else:
        _describe(found)


def document(one: "DaySums") -> dict[str, Any]:
    """Return sums for programs; what a report of the kind does not count is null."""
    kind = one.kind.value
    return {
        "day": one.day.isoformat(),
        "zone": one.zone,
        "receiver": one.receiver,
        "kind": kind,
        "reports": list(one.numbers),
        "contradicted": list(one.contradicted),
        "mails": {name: getattr(one.mails, name) for name in MAILS} if kind == "dmarc" else None,
        "sessions": {
            "succeeded": one.tls.succeeded,
            "failed": one.tls.failed,
            "against_policy": one.tls.against_policy,
            "failures": dict(one.tls.failures),
        }
        if kind == "tls"
        else None,
        "complaints": one.complaints if kind == "complaint" else None,
        "unproved": list(one.unproved) if kind == "complaint" else None,
    }


def meanings(one: "DaySums") -> list[str]:
    """Return what sums mean, and whose matter it is, in a sentence or some."""
    meant = {"dmarc": _of_mails, "tls": _of_sessions, "complaint": _of_complaints}[one.kind.value]
    return [*meant(one), *_contradictions(one)] or [_("all is well")]


def total(one: "DaySums") -> int:
    """Return how many mails, sessions or proved complaints sums count."""
    if one.kind.value == "complaint":
        return one.complaints
    mails, tls = one.mails, one.tls
    return mails.ours + mails.passed_on + mails.forged if one.kind.value == "dmarc" else tls.succeeded + tls.failed


def _of_mails(one: "DaySums") -> Iterator[str]:
    mails = one.mails
    told = [
        (mails.failed, _("{n} of ours failed SPF and DKIM: our own fault, see `mimamori dns records`")),
        (mails.without_dkim, _("{n} of ours had no valid DKIM signature: our own fault")),
        (mails.without_spf, _("{n} of ours failed SPF: our own fault")),
        (mails.stopped, _("{n} of ours were not put into the inbox")),
        (mails.passed_on, _("{n} of ours were passed on by others")),
    ]
    yield from (words.format(n=n) for n, words in told if n)
    if mails.forged:
        words = _("{n} came from strangers: somebody forges our domain; {stopped} of them were stopped")
        yield words.format(n=mails.forged, stopped=mails.forged_stopped)


def _of_sessions(one: "DaySums") -> Iterator[str]:
    from mailer.report.tls_received import REASONS

    for failure, n in one.tls.failures.items():
        why = f"{_(REASONS[failure])} ({failure})" if failure in REASONS else failure
        yield f"{why}: {n}"
    if one.tls.against_policy:
        words = _("{n} of them failed our own policy (MTA-STS or DANE), which may keep mail back")
        yield words.format(n=one.tls.against_policy)


def _of_complaints(one: "DaySums") -> Iterator[str]:
    if one.complaints:
        yield _("readers called {n} of our mails spam").format(n=one.complaints)
    if one.unproved:
        words = _("not proved and not counted: {n}, which anybody can have written who never got mail of ours")
        yield words.format(n=len(one.unproved))


def _contradictions(one: "DaySums") -> Iterator[str]:
    if one.contradicted:
        words = _(
            "another report bears the name of {numbers} and says something else: one may be forged; all are counted"
        )
        yield words.format(numbers=_numbers(one.contradicted))


def _rows(one: "DaySums") -> Iterator[tuple[object, ...]]:
    """Give a line for each thing that sums mean; the first says what they are the sums of."""
    first, *others = meanings(one)
    day = f"{one.day} {_zone(one.zone)}"
    yield day, one.receiver, _(KINDS[one.kind.value]), total(one), _numbers(one.numbers), first
    for meaning in others:
        yield *("",) * 5, meaning


def _numbers(numbers: "Sequence[int]") -> str:
    return ", ".join(map(str, numbers[:MOST_NUMBERS])) + (" …" if len(numbers) > MOST_NUMBERS else "")


def _zone(zone: str) -> str:
    return _("Japan time") if zone == "Japan" else zone


def _describe(found: "Shown") -> None:
    report = found.report
    span = f"{output.moment(report.span.begins_at)} – {output.moment(report.span.ends_at)}"
    output.facts(
        [
            (_("report"), report.id),
            (_("kind"), _(KINDS[report.kind.value])),
            (_("receiver"), report.receiver),
            (_("reporter"), f"{report.organisation} {report.contact}".rstrip()),
            (_("name"), report.report_id),
            (_("domain"), report.domain),
            (_("about"), _("{span} (Japan time)").format(span=span)),
            (_("came in"), report.received_at),
            (_("mail"), report.mail_id),
            (_("contradicts"), _numbers(found.contradicts)),
            *([(_("proved"), _("yes") if report.proved else _("no"))] if report.kind.value == "complaint" else []),
        ]
    )
    if found.mails:
        output.say("")
        heads = [_("source address"), _("whose"), _("mails"), "DKIM", "SPF", _("done"), _("details")]
        output.table(heads, map(_mail_row, found.mails))
    if found.sessions:
        output.say("")
        heads = [_("domain"), _("policy"), _("sessions"), _("outcome"), _("mail server"), _("details")]
        output.table(heads, map(_tls_row, found.sessions))


def _mail_row(one: "KeptMail") -> tuple[object, ...]:
    row = one.row
    said = [f"DKIM {row.dkim_said}"] if row.dkim_said else []
    said += [f"SPF {row.spf_said}"] if row.spf_said else []
    said += [row.reasons] if row.reasons else []
    whose = _(SENDERS[one.sender.value]) if one.about_us else _("another domain's: {domain}")
    held = [_("passed") if good else _("failed") for good in (row.dkim, row.spf)]
    return (
        row.source or _("others"),
        whose.format(domain=row.header_from),
        row.messages,
        *held,
        row.disposition,
        ", ".join(said),
    )


def _tls_row(one: "KeptTls") -> tuple[object, ...]:
    row = one.row
    said = " ".join(filter(None, (row.source, row.reason)))
    return row.domain, row.policy, row.sessions, row.failure or _("with TLS"), row.host, said


def _whole(found: "Shown") -> dict[str, Any]:
    return {
        **_report(found.report),
        "contradicts": list(found.contradicts),
        "proved": found.report.proved,
        "mails": [_mail(one) for one in found.mails],
        "sessions": [_tls(one) for one in found.sessions],
    }


def _report(report: "Kept") -> dict[str, Any]:
    names = ("id", "report_id", "domain", "receiver", "organisation", "contact", "policy", "received_at", "mail_id")
    return {
        "kind": report.kind.value,
        "day": report.span.day.isoformat(),
        "zone": report.span.zone,
        "begins_at": report.span.begins_at,
        "ends_at": report.span.ends_at,
        **{name: getattr(report, name) for name in names},
    }


def _mail(one: "KeptMail") -> dict[str, Any]:
    names = ("source", "messages", "disposition", "dkim", "spf", "header_from", "envelope_from")
    said = {name: getattr(one.row, name) for name in (*names, "dkim_said", "spf_said", "reasons")}
    return {"about_us": one.about_us, "sender": one.sender.value, **said}


def _tls(one: "KeptTls") -> dict[str, Any]:
    names = ("policy", "domain", "sessions", "failure", "host", "source", "reason")
    return {"about_us": one.about_us, **{name: getattr(one.row, name) for name in names}}
