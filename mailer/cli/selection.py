"""How does an operator say which part of the queue, or which of its items, are meant?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailer.cli.parameters import Code, Duration
from mailer.cli.session import Session
from mailer.cli.verb import N_, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.carrier.group import Carriers
    from mailer.service.queue import Selection
    from mailer.service.stops import Part

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

#: What is stopped for longer is stopped for good: let somebody end it by hand.
LONGEST_DAYS = 3650
#: The greatest row number that a store can give out.
LAST_NUMBER = 2**63 - 1


def placing(verb: Decorated) -> Decorated:
    """Let a verb be told which part of the queue is meant: what fits every option given."""
    options = (
        option("--broadcast", metavar="ID", help=N_("Only items of this broadcast or notice.")),
        option("--school", type=Code(), help=N_("Only items of this school.")),
        option("--carrier", metavar="NAME", help=N_("Only items to this carrier of carriers.toml (docomo).")),
        option(
            "--site",
            metavar="NAME",
            help=N_("Only items to this carrier, to the domains that have this MX host, or to this receiving domain."),
        ),
        option("--domain", metavar="DOMAIN", help=N_("Only items to this receiving domain.")),
    )
    for decorate in reversed(options):
        verb = decorate(verb)
    return verb


def selecting(verb: Decorated) -> Decorated:
    """Let a verb be told which items are meant."""
    decorate = click.argument("queue_ids", nargs=-1, metavar="[QUEUE-ID]...")
    decorated: Decorated = decorate(placing(verb))
    return decorated


def reasoned(verb: Decorated) -> Decorated:
    """Let a verb be told why, for the audit log."""
    decorate = option("--reason", "why", default="", metavar="TEXT", help=N_("Why, for the audit log."))
    decorated: Decorated = decorate(verb)
    return decorated


def lasting(verb: Decorated) -> Decorated:
    """Let a verb be told for how long."""
    words = N_("For how long; without it until it is ended.")
    decorate = option("--for", "lasting", type=Duration(most=LONGEST_DAYS), help=words)
    decorated: Decorated = decorate(verb)
    return decorated


def steering(verb: Decorated) -> Decorated:
    """Let a verb be told which items are meant, and that it is really the whole queue."""
    everything = option("--all", "everything", is_flag=True, help=N_("The whole queue is meant."))
    decorated: Decorated = selecting(everything(reasoned(verb)))
    return decorated


def insist(criteria: dict[str, Any], everything: bool | None = None) -> None:
    """Refuse to steer the whole queue by a forgotten option; `everything` is --all, None where there is no such."""
    if any(criteria.values()) or everything:
        return
    if everything is None:
        words = _("Say which items: queue ids, --broadcast, --school, --carrier, --site or --domain.")
    else:
        words = _("Say which items: queue ids, --broadcast, --school, --carrier, --site, --domain, or --all.")
    raise click.UsageError(words)


def selection(session: Session, criteria: dict[str, Any]) -> "Selection":
    """Return the selection that the options of `selecting` describe."""
    from mailer.service.queue import Selection

    meant = part(session, criteria)
    return Selection(
        numbers=tuple(item_number(name) for name in criteria["queue_ids"]),
        announcement_id=meant.announcement_id,
        domains=_domains(meant),
        school=meant.school,
    )


def item_number(name: str) -> int:
    """Return the number of a queue id; another word is a mistake in usage."""
    from mailer.schedule.queue_id import queue_number

    try:
        number = queue_number(name)
    except ValueError:
        number = 0  # which no item has
    if not 0 < number <= LAST_NUMBER:
        raise click.UsageError(_("{name} is no queue id; one looks like Q2F.").format(name=name))
    return number


def part(session: Session, criteria: dict[str, Any]) -> "Part":
    """Return the part of the queue that the options of `placing` describe."""
    from config.carriers import load_carriers
    from mailer.service.stops import Part

    carrier, site, domain = criteria["carrier"], criteria["site"], criteria["domain"]
    of_carrier: frozenset[str] = frozenset()
    if carrier or site:
        carriers = load_carriers(session.settings)
        if carrier is None and any(one.name == site for one in carriers):
            carrier, site = site, None
        of_carrier = _of_carrier(carriers, carrier)
    return Part(
        carrier=carrier or "",
        site=(site or "").lower().rstrip("."),
        domain=_domain(domain) if domain else "",
        school=criteria["school"] or "",
        announcement_id=criteria["broadcast"] or "",
        of_carrier=of_carrier,
    )


def _of_carrier(carriers: "Carriers", name: str | None) -> frozenset[str]:
    """Return the mail domains of a carrier."""
    domains = {one.name: one.domains for one in carriers}
    if name is not None and name not in domains:
        words = _("There is no carrier {name!r}. The carriers are: {names}")
        raise click.UsageError(words.format(name=name, names=", ".join(sorted(domains))))
    return domains[name] if name else frozenset()


def _domain(name: str) -> str:
    """Return a receiving domain as the queue writes it."""
    from mailer.smtp.address import REASONS, AddressError, parse_address

    try:
        return parse_address(f"x@{name}").key.partition("@")[2]
    except AddressError as error:
        raise click.UsageError(f"--domain {name}: {_(REASONS[error.reason])}") from error


def _domains(meant: "Part") -> frozenset[str]:
    """Return the receiving domains that are meant; none at all stands for every domain."""
    from mailer.service.queue import domains_reached

    if not (meant.carrier or meant.site or meant.domain):
        return frozenset()
    # A carrier that has nothing in the queue must not stand for every domain.
    return domains_reached(meant) or frozenset({""})
