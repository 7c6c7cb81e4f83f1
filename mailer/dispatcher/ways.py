"""Which site, and which door of it, does a domain's mail go to?

A route is looked up once and kept for its time to live. The receiver is a carrier by its domain or by its MX hosts
(a custom domain hosted at Google counts as Google's); else the set of hosts is a site of its own. A domain without a
route is remembered for a while, too, so that each item does not ask the DNS again.

A domain that once had a way does not vanish at once: the DNS may be wrong for a moment, a filter in between may have
run out. For a day its mail only waits; to refuse it would be to hold our own trouble against guardians (N9).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mailer.carrier.group import Carrier, Carriers
from mailer.dispatcher.door import Door
from mailer.dispatcher.site import Site
from mailer.net.routes import Route
from mailer.smtp.route import NoRoute

log = logging.getLogger(__name__)

NO_ROUTE_SECONDS = 30.0
FORGET_SECONDS = 3600.0
#: While the DNS gives no answer, a way that was found serves so long beyond its time (RFC 8767 §4).
STALE_SECONDS = 3600.0
#: So long a domain that had a way must be without one, each time it is asked for, until that is taken for final.
GONE_SECONDS = 86_400.0
#: So many domains are looked up at a time: those that are due first come first.
AT_A_TIME = 100
#: So long a domain must have been due until a worker looks it up that is not the one to look first.
PATIENCE_SECONDS = 0.3
#: So many domains have enough mail for all workers.
BIG_DOMAINS = 10

FindRoute = Callable[[str], "asyncio.Future[Route]"]
MakeSite = Callable[[str, Carrier | None], Site]


@dataclass(slots=True)
class Way:
    """Where a domain's mail goes until `until` (monotonic seconds): a door of a site, or nowhere and why.

    `found_until` is when the answer of the DNS on which it stands is over.
    """

    until: float
    site: Site | None = None
    door: Door | None = None
    trouble: NoRoute | None = None
    found_until: float = 0.0


class Ways:
    """Knows the ways; finds new ones in the background and calls `found` with domain and site (or none) then."""

    def __init__(
        self,
        carriers: Carriers,
        find: FindRoute,
        make_site: MakeSite,
        found: Callable[[str, str], None],
        looks_first: Callable[[str], bool],
        had_way: Callable[[str], bool],
    ) -> None:
        self.sites: dict[str, Site] = {}
        self._carriers = carriers
        self._find = find
        self._make_site = make_site
        self._found = found
        self._ways: dict[str, Way] = {}
        self._looks_first = looks_first
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._asked_at: dict[str, float] = {}
        self._had_way = had_way
        self._gone_since: dict[str, float] = {}
        self._turn = asyncio.Semaphore(AT_A_TIME)

    def way(self, domain: str, now: float) -> Way | None:
        """Return the way of a domain, or None while it is being looked for; an old way serves until then."""
        if self._is_our_turn(domain, now):
            self._look_if_old(domain, now)
        way = self._ways.get(domain)
        return way if way is None or way.trouble is None or way.until > now else None

    def look_ahead(self, domains: Iterable[str], now: float) -> None:
        """Keep known the ways of domains that will have mail, those with most of it first.

        Every worker knows where the big ones go; of the small ones those that it looks up first. A domain without a
        way, such as a mistyped one, is asked for when mail for it is due.
        """
        for place, domain in enumerate(domains):
            way = self._ways.get(domain)
            if (place < BIG_DOMAINS or self._looks_first(domain)) and (way is None or way.trouble is None):
                self._look_if_old(domain, now)

    def _look_if_old(self, domain: str, now: float) -> None:
        if not self._is_known(domain, now) and domain not in self._looking:
            self._looking[domain] = asyncio.create_task(self._look(domain))

    def _is_known(self, domain: str, now: float) -> bool:
        way = self._ways.get(domain)
        return way is not None and way.until > now

    def _is_our_turn(self, domain: str, now: float) -> bool:
        """Let the worker that looks first send a small domain's mail alone; where that is not enough, help it soon."""
        return self._looks_first(domain) or now - self._asked_at.setdefault(domain, now) >= PATIENCE_SECONDS

    def hurry(self, domains: Iterable[str]) -> list[Route]:
        """Let the doors to these domains rest no longer; look again for their ways that were not found or failed.

        Return the routes of these domains.
        """
        found = []
        for domain, way in [(domain, self._ways[domain]) for domain in domains if domain in self._ways]:
            if way.site is None or way.door is None:
                way.until = 0.0
            else:
                found.append(way.door.routes[domain])
                if way.door.has_failed:
                    self._leave_door(domain)
                    del self._ways[domain]
                way.site.hurry(way.door)
        return found

    def prune(self, now: float) -> None:
        """Forget the ways that are long over, and the sites that nothing leads to or is under way at."""
        for domain in [domain for domain, way in self._ways.items() if way.until + FORGET_SECONDS < now]:
            self._leave_door(domain)
            del self._ways[domain]
        self._asked_at = {domain: at for domain, at in self._asked_at.items() if domain in self._ways}
        self.sites = {name: site for name, site in self.sites.items() if site.doors or site.limits.share}

    async def _look(self, domain: str) -> None:
        now = asyncio.get_running_loop().time
        try:
            async with self._turn:
                route = await self._find(domain)
        except NoRoute as trouble:
            self._not_found(domain, trouble, now())
        except Exception as error:
            # Whatever it is, the domain must not be looked up again at once.
            log.exception("the way to %s cannot be found", domain)
            self._not_found(domain, _unknown(error), now())
        else:
            self._gone_since.pop(domain, None)
            self._ways[domain] = self._lead(domain, route, now() + route.seconds)
        finally:
            del self._looking[domain]
            way = self._ways.get(domain)
            self._found(domain, way.site.name if way is not None and way.site is not None else "")

    def _not_found(self, domain: str, trouble: NoRoute, now: float) -> None:
        """Remember that there is no way, or go on by the old one while the DNS is silent."""
        old = self._ways.get(domain)
        if old is not None and old.door is not None and trouble.is_silence and now < old.found_until + STALE_SECONDS:
            old.until = now + NO_ROUTE_SECONDS
            return
        self._leave_door(domain)
        self._ways[domain] = Way(now + NO_ROUTE_SECONDS, trouble=self._for_now(domain, trouble, now))

    def _for_now(self, domain: str, trouble: NoRoute, now: float) -> NoRoute:
        """Return what keeps a domain's mail back: nothing that is said of it is final on the first day."""
        if not trouble.permanent or not self._had_way(domain):
            return trouble
        if now - self._gone_since.setdefault(domain, now) >= GONE_SECONDS:
            return trouble
        log.warning("%s had a way until now, and its mail waits for a day: %s", domain, trouble)
        return trouble.for_now()

    def _lead(self, domain: str, route: Route, until: float) -> Way:
        carrier = self._carriers.of_domain(domain) or self._carriers.of_route([host.name for host in route.hosts])
        name = (route.site or route.key) if carrier is None else carrier.name
        site = self.sites.get(name)
        if site is None:
            site = self.sites[name] = self._make_site(name, carrier)
        self._leave_door(domain)
        return Way(until, site, site.door(route), found_until=until)

    def _leave_door(self, domain: str) -> None:
        old = self._ways.get(domain)
        if old is not None and old.door is not None:
            old.door.routes.pop(domain, None)


def _unknown(error: Exception) -> NoRoute:
    """Return what a fault of our own says of a way: nothing."""
    text = f"the way could not be looked for: {error!r}"
    return NoRoute(text, permanent=False, enhanced="4.4.3", reason="network_trouble", is_silence=True)
