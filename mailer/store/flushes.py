"""Which receivers are to rest no longer because an operator flushed mail to them?

Every flush has a number, and a domain keeps that of the last one that named it: a worker that has seen a number finds
by it what was flushed since. What is remembered of the rest of those receivers ends at once, for who starts later.
"""

from collections.abc import Iterable

from mailer.store.database import executemany, select

NOTE = "INSERT INTO flush (domain, number) VALUES (?, ?) ON CONFLICT (domain) DO UPDATE SET number = excluded.number"
END_REST = """
UPDATE site_memory SET paused_until = NULL
WHERE paused_until IS NOT NULL AND site IN (SELECT site FROM domain_memory WHERE domain = ?)
"""


def note(domains: Iterable[str]) -> None:
    """Write that mail to these domains was flushed; of their receivers no rest is remembered any longer."""
    number, named = last() + 1, sorted(domains)
    executemany(NOTE, [(domain, number) for domain in named])
    executemany(END_REST, [(domain,) for domain in named])


def last() -> int:
    """Return the number of the last flush, 0 before the first."""
    ((number,),) = select("SELECT COALESCE(MAX(number), 0) FROM flush")
    return int(number)


def since(number: int) -> frozenset[str]:
    """Return the domains that were flushed after the flush of this number."""
    return frozenset(domain for (domain,) in select("SELECT domain FROM flush WHERE number > ?", (number,)))
