"""How does somebody who knows postqueue(1) list and flush the queue?"""

import click

from mailer.cli import mailq as listing
from mailer.cli import output, suspending
from mailer.cli.postfix_names import Program
from mailer.cli.postfix_queues import NO_CONFIGURATION, absent, accepted
from mailer.cli.selection import item_number, part
from mailer.cli.session import Session
from mailer.cli.verb import N_, option
from mailer.language import _

#: Why, in the audit log.
WHY = "postqueue"


@click.command("mailq", cls=Program, help=N_("Show the queue as Postfix's mailq does."))
@accepted(N_("Changes nothing here."), "-v", is_flag=True)
@click.pass_obj
def mailq(session: Session) -> None:
    """Show the queue."""
    with session.office() as office:
        listing.write(listing.entries(office))


@click.command("postqueue", cls=Program, help=N_("List or flush the queue as Postfix's postqueue does."))
@option("-p", "listed", is_flag=True, help=N_("Show the queue in columns."))
@option("-j", "as_json", is_flag=True, help=N_("Show the queue as JSON lines."))
@option("-f", "flushed", is_flag=True, help=N_("Try everything now."))
@option("-s", "site", metavar="SITE", help=N_("Try now what waits for this site: a domain, MX host or carrier."))
@option("-i", "name", metavar="QUEUE-ID", help=N_("Try this item now."))
@accepted(N_("Changes nothing here."), "-v", is_flag=True)
@absent(NO_CONFIGURATION, "-c")
@click.pass_obj
def postqueue(session: Session, listed: bool, as_json: bool, flushed: bool, site: str | None, name: str | None) -> None:
    """List or flush."""
    if [listed, as_json, flushed, site is not None, name is not None].count(True) != 1:
        raise click.UsageError(_("Say exactly one of -p, -j, -f, -s SITE and -i QUEUE-ID."))
    if listed or as_json:
        with session.office() as office:
            output.lines(listing.entries(office)) if as_json else listing.write(listing.entries(office))
    else:
        _flush(session, site, name)


def _flush(session: Session, site: str | None, name: str | None) -> None:
    from mailer.service import queue, stops

    numbers = (item_number(name),) if name else ()
    with session.office() as office:
        domains: frozenset[str] = frozenset()
        if site is not None:
            meant = part(session, {"site": site, **dict.fromkeys(("carrier", "domain", "school", "broadcast"))})
            domains = queue.domains_reached(meant) or frozenset({""})
        chosen = queue.Selection(numbers=numbers, domains=domains)
        queue.flush(office, chosen, session.actor, WHY)
        kept = stops.kept(office, chosen)
    if kept:
        output.note(f"postqueue: {suspending.kept_words(kept)}")
