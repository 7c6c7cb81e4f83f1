"""Which sites has this worker leased, with how many connections, and for how long yet?

The lease is renewed in good time; what could not be renewed counts as over a little early, so that nobody else has it
yet. A site without mail gives its share back.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import partial

from mailer.dispatcher.means import Means
from mailer.dispatcher.site import Site
from mailer.service import lease

MARGIN_SECONDS = 5.0
RENEW_AFTER_SECONDS = lease.TERM_SECONDS / 3


class Tenancy:
    """The leases of one worker."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._until = 0.0
        self._spoken: set[str] = set()
        self._shared: dict[str, bool] = {}

    @property
    def stands(self) -> bool:
        """Tell whether this worker may still speak to anybody."""
        return self._means.elapsed() < self._until - MARGIN_SECONDS

    async def renew(self, sites: Iterable[Site]) -> None:
        """Renew the lease, and the shares of these sites, if it is time."""
        if self._until - self._means.elapsed() > lease.TERM_SECONDS - RENEW_AFTER_SECONDS:
            return
        leased = [site for site in sites if site.limits.share]
        self._until, shares = await self._means.writer.do(lambda: self._renew(leased))
        for site, share in shares.items():
            site.limits.lease(share)

    def is_shared(self, site: Site) -> bool:
        """Tell whether others had a share of a site when this worker last took one."""
        return self._shared.get(site.name, False)

    def take(self, sites: Collection[Site]) -> dict[Site, int]:
        """Lease shares of sites; inside a Writer. Return what was got, 0 where others have everything."""
        return {site: self._take(site) for site in sites}

    def tell(self, sites: Iterable[Site]) -> None:
        """Tell the others of the sites with which sessions were begun or ended since."""
        now, worker = {site.name for site in sites if site.speaks}, self._means.worker
        begun, ended = sorted(now - self._spoken), sorted(self._spoken - now)
        self._spoken = now
        for names, speaks in ((begun, True), (ended, False)):
            if names:
                self._means.writer.submit(partial(lease.speak, worker, names, speaks))

    def give_up(self, sites: Sequence[Site]) -> None:
        """Give the shares of these sites back."""
        for site in sites:
            site.limits.lease(0)
            self._shared.pop(site.name, None)
        names, worker = [site.name for site in sites], self._means.worker
        self._means.writer.submit(lambda: lease.give_up(worker, names))

    def _take(self, site: Site) -> int:
        means, most = self._means, site.limits.manners.connections
        share, others = lease.take(means.worker, site.name, most, means.workers, means.elapsed())
        self._shared[site.name] = others > 0
        return share

    def _renew(self, sites: Sequence[Site]) -> tuple[float, dict[Site, int]]:
        return lease.renew(self._means.worker, self._means.elapsed()), self.take(sites)
