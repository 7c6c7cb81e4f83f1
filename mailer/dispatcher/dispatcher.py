"""What is due now, and who takes it?

Ten times a second, and whenever a site runs short, the store is asked for domains with due items; each site with
room gets a claim of its items. A claim is durable before its first packet leaves. While a maintenance window runs
only safety mail is claimed (F4). What ends is written down by the ledger.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from mailer.carrier.group import Carrier, Carriers, Manners
from mailer.carrier.pace import Pace
from mailer.carrier.reading import Reading, read
from mailer.dispatcher.door import Door
from mailer.dispatcher.job import Job, job_of
from mailer.dispatcher.ledger import Ledger, Settlement
from mailer.dispatcher.letters import Letters
from mailer.dispatcher.site import Site
from mailer.dispatcher.ways import Ways
from mailer.domain.lane import Lane
from mailer.log import shorten
from mailer.net.dial import Dialler, NotGreeted
from mailer.net.resolver import Resolver
from mailer.net.routes import Route, Routing, find_route
from mailer.net.transport import Owner, Session
from mailer.schedule.judge import Case, Scene, judge, postponed
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import dispatch, maintenance
from mailer.service.dispatch import Claimed
from mailer.service.office import Office
from mailer.smtp.address import AddressError
from mailer.smtp.envelope import Fact, Transaction
from mailer.smtp.reply import Reply, Stage
from mailer.smtp.route import NoRoute
from mailer.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
LEASE = timedelta(hours=1)
NO_ROUTE_BATCH = 500
STOP_SECONDS = 20.0
#: Few enough that the first mail of a claim leaves soon, enough that handing over between threads costs little.
SIGNED_TOGETHER = 40
#: One more than there are cores: while one waits for the interpreter, another signs.
SIGNING_THREADS = (os.cpu_count() or 1) + 1
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
        self._ledger = Ledger(self._settle)
        self._ways = Ways(means.carriers, self._find_route, self._make_site, self.hungry)
        self._wake = asyncio.Event()
        self._bare_domains: frozenset[str] = frozenset()
        self._flushes = 0
        self._signing = ThreadPoolExecutor(SIGNING_THREADS, "signing")
        self._writing: set[asyncio.Task[None]] = set()

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
        return [order for order in orders.values() if order.limit > 0]

    async def _claim(self, orders: Sequence[Order]) -> None:
        claims = await self._do(partial(self._claim_and_learn, orders))
        for order, claim in zip(orders, claims, strict=True):
            jobs = [job for claimed in claim if (job := self._job(claimed)) is not None]
            if order.site is not None and order.door is not None:
                self._have_written(order.site, order.door, jobs)
            elif order.trouble is not None:
                self._no_route(jobs, order.trouble)

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
            evidence = Evidence("compose", "", 0, "5.1.3", str(error), "", "protocol_error")
            self._ledger.add(claimed.item_id, claimed.attempt, Outcome(Verdict.REFUSED, evidence, self._office.clock()))
            return None

    def _have_written(self, site: Site, door: Door, jobs: list[Job]) -> None:
        """Have mail written and signed beside the loop: RSA lets go of the interpreter, so all cores work."""
        site.expected += len(jobs)
        for start in range(0, len(jobs), SIGNED_TOGETHER):
            task = asyncio.create_task(self._written(site, door, jobs[start : start + SIGNED_TOGETHER]))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _written(self, site: Site, door: Door, jobs: list[Job]) -> None:
        loop = asyncio.get_running_loop()
        written = await loop.run_in_executor(self._signing, self._write_all, jobs)
        site.expected -= len(jobs)
        site.take_in(door, written)
        for job in jobs:
            if not job.content:
                # Our own failure is no fault of the guardian's: the item waits.
                evidence = Evidence("compose", "", 0, "", "the mail could not be made; see the log", "", "unclear")
                self._settle_later(job, postponed(evidence, self._case(job)))

    def _write_all(self, jobs: Sequence[Job]) -> list[Job]:
        for job in jobs:
            try:
                job.content = self._means.letters.write(job)
            except Exception:
                log.exception("the mail of %s cannot be made", job.claimed.queue_id)
        return [job for job in jobs if job.content]

    async def _do(self, work: Callable[[], Result]) -> Result:
        return await self._means.writer.do(work)

    # --- what a site asks (site.Desk)

    def hungry(self) -> None:
        """Look for due items at once."""
        self._wake.set()

    def may_begin(self) -> bool:
        """Tell whether a mail may be begun: the store takes what comes of it."""
        return self._ledger.is_safe and self._means.writer.failure is None

    async def dial(self, route: Route, owner: Owner) -> Session:
        """Open a session."""
        return await self._means.dialler.dial(route, owner)

    def address(self, job: Job) -> Transaction:
        """Put the written mail of a job into its envelope."""
        return self._means.letters.address(job)

    def judge(self, site: Site, job: Job, fact: Fact, session: Session) -> None:
        """Write down what a fact means for a job."""
        reading = None if fact.accepted else self._read(site, session.peer.host, fact.stage, fact.reply, fact.failure)
        outcome = judge(fact, reading, Scene(str(session.peer), session.tls), self._case(job))
        self._settle_later(job, outcome)

    def unreachable(self, site: Site, job: Job, failed: NotGreeted) -> None:
        """Write down that no host could be spoken to."""
        reading = self._read(site, failed.peer.partition("[")[0], failed.stage, failed.reply, failed.failure)
        code, enhanced, text = _said(failed.reply, failed.failure)
        evidence = Evidence(failed.stage.value, failed.peer, code, enhanced, text, "", reading.reason.value)
        self._settle_later(job, postponed(evidence, self._case(job)))

    def learned_bare_form(self, domain: str) -> None:
        """Remember that a domain wants irregular addresses bare."""
        if domain not in self._bare_domains:
            self._bare_domains |= {domain}
            self._means.writer.submit(partial(dispatch.remember_bare_form, domain))

    # --- outcomes

    def _no_route(self, jobs: Sequence[Job], trouble: NoRoute) -> None:
        evidence = Evidence("dns", "", 0, trouble.enhanced, trouble.text, "", trouble.reason)
        for job in jobs:
            if trouble.permanent:
                self._settle_later(job, Outcome(Verdict.REFUSED, evidence, self._office.clock()))
            else:
                self._settle_later(job, postponed(evidence, self._case(job)))

    def _read(self, site: Site, host: str, stage: Stage, reply: Reply | None, failure: str) -> Reading:
        return read(self._means.carriers, site.carrier, host, stage.value, *_said(reply, failure))

    def _case(self, job: Job) -> Case:
        return Case(job.claimed.lane, job.claimed.attempt, self._office.clock(), self._office.chance())

    def _settle_later(self, job: Job, outcome: Outcome) -> None:
        if outcome.verdict is not Verdict.ACCEPTED:
            evidence = outcome.evidence
            log.info(
                "%s to=<%s> %s at %s: %s %s",
                job.claimed.queue_id,
                shorten(job.claimed.address),
                outcome.verdict,
                evidence.stage,
                evidence.code,
                evidence.text,
            )
        self._ledger.add(job.claimed.item_id, job.claimed.attempt, outcome)

    def _settle(self, batch: Sequence[Settlement]) -> "asyncio.Future[int]":
        return asyncio.wrap_future(self._means.writer.submit(lambda: dispatch.settle(self._office, batch)))

    # --- making and ending

    def _find_route(self, domain: str) -> "asyncio.Future[Route]":
        return asyncio.ensure_future(find_route(domain, self._means.resolver, self._means.routing))

    def _make_site(self, name: str, carrier: Carrier | None) -> Site:
        manners: Manners = self._means.carriers.default if carrier is None else carrier.manners
        return Site(name, carrier, manners, Pace.of(manners), self)

    async def _stop(self) -> None:
        """Begin nothing more, let what is under way end, give back what was not begun."""
        await asyncio.gather(*self._writing)
        self._signing.shutdown()
        jobs = [job for site in self._ways.sites.values() for job in site.stop()]
        await self._do(
            lambda: dispatch.unclaim(self._office, [(job.claimed.item_id, job.claimed.attempt) for job in jobs])
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*(site.ended() for site in self._ways.sites.values()))
        for site in self._ways.sites.values():
            site.abort()
        await self._ledger.drained()


def _said(reply: Reply | None, failure: str) -> tuple[int, str, str]:
    """Return code, enhanced status and text; where no reply came, the word for the failure stands as its text."""
    if reply is None:
        return 0, "", failure
    return reply.code, "" if reply.enhanced is None else str(reply.enhanced), reply.text
