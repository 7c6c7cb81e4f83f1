"""Which MTA-STS policy has a domain, asked as seldom as possible?

RFC 8461: the DNS gives an id, and only where it changes the policy is fetched again; what was fetched holds for its
time, also while the id or a new policy cannot be had. Every policy is fetched anew each day, at half its time at the
latest, so that it does not run out unseen. What is fetched goes into a memory that all processes share.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from mailer.net.https import INVALID, FetchFailed
from mailer.net.recollection import Recollection
from mailer.net.resolver import DnsTrouble, NameUnknown, Resolver
from mailer.smtp.sts import KeptPolicy, MissingPolicy, StsInvalid, StsPolicy, read_id, read_policy, told_lines

log = logging.getLogger(__name__)

AGAIN_SECONDS = 300.0
DOUBT_SECONDS = 60.0
LOOK_SECONDS = 600.0
DAILY = timedelta(days=1)
PATH = "/.well-known/mta-sts.txt"

Fetch = Callable[[str, str], Awaitable[str]]


class StsMemory(Protocol):
    """Where policies are remembered beyond this process."""

    async def load(self, domain: str) -> KeptPolicy | None:
        """Return what is remembered of a domain."""

    async def save(self, kept: KeptPolicy) -> None:
        """Remember a policy in the place of an older one."""


class Sts:
    """The policies of domains; `clock` gives the time by which they run out."""

    def __init__(self, resolver: Resolver, fetch: Fetch, memory: StsMemory, clock: Callable[[], datetime]) -> None:
        self._resolver = resolver
        self._fetch = fetch
        self._memory = memory
        self._clock = clock
        self._kept: dict[str, KeptPolicy] = {}
        self._loaded: set[str] = set()
        self._failed: Recollection[str] = Recollection(asyncio.get_running_loop().time)
        self._doubted: Recollection[str] = Recollection(asyncio.get_running_loop().time)
        self._looking: dict[str, asyncio.Task[StsPolicy | None]] = {}
        self._fetching: set[str] = set()

    def know(self, policies: Iterable[KeptPolicy]) -> None:
        """Take in what is remembered at the start."""
        for kept in policies:
            self._take_in(kept)

    # --- what a route asks (routes.StsPolicies)

    def look(self, domain: str) -> "asyncio.Task[StsPolicy | None]":
        """Return the looking for a policy, which goes on by itself; it never fails."""
        task = self._looking.get(domain)
        if task is None:
            task = self._looking[domain] = asyncio.create_task(self._look(domain))
            task.add_done_callback(lambda _: self._looking.pop(domain, None))
        return task

    def kept(self, domain: str) -> StsPolicy | None:
        """Return the policy that is known now and holds."""
        kept = self._valid(domain)
        return None if kept is None else kept.policy

    def is_fetching(self, domain: str) -> bool:
        """Tell whether there is a policy that is being fetched."""
        return domain in self._fetching

    def missing(self, domain: str) -> MissingPolicy | None:
        """Return what is known of a policy that is announced and cannot be had, where no older one holds."""
        what = self._failed.what(domain)
        return what if isinstance(what, MissingPolicy) and self.kept(domain) is None else None

    def lasting(self, domain: str) -> float:
        """Return for how many seconds what was found need not be looked for again."""
        if domain in self._doubted:
            return DOUBT_SECONDS
        return AGAIN_SECONDS if domain in self._failed else float("inf")

    def forget(self, *domains: str) -> None:
        """Fetch anew, when it is wanted next, what could not be had; a policy that is known holds on."""
        for domain in domains:
            self._failed.drop(domain)
            self._doubted.drop(domain)

    # --- what a service runs

    async def keep_fresh(self) -> None:
        """Fetch what grows old, as long as this is not cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.freshen()

    async def freshen(self) -> None:
        """Fetch anew what is a day old, or has passed half of its time; forget what is over."""
        now = self._clock()
        for kept in list(self._kept.values()):
            if kept.expires_at <= now:
                del self._kept[kept.domain]
            elif kept.fetched_at + min(DAILY, (kept.expires_at - kept.fetched_at) / 2) <= now:
                await self._anew(kept)

    async def _anew(self, kept: KeptPolicy) -> None:
        """Another process may have fetched it meanwhile."""
        try:
            self._take_in(await self._memory.load(kept.domain))
            if self._kept[kept.domain].fetched_at == kept.fetched_at:
                await self._fetch_policy(kept.domain, await self._id(kept.domain) or kept.id)
        except Exception as error:
            # The store's trouble: the policy holds on, and is tried again.
            log.error("the MTA-STS policy of %s cannot be kept: %s", kept.domain, error)

    # --- inside

    async def _look(self, domain: str) -> StsPolicy | None:
        try:
            name = await self._id(domain)
            await self._load(domain)
            known = self._valid(domain)
            if name is not None and (known is None or known.id != name) and domain not in self._failed:
                await self._fetch_policy(domain, name)
        except Exception as error:
            # The store's trouble is none of the domain's: what is known holds.
            log.error("the MTA-STS policy of %s cannot be kept: %s", domain, error)
        return self.kept(domain)

    async def _id(self, domain: str) -> str | None:
        """Return the id in the DNS; what cannot be had counts as absent, because a policy that is known holds on."""
        try:
            return read_id((await self._resolver.ask(f"_mta-sts.{domain}", "TXT")).records)
        except NameUnknown:
            return None
        except DnsTrouble:
            self._doubted.note(domain, DOUBT_SECONDS)
            return None

    async def _load(self, domain: str) -> None:
        if domain not in self._loaded and domain not in self._kept:
            self._take_in(await self._memory.load(domain))
            self._loaded.add(domain)

    async def _fetch_policy(self, domain: str, name: str) -> None:
        self._fetching.add(domain)
        text = ""
        try:
            text = await self._fetch(f"mta-sts.{domain}", PATH)
            policy = read_policy(text)
        except FetchFailed as failed:
            self._missed(domain, MissingPolicy(failed.word, str(failed)))
        except StsInvalid as wrong:
            self._missed(domain, MissingPolicy(INVALID, str(wrong), told_lines(text)))
        else:
            kept = self._kept[domain] = KeptPolicy(domain, name, policy, self._clock())
            log.info("%s: MTA-STS policy %s, mode %s", domain, name, policy.mode)
            await self._memory.save(kept)
        finally:
            self._fetching.discard(domain)

    def _missed(self, domain: str, missing: MissingPolicy) -> None:
        """What is reported of it is each session that went without the policy, not each time that it was looked for."""
        log.warning("%s has an MTA-STS policy that cannot be had (%s): %s", domain, missing.word, missing.why)
        self._failed.note(domain, AGAIN_SECONDS, missing)

    def _take_in(self, kept: KeptPolicy | None) -> None:
        """Keep what was remembered unless a newer one is known."""
        if kept is not None:
            known = self._kept.get(kept.domain)
            if known is None or known.fetched_at < kept.fetched_at:
                self._kept[kept.domain] = kept

    def _valid(self, domain: str) -> KeptPolicy | None:
        kept = self._kept.get(domain)
        return kept if kept is not None and kept.expires_at > self._clock() else None
