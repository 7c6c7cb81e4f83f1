"""What did we learn of receiving domains that a restart should not forget?"""

from collections.abc import Mapping

from mailer.store.database import select
from mailer.store.models import DomainMemory


def remember_bare_form(domain: str) -> None:
    """Write that a domain takes irregular local parts as typed, not quoted."""
    row = DomainMemory.insert(domain=domain, bare_form=True, site="")
    row.on_conflict(conflict_target=[DomainMemory.domain], update={DomainMemory.bare_form: True}).execute()


def bare_form_domains() -> frozenset[str]:
    """Return the domains that take irregular local parts as typed."""
    rows = DomainMemory.select(DomainMemory.domain).where(DomainMemory.bare_form)
    return frozenset(row.domain for row in rows)


def remember_site(domain: str, site: str) -> None:
    """Write where a domain's mail was found to go: a carrier, or the names of its MX hosts in order, by spaces."""
    row = DomainMemory.insert(domain=domain, bare_form=False, site=site)
    row.on_conflict(conflict_target=[DomainMemory.domain], update={DomainMemory.site: site}).execute()


def site(domain: str) -> str:
    """Return where the mail of a domain was found to go; empty if that is not known."""
    return next((site for (site,) in select("SELECT site FROM domain_memory WHERE domain = ?", (domain,))), "")


def sites() -> Mapping[str, str]:
    """Return where the mail of domains was found to go."""
    return dict(select("SELECT domain, site FROM domain_memory WHERE site != ''"))
