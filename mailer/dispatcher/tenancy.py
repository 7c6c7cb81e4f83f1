"""Which sites has this worker leased, with how many connections, and for how long yet?

The lease is renewed in good time; what could not be renewed counts as over a little early, so that nobody else has it
yet. A site without mail gives its share back.
"""

from collections.abc import Collection, Iterable, Sequence

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

    def take(self, sites: Collection[Site]) -> dict[Site, int]:
        """Lease shares of sites; inside a Writer. Return what was got, 0 where others have everything."""
        means = self._means
        return {
            site: lease.take(means.worker, site.name, site.limits.manners.connections, means.workers, means.elapsed())
            for site in sites
        }

    def give_up(self, sites: Sequence[Site]) -> None:
        """Give the shares of these sites back."""
        for site in sites:
            site.limits.lease(0)
        names, worker = [site.name for site in sites], self._means.worker
        self._means.writer.submit(lambda: lease.give_up(worker, names))

    def _renew(self, sites: Sequence[Site]) -> tuple[float, dict[Site, int]]:
        return lease.renew(self._means.worker, self._means.elapsed()), self.take(sites)
