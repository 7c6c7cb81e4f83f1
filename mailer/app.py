"""How does the mailer keep its workers, the keys and the time?

The mailer service is a parent of as many sending processes as there are cores (`mailer.worker`). It sends nothing
itself: it starts them, signs for them (it alone reads the DKIM keys), keeps the timers, and when one dies makes its
claims and leases free at once. One mailer works on a store at a time, so whatever stands claimed when this one starts
is known to be lost.

Raises `AnotherMailer`.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from config import Settings, read_dkim_key
from config.carriers import load_carriers
from mailer import signatory
from mailer.alarm_ways import alarm_ways, troubles
from mailer.alarms import keep_alarms
from mailer.announcing import Announcer
from mailer.appliance import open_office
from mailer.clock import SteadyClock, elapsed
from mailer.forgetting import keep_forgetting
from mailer.keeping import keeping
from mailer.keyring import Keyring
from mailer.liveness import all_gone, only_mailer
from mailer.serve import Parent, child_command
from mailer.service import dispatch, keys, lease
from mailer.service.office import Office
from mailer.store.failure import FAILURES
from mailer.store.writer import Writer
from mailer.timers import keep_time

log = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0
NICE = 5
#: A worker ends within 12 s what is under way; who waits for us waits 20 s.
WORKER_SECONDS = 15.0
LOOK_FOR_KEYS_SECONDS = 30.0
LOOK_FOR_LAPSED_SECONDS = 5.0
LOOK_FOR_ENDLESS_SECONDS = 60.0
#: All time-outs of a session together take half an hour; on a full disk a worker may hold its claims for longer.
LONGEST_ATTEMPT_SECONDS = 24 * 3600.0


async def run(settings: Settings, config: Path, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Keep the workers sending until `stop` is set; `ready` is called once all of them can."""
    step_back()
    with only_mailer(settings.state.directory):
        clock = SteadyClock()
        office = replace(open_office(settings, needs=()), clock=clock, receiver=load_carriers(settings).name)
        writer = Writer()
        widow, announcer = Widow(office, writer), Announcer(office, writer)
        ails = partial(troubles, settings, writer, {"queue": widow, "notices": announcer})
        alarms = partial(keep_alarms, office, writer, alarm_ways(settings, clock), ails)
        commands = _commands(settings, config)
        keyring = Keyring(partial(read_dkim_key, settings))
        timers = (partial(keep_time, office, writer, clock), announcer.keep, partial(keep_forgetting, office, writer))
        recovery = (partial(widow.watch, commands), widow.end_endless)
        try:
            async with keeping(*timers, *recovery, alarms, partial(watch_keys, keyring, office, writer)):
                if not await unless(stop, cleared(settings.state.directory, widow)):
                    return
                await read_ahead(keyring, office, writer)
                equip = partial(signed_for, keyring)
                await Parent(commands, widow.recover, equip, WORKER_SECONDS, beat=True)(ready, stop)
        finally:
            await asyncio.to_thread(writer.close)


async def read_ahead(keyring: Keyring, office: Office, writer: Writer) -> None:
    """Read the active keys before there is mail, and have somebody called where one cannot be read."""
    try:
        selectors = await writer.do(keys.active_selectors)
        troubles = await asyncio.to_thread(keyring.look, selectors)
        await writer.do(partial(keys.watch, office, troubles))
    except Exception as error:
        log.error("the active keys cannot be read ahead: %s", error)


async def watch_keys(keyring: Keyring, office: Office, writer: Writer) -> None:
    """See now and then whether the active keys can still be read, until cancelled: the next start needs them."""
    while True:
        await asyncio.sleep(LOOK_FOR_KEYS_SECONDS)
        await read_ahead(keyring, office, writer)


def step_back() -> None:
    """Let what a person waits for go first: the command that sends an urgent broadcast, the pages, port 25.

    The workers inherit it. Sending itself loses nothing: the others need little.
    """
    with contextlib.suppress(OSError):  # a sandbox may forbid it; its manager says how nice we are
        os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))


