"""How does a service live in a process, and several under one parent?

`run` gives a service its event loop, its signals and its service manager. `Parent` is itself such a service: it starts
one process for each of the others, starts a dead one again after a growing pause, and ends all within 30 seconds.
A child watches its standard input, which the parent holds open: when the parent is gone, however it went, so is
the child. A child that refuses to start at all (exit code 1 or 2) before everything was up ends the parent.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from mailer.notify import notify, watchdog_seconds

log = logging.getLogger(__name__)

Service = Callable[[Callable[[], None], asyncio.Event], Awaitable[None]]

READY = b"ready"
BEAT = b"alive"
GRACE_SECONDS = 25.0
#: How long a parent waits for its children: less than whoever waits for it.
CHILD_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
#: A child that lived this long had a good start: the next pause is short again.
STEADY_SECONDS = 60.0
REFUSALS = (1, 2)
#: How often a child that beats says that it lives, and after how many beats left out it is taken for hung.
BEAT_SECONDS = 5.0
MOST_SILENT_BEATS = 12
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class ChildRefused(Exception):
    """A service did not start; it said on standard error why."""


def run(service: Service, announce: Callable[[], None], *, ends_with_stdin: bool = False) -> None:
    """Run `service(ready, stop)` in this process until it ends; SIGTERM and SIGINT set `stop`.

    When the service calls `ready`, `announce` is called and the service manager is told. With `ends_with_stdin` the end
    of standard input sets `stop` too. Raises what the service raises, and TimeoutError if it does not end in time.
    """
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_live(service, announce, ends_with_stdin))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _live(service: Service, announce: Callable[[], None], ends_with_stdin: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    if ends_with_stdin:
        loop.add_reader(sys.stdin.fileno(), _read_stdin, loop, stop)

    def ready() -> None:
        gc.freeze()  # what is there now stays: the collector need not look at it again and again
        announce()
        notify("READY=1")

    watchdog = asyncio.create_task(_pat_watchdog())
    running = asyncio.ensure_future(service(ready, stop))
    await _first((running, stop.wait()))
    notify("STOPPING=1")
    stop.set()
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            await running
    finally:
        watchdog.cancel()
        _hear_no_more_signals(loop)


def _hear_no_more_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Ctrl-C reaches a child twice, from the terminal and from its parent; the second must not meet a closing loop."""
    for number in STOP_SIGNALS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


def _read_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()


async def _pat_watchdog() -> None:
    pause = watchdog_seconds()
    while pause:
        notify("WATCHDOG=1")
        await asyncio.sleep(pause)


async def _first(awaited: Sequence[Awaitable[Any]]) -> None:
    """Wait until one of these is done; what this function began itself is cancelled."""
    given = [one for one in awaited if isinstance(one, asyncio.Future)]
    begun = [asyncio.ensure_future(one) for one in awaited if not isinstance(one, asyncio.Future)]
    await asyncio.wait([*given, *begun], return_when=asyncio.FIRST_COMPLETED)
    for task in begun:
        task.cancel()


#: What a child is equipped with: further arguments of its command, and open files that it inherits.
Equipment = tuple[Sequence[str], Sequence[int]]


async def _nothing(name: str) -> None:
    """Do nothing after a child has ended."""


def _bare() -> contextlib.AbstractContextManager[Equipment]:
    return contextlib.nullcontext(((), ()))


class Parent:
    """Processes as children of this one; `commands` says how each is started.

    Children that beat (`BEAT`, every `BEAT_SECONDS`) and fall silent are killed, so that they are started again; if all
    of them `beat`, those that never begin to are, too.
    `ended` is awaited with the name of each child that has ended, before it is started again; `equip` gives each what
    it inherits; `grace` is how many seconds a child has to end in order.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        ended: Callable[[str], Awaitable[None]] = _nothing,
        equip: Callable[[], contextlib.AbstractContextManager[Equipment]] = _bare,
        grace: float = CHILD_SECONDS,
        *,
        beat: bool = False,
    ) -> None:
        self._commands = commands
        self._ended = ended
        self._equip = equip
        self._grace = grace
        self._beat = beat
        self._silent_beats: dict[str, int] = {}
        self._waited_for = set(commands)
        self._stop = asyncio.Event()

    async def __call__(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Keep all children alive until `stop`; raises ChildRefused when one does not start."""
        self._ready, self._stop = ready, stop
        keepers = [asyncio.create_task(self._keep(name)) for name in self._commands]
        await _first((*keepers, stop.wait()))
        stop.set()
        await asyncio.wait(keepers)
        for keeper in keepers:
            keeper.result()

    async def _keep(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            began = loop.time()
            status = await self._live_once(name)
            await self._ended(name)
            if self._stop.is_set():
                return
            if status in REFUSALS and self._waited_for:
                raise ChildRefused(name)
            if loop.time() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.error("%s ended with status %d; it is started again in %.0f s", name, status, pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _live_once(self, name: str) -> int:
        """Start one child and return the status it ended with; when `stop` is set it is told, then made, to end."""
        pipe = asyncio.subprocess.PIPE
        with self._equip() as (arguments, files):
            process = await asyncio.create_subprocess_exec(
                *self._commands[name], *arguments, stdin=pipe, stdout=pipe, env=child_environment(), pass_fds=files
            )
        log.info("%s runs as process %d", name, process.pid)
        listening = asyncio.create_task(self._listen(name, process))
        watching = asyncio.create_task(self._watch(name, process))
        ended = asyncio.create_task(process.wait())
        await _first((ended, self._stop.wait()))
        if not ended.done():
            process.terminate()
            await asyncio.wait([ended], timeout=self._grace)
        if not ended.done():
            log.error("%s did not end in time and is killed", name)
            process.kill()
        watching.cancel()
        await listening
        return await ended

    async def _listen(self, name: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            if line.strip() == BEAT:
                self._silent_beats[name] = 0
            if line.strip() == READY and name in self._waited_for:
                self._waited_for.remove(name)
                if not self._waited_for:
                    self._ready()

    async def _watch(self, name: str, process: asyncio.subprocess.Process) -> None:
        """Kill a child that does not beat and should: it hangs. Beats are counted, for clocks may leap."""
        self._silent_beats.pop(name, None)
        if self._beat:
            self._silent_beats[name] = 0
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if _has_ended(process.pid):
                log.error("the end of %s went unheard", name)
                os.kill(os.getpid(), signal.SIGCHLD)  # by which the loop looks at all its children again
            if name in self._silent_beats:
                self._silent_beats[name] += 1
                if self._silent_beats[name] > MOST_SILENT_BEATS:
                    log.error("%s hangs and is killed", name)
                    process.kill()
                    # Its end may go unheard like any other's: it is looked at until somebody has heard of it.
                    del self._silent_beats[name]


def _has_ended(child: int) -> bool:
    """Tell whether a child has ended and nobody has asked yet how."""
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return False


async def beat() -> None:
    """Tell the parent that this process lives, again and again, until cancelled."""
    while True:
        with contextlib.suppress(OSError):
            os.write(1, BEAT + b"\n")
        await asyncio.sleep(BEAT_SECONDS)


def child_command(*arguments: str) -> tuple[str, ...]:
    """Return how this program is started once more with other arguments."""
    return (sys.executable, "-P", "-m", "mailer", *arguments)


def child_environment() -> dict[str, str]:
    """Return the environment of a child: it imports what this process imports and leaves our service manager alone."""
    own = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
