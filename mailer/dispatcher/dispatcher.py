"""What is due now, and who takes it?

Ten times a second, and whenever a site runs short, the store is asked for domains with due items; each site with
room gets a claim of its items. A claim is durable before its first packet leaves. While a maintenance window runs
only safety mail is claimed (F4). What ends is written down by the ledger.
"""

import asyncio
import contextlib
import logging
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from mailer.carrier.group import Carrier, Carriers, Manners
from mailer.carrier.pace import Pace
from mailer.dispatcher.door import Door
from mailer.dispatcher.job import Job, job_of
from mailer.dispatcher.letters import Letters
from mailer.dispatcher.outcomes import Outcomes
from mailer.dispatcher.signing import Signing
from mailer.dispatcher.site import Site
from mailer.dispatcher.ways import Ways
from mailer.domain.lane import Lane
from mailer.net.dial import Dialler, NotGreeted
from mailer.net.resolver import Resolver
from mailer.net.routes import Route, Routing, find_route
from mailer.net.transport import Owner, Session
from mailer.service import dispatch, maintenance
from mailer.service.dispatch import Claimed
from mailer.service.office import Office
from mailer.smtp.address import AddressError
from mailer.smtp.envelope import Fact, Transaction
from mailer.smtp.route import NoRoute
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
LEASE = timedelta(hours=1)
NO_ROUTE_BATCH = 500
STOP_SECONDS = 20.0
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Means:
    """What the dispatcher works with; put together by the app."""

    office: Office
    writer: Writer
    letters: Letters
    carriers: Carriers
    resolver: Resolver
    routing: Routing
    dialler: Dialler
    worker: str


@dataclass(slots=True)
class Order:
    """A claim to be made: at most `limit` items of these domains in these lanes."""

    site: Site | None
    door: Door | None
    trouble: NoRoute | None
    domains: list[str]
    lanes: list[Lane]
    limit: int