async def cleared(directory: Path, widow: "Widow") -> None:
    """Return when no worker of an earlier mailer lives, and what they left is found."""
    await all_gone(directory)
    await widow.recover(None)


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do something unless `stop` is set before it is done; return whether it was."""
    doing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait([doing, stopping], return_when=asyncio.FIRST_COMPLETED)
    done = doing.done()
    for task in (doing, stopping):
        task.cancel()
    if done:
        doing.result()
    return done


def _commands(settings: Settings, config: Path) -> dict[str, tuple[str, ...]]:
    """Return how the workers are started: one for each core this process may use, unless a number is set."""
    number = settings.delivery.workers or len(os.sched_getaffinity(0))
    serve = ("--config", str(config), "serve", "--under-parent", "--workers", str(number))
    return {f"worker-{n}": child_command(*serve, "--worker", str(n), "mailer") for n in range(1, number + 1)}


@contextlib.contextmanager
def signed_for(keyring: Keyring) -> Iterator[tuple[Sequence[str], Sequence[int]]]:
    """Sign for a worker that is about to be started; give the arguments and the open file that tell it where."""
    ours, theirs = socket.socketpair()
    signatory.serve(ours, keyring.sign)
    with theirs:
        yield ["--signatory", str(theirs.fileno())], [theirs.fileno()]


@contextlib.contextmanager
def _looking_again(what: str) -> Iterator[None]:
    """Let nothing that goes wrong in the block end the look: the store's trouble is told by the timers."""
    try:
        yield
    except FAILURES:
        pass
    except Exception:
        log.exception("%s: a fault of ours; the next look follows", what)


class Widow:
    """Settles what dead workers leave behind; `trouble` says why it cannot, or is empty."""

    def __init__(self, office: Office, writer: Writer) -> None:
        self.trouble = ""
        self._office = office
        self._writer = writer

    async def recover(self, worker: str | None) -> None:
        """Find the lost claims of a dead worker (None: of all) and end its leases; return only once it is done."""
        who = worker or "an earlier mailer"
        while True:
            try:
                found = await self._writer.do(lambda: dispatch.recover(self._office, worker))
            except Exception as error:
                # Started again before that, it would have its claims twice.
                self.trouble = str(error)
                log.error("the claims of %s cannot be recovered: %s", who, error)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self.trouble = ""
                log.info("lost claims of %s: %d again, %d held, %d over", who, found.again, found.held, found.ended)
                return

    async def end_endless(self, now: Callable[[], float] = elapsed) -> None:
        """Give up as lost what has been under way for so long that no session can have it any more; until cancelled.

        There should be nothing; a claim that a worker forgot would else never come to an end. The time is counted from
        when we first see an attempt, because clocks may be set.
        """
        seen: dict[tuple[int, int], float] = {}
        while True:
            with _looking_again("attempts without an end"):
                under_way = await self._writer.do(dispatch.under_way)
                seen = {one: seen.get(one, now()) for one in under_way}
                endless = [one for one, since in seen.items() if now() - since > LONGEST_ATTEMPT_SECONDS]
                if endless:
                    log.error("%d attempts are without an end and given up as lost", len(endless))
                    await self._writer.do(partial(dispatch.give_up, self._office, endless))
            await asyncio.sleep(LOOK_FOR_ENDLESS_SECONDS)

    async def watch(self, own: Collection[str]) -> None:
        """Recover what workers left whose term is over without anybody having seen them die; until cancelled.

        Not our `own`: we see them die, and while the store takes no writes none of them can renew.
        """
        while True:
            await asyncio.sleep(LOOK_FOR_LAPSED_SECONDS)
            with _looking_again("workers whose lease is over"):
                for worker in set(await self._writer.do(lambda: lease.lapsed(elapsed()))) - set(own):
                    log.error("%s has not renewed its lease in time", worker)
                    await self.recover(worker)
