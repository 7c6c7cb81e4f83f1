"""How is a program of the operator's run without trusting it with anything?

Never through a shell; with what it is told on standard input and in a few variables, and with nothing of ours else: no
environment, no open file, no working directory. It has a deadline, at which it and all its children are killed; once it
has ended its status counts, whatever children it leaves. What it says goes into the log, cut and cleaned.
"""

import asyncio
import contextlib
import logging
import os
import signal
from asyncio.subprocess import STDOUT
from collections.abc import Mapping, Sequence

from mailer.domain.alarm import clean

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 30.0
#: What a program said just before it ended is read for so long; so long, too, may the system take to end a killed one.
LAST_WORDS_SECONDS = 1.0
MOST_OUTPUT = 4096
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class Errand(asyncio.SubprocessProtocol):
    """What is heard of a running program: the beginning of what it says, that it fell silent, ended, and is gone."""

    def __init__(self) -> None:
        self.said = bytearray()
        self.silent, self.ended, self.gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def pipe_data_received(self, _fd: int, data: bytes) -> None:
        """Keep the beginning; the rest is read, too, so that the program does not wait for us."""
        self.said += data[: MOST_OUTPUT - len(self.said)]

    def pipe_connection_lost(self, _fd: int, _error: Exception | None) -> None:
        """Its output, the only pipe, has ended."""
        self.silent.set()

    def process_exited(self) -> None:
        """It has ended, although a child of it may hold its output open."""
        self.ended.set()

    def connection_lost(self, _error: Exception | None) -> None:
        """It has ended and all its pipes are closed."""
        self.gone.set()


async def run(
    command: Sequence[str], given: bytes, variables: Mapping[str, str], seconds: float = DEADLINE_SECONDS
) -> str:
    """Run a program with `given` on its standard input; return what went wrong, empty if it ended with status 0."""
    try:
        transport, errand = await _start(command, given, {**ENVIRONMENT, **variables})
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    try:
        async with asyncio.timeout(seconds):
            await errand.ended.wait()
        await _at_most(LAST_WORDS_SECONDS, errand.silent)
    except TimeoutError:
        return f"{command[0]}: killed after {seconds:g} s"
    finally:
        await _close(transport, errand)
        if errand.said:
            log.info("%s said: %s", command[0], clean(errand.said.decode("utf-8", "replace"), MOST_OUTPUT))
    status = transport.get_returncode()
    return f"{command[0]}: exit status {status}" if status else ""


async def _start(
    command: Sequence[str], given: bytes, environment: Mapping[str, str]
) -> tuple[asyncio.SubprocessTransport, Errand]:
    """Start it with a file in memory as its standard input: a pipe could be held open, unread, by a child of it."""
    stdin = os.memfd_create("given")
    try:
        os.pwrite(stdin, given, 0)  # so it is read from its beginning
        return await asyncio.get_running_loop().subprocess_exec(
            Errand, *command, stdin=stdin, stderr=STDOUT, env=environment, cwd="/", start_new_session=True
        )
    finally:
        os.close(stdin)


async def _close(transport: asyncio.SubprocessTransport, errand: Errand) -> None:
    """Kill it with its children if it has not ended, and let go of the output that a child of it may still hold."""
    if not errand.ended.is_set():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
    transport.close()
    await _at_most(LAST_WORDS_SECONDS, errand.gone)


async def _at_most(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
