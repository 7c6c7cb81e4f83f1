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
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence

from mailer.domain.alarm import clean

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 30.0
#: What a program said just before it ended is read for so long.
LAST_WORDS_SECONDS = 1.0
MOST_OUTPUT = 4096
CHUNK = 4096
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


async def run(
    command: Sequence[str], given: bytes, variables: Mapping[str, str], seconds: float = DEADLINE_SECONDS
) -> str:
    """Run a program with `given` on its standard input; return what went wrong, empty if it ended with status 0."""
    environment = {**ENVIRONMENT, **variables}
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=STDOUT, env=environment, cwd="/", start_new_session=True
        )
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    said = bytearray()
    talk = [asyncio.create_task(each) for each in (_give(process, given), _listen(process, said))]
    try:
        async with asyncio.timeout(seconds):
            status = await _ended(process)
        await asyncio.wait(talk, timeout=LAST_WORDS_SECONDS)
    except TimeoutError:
        _kill(process)
        return f"{command[0]}: killed after {seconds:g} s"
    except asyncio.CancelledError:
        _kill(process)
        raise
    finally:
        for one in talk:
            one.cancel()
        if said:
            log.info("%s said: %s", command[0], clean(said.decode("utf-8", "replace"), MOST_OUTPUT))
    return f"{command[0]}: exit status {status}" if status else ""


async def _ended(process: Process) -> int:
    """Return the status of a program that has ended, although a child of it may hold its output open."""
    while process.returncode is None:  # noqa: ASYNC110 - `wait` would wait for the output, too
        await asyncio.sleep(0.02)
    return process.returncode


async def _give(process: Process, given: bytes) -> None:
    assert process.stdin
    if process.stdin.is_closing():
        return
    # A program may not care what it is told.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()


async def _listen(process: Process, said: bytearray) -> None:
    """Keep the beginning of what it says, and read the rest, so that it does not wait for us."""
    assert process.stdout
    while chunk := await process.stdout.read(CHUNK):
        said += chunk[: MOST_OUTPUT - len(said)]


def _kill(process: Process) -> None:
    """Kill it with its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
