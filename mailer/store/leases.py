"""Which worker may speak to which site, with how many connections?

A site is a carrier or a set of MX hosts. What workers lease of it is a share of its connections (and of its pace), so
that all of them together never exceed what it likes. A worker that lives has a row with a term; whoever is past its
term has nothing. All of this is for a `Writer`; the functions that only read may be called anywhere.
"""

from collections.abc import Sequence

from mailer.store.database import change, executemany, select

RENEW = """
INSERT INTO worker (name, until) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET until = excluded.until
"""
OTHERS = """
SELECT site, SUM(connections) FROM site_share JOIN worker ON worker.name = site_share.worker_id
WHERE worker.until > ? AND worker.name <> ? GROUP BY site
"""
SPOKEN = """
SELECT DISTINCT site FROM site_share JOIN worker ON worker.name = site_share.worker_id
WHERE worker.until > ? AND worker.name <> ? AND speaks
"""
OTHERS_AT = """
SELECT COALESCE(SUM(connections), 0) FROM site_share JOIN worker ON worker.name = site_share.worker_id
WHERE worker.until > ? AND worker.name <> ? AND site = ?
"""
TAKE = """
INSERT INTO site_share (site, worker_id, connections, speaks) VALUES (?, ?, ?, 0)
ON CONFLICT (site, worker_id) DO UPDATE SET connections = excluded.connections
"""


def renew(worker: str, until: int) -> None:
    """Let a worker live until then (milliseconds since the machine's start)."""
    change(RENEW, (worker, until))


def living(now: int) -> int:
    """Return how many workers live."""
    ((number,),) = select("SELECT COUNT(*) FROM worker WHERE until > ?", (now,))
    return int(number)


def lapsed(now: int) -> list[str]:
    """Return the workers whose term is over."""
    return [name for (name,) in select("SELECT name FROM worker WHERE until <= ?", (now,))]


def forget(worker: str | None) -> None:
    """End a worker's leases (every worker's for None)."""
    change("DELETE FROM worker WHERE ? IS NULL OR name = ?", (worker, worker))


def others(worker: str, now: int) -> dict[str, int]:
    """Return for each site how many connections the other living workers have there."""
    return {site: int(connections) for site, connections in select(OTHERS, (now, worker))}


def spoken(worker: str, now: int) -> frozenset[str]:
    """Return the sites with which other living workers have sessions."""
    return frozenset(site for (site,) in select(SPOKEN, (now, worker)))


def speak(worker: str, sites: Sequence[str], speaks: bool) -> None:
    """Write that a worker has sessions with these sites, or has none any more."""
    executemany(
        "UPDATE site_share SET speaks = ? WHERE site = ? AND worker_id = ?", [(speaks, site, worker) for site in sites]
    )


def take(site: str, worker: str, most: int, workers: int, now: int) -> tuple[int, int]:
    """Lease a fair part of a site's `most` connections, as far as others leave it; return how many, and the others'."""
    ((taken,),) = select(OTHERS_AT, (now, worker, site))
    fair = -(-most // max(workers, living(now)))
    share = max(0, min(fair, most - int(taken)))
    if share:
        change(TAKE, (site, worker, share))
    else:
        give_up(worker, [site])
    return share, int(taken)


def give_up(worker: str, sites: Sequence[str]) -> None:
    """Give a worker's shares of these sites back."""
    executemany("DELETE FROM site_share WHERE site = ? AND worker_id = ?", [(site, worker) for site in sites])
