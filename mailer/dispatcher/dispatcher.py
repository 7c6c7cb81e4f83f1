"""What is due now, and who takes it?

Ten times a second the store is asked for domains with due items; then, and whenever a site runs short, each site with
room gets a claim of its items. A claim is durable before its first packet leaves, and holds as long as the lease of its
worker: the worker leases a share of each site it has mail for, so that all workers together keep a carrier's limits.
While a maintenance window runs only safety mail is claimed (F4). What ends is written down by the ledger.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from mailer.carrier.group import Carrier, Manners
from mailer.carrier.reading import Reading
from mailer.dispatcher.door import Door
from mailer.dispatcher.job import Job, job_of
from mailer.dispatcher.lessons import Lessons
from mailer.dispatcher.limits import Limits
from mailer.dispatcher.lookout import GLANCE_SECONDS, Lookout
from mailer.dispatcher.means import Means
from mailer.dispatcher.order import Order, order_of, share_out
from mailer.dispatcher.outcomes import Outcomes
from mailer.dispatcher.signing import Signing
from mailer.dispatcher.site import Site
from mailer.dispatcher.tenancy import Tenancy
from mailer.dispatcher.ways import Way, Ways
from mailer.domain.lane import Lane
from mailer.net.dial import NotGreeted
from mailer.net.routes import Route, find_route
from mailer.net.transport import Owner, Session
from mailer.schedule.claim import Claimed, DueDomain
from mailer.service import dispatch
from mailer.smtp.address import AddressError
from mailer.smtp.envelope import Fact, Transaction
from mailer.smtp.reply import Reply
from mailer.store.failure import FAILURES

log = logging.getLogger(__name__)

#: Sites that run short are supplied together this often: many small claims would cost a flush to the disk each.
SUPPLY_SECONDS = 0.05
PRUNE_SECONDS = 60.0
#: The ways to so many domains, those with most addresses, are kept known; which they are is seen now and then.
MOST_EXPECTED = 50
EXPECT_SECONDS = 600.0
#: Of so many it is known how many addresses they have. A town has fewer.
MOST_DOMAINS = 100_000
#: So often at most is there a round; a site may run short with every mail.
ROUND_SECONDS = 0.01
#: What is claimed may wait so long until something may be begun again.
LONGEST_WAIT_SECONDS = 60.0
STOP_SECONDS = 12.0
AGAIN_SECONDS = 1.0
Result = TypeVar("Result")


class Dispatcher:
    """Keeps every site supplied with claimed jobs until it is told to stop."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._office = means.office
        self._outcomes = Outcomes(means.office, means.carriers, means.writer)
        finders = (self._find_route, self._make_site, self._found)
        self._ways = Ways(means.carriers, *finders, means.looks_first, lambda domain: domain in self._known)
        self._signing = Signing(means.letters, means.signatory, self, self._size)
        self._wake = asyncio.Event()
        self._bare_domains: frozenset[str] = frozenset()
        self._lookout = Lookout(means)
        self._tenancy = Tenancy(means)
        self._lessons = Lessons(means.office, means.writer)
        self._known: dict[str, str] = {}
        self._prunes_at = 0.0
        self._expected: Mapping[str, int] = {}
        self._expects_at = 0.0
        self._supplies_at = 0.0
        self._stuck_since: float | None = None
        self._now = asyncio.get_running_loop().time

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop` is set; then end cleanly: nothing claimed is left behind."""
        self._bare_domains = frozenset(await self._means.reader.do(dispatch.bare_domains))
        self._known = dict(await self._means.reader.do(dispatch.sites))
        await self._lookout.look()
        self._outcomes.shift = self._lookout.seen.shift
        while not stop.is_set() and not self._signing.is_over:
            await self._round()
            await self._pause(stop)
        await self._stop()

    # --- the round

    async def _round(self) -> None:
        self._supplies_at = self._now() + ROUND_SECONDS
        try:
            await self._tenancy.renew(self._ways.sites.values())
            await self._look_ahead()
            if not self._has_work:
                await self._lookout.glance()
            if not self._lookout.rest:
                await self._see()
            if not self.may_begin():
                self._give_back_in_time()
            else:
                self._stuck_since = None
                if orders := self._orders(self._lookout.seen.due):
                    await self._claim(orders)
        except FAILURES as error:
            # The store's trouble must not end the mailer: it says so, and looks again.
            log.error("the queue cannot be read or claimed from: %s", error)
            await asyncio.sleep(AGAIN_SECONDS)
        except Exception:
            log.exception("a fault of ours keeps mail from being claimed; the next look follows")
            await asyncio.sleep(AGAIN_SECONDS)
        for site in self._ways.sites.values():
            site.tidy()
        self._tenancy.tell(self._ways.sites.values())
        self._prune()

    async def _look_ahead(self) -> None:
        """Keep the ways known that the next broadcast will go: it must not wait for the DNS (F1: seconds count)."""
        if self._now() >= self._expects_at:
            self._expects_at = self._now() + EXPECT_SECONDS
            self._expected = await self._means.reader.do(partial(dispatch.expected_domains, MOST_DOMAINS))
        self._ways.look_ahead(islice(self._expected, MOST_EXPECTED), self._now())

    def _size(self, domain: str) -> int:
        """Return how many addresses a domain has; one that was registered a moment ago waits for nobody."""
        size = self._expected.get(domain)
        return next(iter(self._expected.values()), 1) if size is None else size

    async def _pause(self, stop: asyncio.Event) -> None:
        """Wait for the next look, or for a site that runs short; those that do so together are supplied together."""
        if stop.is_set():
            return
        rest = self._lookout.rest if self._has_work else min(GLANCE_SECONDS, self._lookout.rest)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), rest)
            await asyncio.sleep(self._supplies_at - self._now())
        self._wake.clear()

    @property
    def _has_work(self) -> bool:
        return any(site.waiting for site in self._ways.sites.values())

    async def _see(self) -> None:
        """Look at the store, and do what follows from what others did."""
        before = await self._lookout.look()
        seen = self._lookout.seen
        self._means.follow_clock(seen.shift != self._outcomes.shift)
        self._outcomes.shift = seen.shift
        self._hurry(seen.flushed)
        self._lessons.hear(seen.board.states, self._ways.sites, seen.shift)
        if seen.stops_more_than(before):
            self._call_off()

    def _call_off(self) -> None:
        """Give back what somebody wants stopped; what a session has taken is under way."""
        for job in self._signing.withdraw(self._lookout.is_stopped):
            self.not_signed(job)
        for site in self._ways.sites.values():
            site.give_back(self._lookout.is_stopped)

    def _give_back_in_time(self) -> None:
        """Give back what waits in here while nothing may be begun for long: a kill would make it look half sent."""
        now = self._now()
        self._stuck_since = now if self._stuck_since is None else self._stuck_since
        if now - self._stuck_since > LONGEST_WAIT_SECONDS:
            for site in self._ways.sites.values():
                site.give_back(lambda job: True)

    def _hurry(self, domains: Collection[str]) -> None:
        """An operator flushed mail to these: what rests there is tried now, within each receiver's limits.

        Whatever did not work is looked up anew: the operator may have waited for the DNS, or a policy, to be mended.
        """
        self._means.resolver.forget(*domains)
        if self._means.routing.sts is not None:
            self._means.routing.sts.forget(*domains)
        for route in self._ways.hurry(domains):
            self._means.dialler.forget(route)

    def _orders(self, due: Sequence[DueDomain]) -> list[Order]:
        orders: dict[object, Order] = {}
        for one in due:
            way = self._ways.way(one.domain, self._now())
            if way is None or not self._is_open(way, one.lane):
                continue
            key = one.domain if way.door is None else way.door
            order = orders.get(key) or orders.setdefault(key, order_of(way))
            order.due.setdefault(one.lane, []).append(one.domain)
        return [order for order in share_out(list(orders.values())) if order.takes_any]

    def _is_open(self, way: Way, lane: Lane) -> bool:
        """Tell whether mail of a lane may go that way now, and this worker may speak to the site."""
        if way.site is None or way.door is None:
            return True
        limits = way.site.limits
        left = limits.manners.connections - self._lookout.seen.board.others.get(way.site.name, 0)
        if limits.is_quiet_time(lane, self._office.clock()):
            return False
        return way.site.may_try(way.door, lane) and (limits.share > 0 or left > 0)

    async def _claim(self, orders: Sequence[Order]) -> None:
        self._supplies_at = self._now() + SUPPLY_SECONDS
        self._outcomes.write()
        shares, claims = await self._do(partial(self._claim_and_learn, orders))
        for site, share in shares.items():
            site.limits.lease(share)
        for order, claim in zip(orders, claims, strict=True):
            jobs = [job for claimed in claim if (job := self._job(claimed, order.way)) is not None]
            if order.way.door is not None:
                order.way.door.expected.update(job.claimed.lane for job in jobs)
                self._signing.write(jobs)
                await asyncio.sleep(0)
            elif order.way.trouble is not None:
                self._outcomes.no_route(jobs, order.way.trouble)

    def _claim_and_learn(self, orders: Sequence[Order]) -> tuple[dict[Site, int], list[list[Claimed]]]:
        """In the writer's transaction: lease what is not leased yet, claim, and learn the announcements."""
        new = {order.way.site for order in orders if order.way.site is not None and not order.way.site.limits.share}
        shares = self._tenancy.take(new)
        without = {site for site, share in shares.items() if not share}
        claims = [[] if order.way.site in without else self._claim_one(order) for order in orders]
        letters = self._means.letters
        for name in {claimed.announcement_id for claim in claims for claimed in claim}:
            if not letters.knows(name):
                announcement = dispatch.announcement(name)
                letters.learn(announcement, dispatch.key_names(announcement.selectors))
        return shares, claims

    def _claim_one(self, order: Order) -> list[Claimed]:
        worker, lanes = self._means.worker, order.lanes
        return dispatch.claim(self._office, order.domains, order.limit, worker, lanes, order.urgent)

    def _job(self, claimed: Claimed, way: Way) -> Job | None:
        try:
            return job_of(claimed, way, self._bare_domains)
        except AddressError as error:
            self._outcomes.no_address(claimed, str(error))
            return None

    async def _do(self, work: Callable[[], Result]) -> Result:
        return await self._means.writer.do(work)

    def _prune(self) -> None:
        """Give back the shares of sites that are quiet; forget, now and then, the ways that nobody goes."""
        quiet = [site for site in self._ways.sites.values() if site.limits.share and site.is_quiet]
        if quiet and self._outcomes.is_safe:
            self._tenancy.give_up(quiet)
        if self._now() >= self._prunes_at:
            self._prunes_at = self._now() + PRUNE_SECONDS
            self._ways.prune(self._now())

    # --- what comes of signing (signing.Client)

    def written(self, jobs: Sequence[Job]) -> None:
        """Put written mail in front of its doors."""
        doors: dict[Door, list[Job]] = {}
        for job in jobs:
            if self._lookout.is_stopped(job):
                self.not_signed(job)
            else:
                doors.setdefault(self._arrived(job), []).append(job)
        for door, some in doors.items():
            some[0].site.take_in(door, some)

    def not_written(self, job: Job, why: str) -> None:
        """Postpone what cannot be made."""
        self._arrived(job)
        self._outcomes.not_written(job, why)

    def not_signed(self, job: Job) -> None:
        """Give back a claim whose mail nobody will sign."""
        self._arrived(job)
        self.unused(job)

    def _arrived(self, job: Job) -> Door:
        job.door.expected[job.claimed.lane] -= 1
        return job.door

    # --- what a site asks (desk.Desk)

    def hungry(self) -> None:
        """Look for due items at once."""
        self._wake.set()

    def may_begin(self) -> bool:
        """Tell whether a mail may be begun: the store takes what comes of it."""
        writer = self._means.writer
        safe = self._outcomes.is_safe and writer.failure is None and writer.has_room and not self._signing.is_over
        return safe and self._tenancy.stands

    def others_speak(self, site: Site) -> bool:
        """Tell whether another worker has sessions with a site."""
        return site.name in self._lookout.seen.board.spoken

    def is_shared(self, site: Site) -> bool:
        """Tell whether another worker has a share of a site."""
        return self._tenancy.is_shared(site)

    def is_quiet_time(self, site: Site, job: Job) -> bool:
        """Tell whether a job has to wait for another minute of the hour."""
        return site.limits.is_quiet_time(job.claimed.lane, self._office.clock())

    def is_over(self, job: Job) -> bool:
        """Tell whether the time given to a job is over, or somebody wants it stopped."""
        return self._lookout.is_stopped(job) or self._office.clock() >= job.claimed.expires_at

    def unused(self, job: Job) -> None:
        """Give back a claim of which nothing was sent; the item is due again, or over."""
        self._outcomes.unused(job)

    async def dial(self, route: Route, owner: Owner) -> Session:
        """Open a session."""
        return await self._means.dialler.dial(route, owner)

    def address(self, job: Job) -> Transaction:
        """Put the written mail of a job into its envelope."""
        return self._means.letters.address(job)

    def judge(self, site: Site, job: Job, fact: Fact, session: Session) -> Reading | None:
        """Write down what a fact means for a job."""
        return self._outcomes.of_fact(site.carrier, job, fact, session)

    def again(self, job: Job, fact: Fact, session: Session) -> None:
        """Remember what was said about a job that goes again within its attempt."""
        self._outcomes.again(job, fact, session)

    def read(self, site: Site, session: Session, failure: str, reply: Reply | None) -> Reading:
        """Return what the end of a session means."""
        return self._outcomes.read(site.carrier, session.peer.host, session.stage, reply, failure)

    def unreachable(self, site: Site, job: Job, failed: NotGreeted) -> Reading:
        """Write down that no host could be spoken to."""
        return self._outcomes.unreachable(site.carrier, job, failed)

    def learned(self, site: Site, reason: str) -> None:
        """Tell the other workers and the next start what a site made us learn."""
        self._lessons.tell(site, reason, site.limits.lesson(self._now()))

    def learned_bare_form(self, domain: str) -> None:
        """Remember that a domain wants irregular addresses bare."""
        if domain not in self._bare_domains:
            self._bare_domains |= {domain}
            self._means.writer.submit(partial(dispatch.remember_bare_form, domain))

    # --- making and ending

    def _find_route(self, domain: str) -> "asyncio.Future[Route]":
        return asyncio.ensure_future(find_route(domain, self._means.resolver, self._means.routing))

    def _found(self, domain: str, site: str) -> None:
        """Keep in mind where a domain's mail goes, so that an operator can name it by that, and take its mail up."""
        if site and self._known.get(domain) != site:
            self._known[domain] = site
            self._means.writer.submit(partial(dispatch.remember_site, domain, site))
        self.hungry()

    def _make_site(self, name: str, carrier: Carrier | None) -> Site:
        manners: Manners = self._means.carriers.default if carrier is None else carrier.manners
        site = Site(name, carrier, Limits(manners, self._means.workers), self)
        self._lessons.teach(site, self._lookout.seen.board.states)
        return site

    async def _stop(self) -> None:
        """Begin nothing more, let what is under way end, give back what was not begun."""
        unused = await self._signing.close()
        unused += [job for site in self._ways.sites.values() for job in site.stop()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*(site.ended() for site in self._ways.sites.values()))
        for site in self._ways.sites.values():
            site.abort()
        # Once more: an item that was to go again in another form came back to its door meanwhile.
        for job in unused + [job for site in self._ways.sites.values() for job in site.stop()]:
            self.unused(job)
        await self._outcomes.drained()