class Dispatcher:
    """Keeps every site supplied with claimed jobs until it is told to stop."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._office = means.office
        self._outcomes = Outcomes(means.office, means.carriers, means.writer)
        self._ways = Ways(means.carriers, self._find_route, self._make_site, self.hungry)
        self._wake = asyncio.Event()
        self._bare_domains: frozenset[str] = frozenset()
        self._flushes = 0
        self._signing = Signing(means.letters.write)

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop` is set; then end cleanly: nothing claimed is left behind."""
        recovered = await self._do(lambda: dispatch.recover(self._office, None))
        log.info("lost claims: %d tried again, %d held, %d over", recovered.again, recovered.held, recovered.ended)
        self._bare_domains = frozenset(await self._do(dispatch.bare_domains))
        self._flushes = await self._do(dispatch.flushes)
        while not stop.is_set():
            await self._round()
            await self._pause(stop)
        await self._stop()

    # --- the round

    async def _round(self) -> None:
        try:
            if self.may_begin():
                due, flushes = await self._do(self._look)
                if flushes != self._flushes:
                    self._flushes = flushes
                    self._hurry()
                if orders := self._orders(due):
                    await self._claim(orders)
        except Exception as error:
            # The store's trouble must not end the mailer: it says so, and looks again.
            log.error("the queue cannot be read or claimed from: %s", error)
            await asyncio.sleep(1.0)
        for site in self._ways.sites.values():
            site.tidy()

    async def _pause(self, stop: asyncio.Event) -> None:
        if not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
            self._wake.clear()

    def _look(self) -> tuple[list[dispatch.DueDomain], int]:
        now = self._office.clock()
        window = maintenance.current(self._office, now)
        lanes = list(Lane) if window is None else [Lane.SAFETY]
        return dispatch.due_domains(self._office, now, lanes), dispatch.flushes()

    def _hurry(self) -> None:
        """An operator flushed: whatever rests is tried now, within each receiver's limits."""
        self._means.dialler.forget()
        self._ways.hurry()

    def _orders(self, due: Sequence[dispatch.DueDomain]) -> list[Order]:
        now = asyncio.get_running_loop().time()
        orders: dict[object, Order] = {}
        for one in due:
            way = self._ways.way(one.domain, now)
            if way is None:
                continue
            if way.door is not None and not way.door.may_try(one.lane, now):
                continue
            key = one.domain if way.door is None else way.door
            limit = NO_ROUTE_BATCH if way.site is None else way.site.room()
            order = orders.setdefault(key, Order(way.site, way.door, way.trouble, [], [], limit))
            order.domains = [*dict.fromkeys([*order.domains, one.domain])]
            order.lanes = sorted({*order.lanes, one.lane})
        return [order for order in share_out(list(orders.values())) if order.limit > 0]

    async def _claim(self, orders: Sequence[Order]) -> None:
        claims = await self._do(partial(self._claim_and_learn, orders))
        for order, claim in zip(orders, claims, strict=True):
            jobs = [job for claimed in claim if (job := self._job(claimed)) is not None]
            if order.site is not None and order.door is not None:
                self._have_written(order.site, order.door, jobs)
            elif order.trouble is not None:
                self._outcomes.no_route(jobs, order.trouble)

    def _claim_and_learn(self, orders: Sequence[Order]) -> list[list[Claimed]]:
        """In the writer's transaction: what is claimed comes with its announcement, or is not claimed."""
        letters = self._means.letters
        claims = [
            dispatch.claim(self._office, order.domains, order.limit, self._means.worker, LEASE, order.lanes)
            for order in orders
        ]
        for announcement in {claimed.announcement_id for claim in claims for claimed in claim}:
            if not letters.knows(announcement):
                letters.learn(dispatch.announcement(announcement))
        return claims

    def _job(self, claimed: Claimed) -> Job | None:
        try:
            return job_of(claimed, self._bare_domains)
        except AddressError as error:
            self._outcomes.no_address(claimed, str(error))
            return None

    def _have_written(self, site: Site, door: Door, jobs: list[Job]) -> None:
        site.expected += len(jobs)

        def written(some: Sequence[Job]) -> None:
            site.expected -= len(some)
            site.take_in(door, [job for job in some if job.content])
            for job in some:
                if not job.content:
                    self._outcomes.not_written(job)

        self._signing.write(jobs, written)

    async def _do(self, work: Callable[[], Result]) -> Result:
        return await self._means.writer.do(work)

    # --- what a site asks (site.Desk)

    def hungry(self) -> None:
        """Look for due items at once."""
        self._wake.set()

    def may_begin(self) -> bool:
        """Tell whether a mail may be begun: the store takes what comes of it."""
        return self._outcomes.is_safe and self._means.writer.failure is None

    def is_over(self, job: Job) -> bool:
        """Tell whether the time given to a job is over."""
        return self._office.clock() >= job.claimed.expires_at

    def unused(self, job: Job) -> None:
        """Give back a claim of which nothing was sent; the item is due again, or over."""
        attempt = (job.claimed.item_id, job.claimed.attempt)
        self._means.writer.submit(lambda: dispatch.unclaim(self._office, [attempt]))

    async def dial(self, route: Route, owner: Owner) -> Session:
        """Open a session."""
        return await self._means.dialler.dial(route, owner)

    def address(self, job: Job) -> Transaction:
        """Put the written mail of a job into its envelope."""
        return self._means.letters.address(job)

    def judge(self, site: Site, job: Job, fact: Fact, session: Session) -> None:
        """Write down what a fact means for a job."""
        self._outcomes.of_fact(site.carrier, job, fact, session)

    def unreachable(self, site: Site, job: Job, failed: NotGreeted) -> None:
        """Write down that no host could be spoken to."""
        self._outcomes.unreachable(site.carrier, job, failed)

    def learned_bare_form(self, domain: str) -> None:
        """Remember that a domain wants irregular addresses bare."""
        if domain not in self._bare_domains:
            self._bare_domains |= {domain}
            self._means.writer.submit(partial(dispatch.remember_bare_form, domain))

    # --- making and ending

    def _find_route(self, domain: str) -> "asyncio.Future[Route]":
        return asyncio.ensure_future(find_route(domain, self._means.resolver, self._means.routing))

    def _make_site(self, name: str, carrier: Carrier | None) -> Site:
        manners: Manners = self._means.carriers.default if carrier is None else carrier.manners
        return Site(name, carrier, manners, Pace.of(manners), self)

    async def _stop(self) -> None:
        """Begin nothing more, let what is under way end, give back what was not begun."""
        await self._signing.close()
        unused = [job for site in self._ways.sites.values() for job in site.stop()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*(site.ended() for site in self._ways.sites.values()))
        for site in self._ways.sites.values():
            site.abort()
        await self._outcomes.drained()
        # Once more: an item that was to go again in another form came back to its door meanwhile.
        await self._give_back(unused + [job for site in self._ways.sites.values() for job in site.stop()])

    async def _give_back(self, jobs: Sequence[Job]) -> None:
        attempts = [(job.claimed.item_id, job.claimed.attempt) for job in jobs]
        try:
            await self._do(lambda: dispatch.unclaim(self._office, attempts))
        except Exception as error:
            # The next start finds them as lost.
            log.error("%d claims cannot be given back: %s", len(attempts), error)


def share_out(orders: list[Order]) -> list[Order]:
    """Share the room of each site among the orders for its doors: together they take no more than it has."""
    doors = Counter(order.site for order in orders)
    for order in orders:
        if order.site is not None:
            order.limit = math.ceil(order.limit / doors[order.site])
    return orders
