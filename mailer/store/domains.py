"""What did we learn of receiving domains that a restart should not forget?"""

from mailer.store.models import DomainMemory


def remember_bare_form(domain: str) -> None:
    """Write that a domain takes irregular local parts as typed, not quoted."""
    DomainMemory.insert(domain=domain, bare_form=True).on_conflict_replace().execute()


def bare_form_domains() -> frozenset[str]:
    """Return the domains that take irregular local parts as typed."""
    rows = DomainMemory.select(DomainMemory.domain).where(DomainMemory.bare_form)
    return frozenset(row.domain for row in rows)
