"""How does an operator say which items of the queue are meant?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailer.cli.session import Session
from mailer.cli.verb import N_, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.service.office import Office
    from mailer.service.queue import Selection

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

#: The greatest row number that a store can give out.
LAST_NUMBER = 2**63 - 1


def selecting(verb: Decorated) -> Decorated:
    """Let a verb be told which items are meant."""
    options = (
        click.argument("queue_ids", nargs=-1, metavar="[QUEUE-ID]..."),
        option("--broadcast", metavar="ID", help=N_("Only items of this broadcast or notice.")),
        option("--carrier", metavar="NAME", help=N_("Only items to this carrier of carriers.toml (docomo).")),
        option("--site", metavar="DOMAIN", help=N_("Only items to this receiving domain, or to this carrier.")),
    )
    for decorate in reversed(options):
        verb = decorate(verb)
    return verb


def reasoned(verb: Decorated) -> Decorated:
    """Let a verb be told why, for the audit log."""
    decorate = option("--reason", "why", default="", metavar="TEXT", help=N_("Why, for the audit log."))
    decorated: Decorated = decorate(verb)
    return decorated


def steering(verb: Decorated) -> Decorated:
    """Let a verb be told which items are meant, and that it is really the whole queue."""
    everything = option("--all", "everything", is_flag=True, help=N_("The whole queue is meant."))
    decorated: Decorated = selecting(everything(reasoned(verb)))
    return decorated


def insist(criteria: dict[str, Any], everything: bool) -> None:
    """Refuse to steer the whole queue by a forgotten option."""
    if not any(criteria.values()) and not everything:
        raise click.UsageError(_("Say which items: queue ids, --broadcast, --carrier or --site."))


def selection(session: Session, office: "Office", criteria: dict[str, Any]) -> "Selection":
    """Return the selection that the options of `selecting` describe."""
    from mailer.service.queue import Selection

    return Selection(
        numbers=tuple(item_number(name) for name in criteria["queue_ids"]),
        announcement_id=criteria["broadcast"] or "",
        domains=_domains(session, office, criteria["carrier"], criteria["site"]),
    )


def item_number(name: str) -> int:
    """Return the number of a queue id; another word is a mistake in usage."""
    from mailer.ids import queue_number

    try:
        number = queue_number(name)
    except ValueError:
        number = 0  # which no item has
    if not 0 < number <= LAST_NUMBER:
        raise click.UsageError(_("{name} is no queue id; one looks like Q2F.").format(name=name))
    return number


def _domains(session: Session, office: "Office", carrier: str | None, site: str | None) -> frozenset[str]:
    """Return the receiving domains that are meant; none at all stands for every domain."""
    from config import load_carriers

    if carrier is None and site is None:
        return frozenset()
    names = {one.name for one in load_carriers(session.settings)}
    if carrier is not None and carrier not in names:
        words = _("There is no carrier {name!r}. The carriers are: {names}")
        raise click.UsageError(words.format(name=carrier, names=", ".join(sorted(names))))
    chosen = [_of_carrier(session, office, name) for name in (carrier, site) if name in names]
    if site is not None and site not in names:
        chosen.append(frozenset({site.lower()}))
    # A carrier that has nothing in the queue must not stand for every domain.
    return frozenset.intersection(*chosen) or frozenset({""})


def _of_carrier(session: Session, office: "Office", name: str | None) -> frozenset[str]:
    """Return the domains in the queue that are this carrier's, by their name or by the host that answered for them."""
    from config import load_carriers
    from mailer.service.queue import Selection, list_

    carriers = load_carriers(session.settings)
    found = set()
    for domain, host in {(item.domain, item.evidence.host) for item in list_(office, Selection())}:
        carrier = carriers.of_domain(domain) or (carriers.of_mx([host]) if host else None)
        if carrier is not None and carrier.name == name:
            found.add(domain)
    return frozenset(found)
